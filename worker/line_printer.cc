#include "worker/line_printer.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "lib/core/check.h"

namespace fanmill {
namespace {

constexpr size_t kPartBytes = 64 << 10;  // of a long line, at a time

int MakeEvent() {
  const int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  FANMILL_CHECK(fd >= 0);
  return fd;
}

bool IsFile(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool AreSame(int a, int b) {
  struct stat one {
  }, other{};
  return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace

LinePrinter::LinePrinter(int out_fd, int err_fd, std::function<void(int, int)> on_lost)
    : on_lost_(std::move(on_lost)),
      room_(MakeEvent()),
      abandoned_event_(MakeEvent()),
      targets_{Target{out_fd, IsFile(out_fd), false, 0},
               Target{err_fd, IsFile(err_fd), false, AreSame(out_fd, err_fd) ? 0u : 1u}},
      thread_([this] { Serve(); }) {}

LinePrinter::~LinePrinter() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  news_.notify_one();
  thread_.join();
}

// A long line waits in a file, and there are only so many files.
size_t LinePrinter::Weight(CapturedStream& text) {
  return text.spilled() ? kCaptureInMemoryBytesMax : text.in_memory().size();
}

void LinePrinter::Print(size_t stream, CapturedStream lines) {
  {
    std::lock_guard lock(mutex_);
    waiting_bytes_ += Weight(lines);
    queue_.push_back({stream, std::move(lines)});
  }
  news_.notify_one();
}

bool LinePrinter::HasRoom() {
  std::lock_guard lock(mutex_);
  room_wanted_ = waiting_bytes_ >= kLinesWaitingBytesMax;
  return !room_wanted_;
}

void LinePrinter::TakeEvent() {
  eventfd_t count;
  eventfd_read(room_.get(), &count);
}

void LinePrinter::Abandon() { eventfd_write(abandoned_event_.get(), 1); }

void LinePrinter::Serve() {
  while (true) {
    std::optional<Lines> next;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock,
                 [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    const size_t weight = Weight(next->text);
    Write(*std::move(next));
    std::lock_guard lock(mutex_);
    waiting_bytes_ -= weight;
    if (waiting_bytes_ < kLinesWaitingBytesMax && std::exchange(room_wanted_, false)) {
      eventfd_write(room_.get(), 1);
    }
  }
}

void LinePrinter::Write(Lines lines) {
  Target& target = targets_[lines.stream];
  bool& mid_line = mid_line_[target.line];
  if (std::exchange(mid_line, false)) WriteText(target, "\n");
  if (!lines.text.spilled()) {
    WriteText(target, lines.text.in_memory());
    mid_line = !lines.text.in_memory().ends_with('\n');
    return;
  }
  for (uint64_t at = 0; at < lines.text.size();) {
    const std::optional<std::string> part = lines.text.Read(at, kPartBytes);
    if (!part) return;  // the disk lost it
    WriteText(target, *part);
    mid_line = !part->ends_with('\n');
    at += part->size();
  }
}

void LinePrinter::WriteText(Target& target, std::string_view text) {
  while (!text.empty() && !target.lost && AwaitRoomAt(target)) {
    // No more than a pipe takes at once that is said to take something.
    const size_t size = target.is_file ? text.size() : std::min<size_t>(text.size(), PIPE_BUF);
    const ssize_t n = write(target.fd, text.data(), size);
    if (n >= 0) {
      text.remove_prefix(static_cast<size_t>(n));
    } else if (errno != EINTR && errno != EAGAIN) {
      target.lost = true;
      if (on_lost_) on_lost_(target.fd, errno);
    }
  }
}

// False when nobody wants it to be written any more.
bool LinePrinter::AwaitRoomAt(const Target& target) {
  pollfd wanted[] = {{abandoned_event_.get(), POLLIN, 0}, {target.fd, POLLOUT, 0}};
  while (poll(wanted, 2, -1) < 0) continue;
  return wanted[0].revents == 0;
}

}  // namespace fanmill
