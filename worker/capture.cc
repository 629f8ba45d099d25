#include "worker/capture.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "lib/core/check.h"
#include "worker/line_printer.h"

namespace fanmill {
namespace {

void CloseEnd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// A file without a name: gone with its last descriptor, whatever happens to us.
int OpenUnlinked(const std::string& folder) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  std::string name = folder + "/fanmill-output-XXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

}  // namespace

CapturedStream::~CapturedStream() { CloseEnd(file_); }

CapturedStream::CapturedStream(CapturedStream&& from) noexcept { *this = std::move(from); }

CapturedStream& CapturedStream::operator=(CapturedStream&& from) noexcept {
  if (this == &from) return *this;
  CloseEnd(file_);
  head_ = std::exchange(from.head_, {});
  file_ = std::exchange(from.file_, -1);
  size_ = std::exchange(from.size_, 0);
  dropped_ = std::exchange(from.dropped_, 0);
  trouble_ = std::exchange(from.trouble_, {});
  return *this;
}

std::optional<std::string> CapturedStream::Read(uint64_t offset, size_t bytes) const {
  FANMILL_CHECK(spilled());
  std::string part(offset < size_ ? std::min<uint64_t>(bytes, size_ - offset) : 0, '\0');
  size_t got = 0;
  while (got < part.size()) {
    const ssize_t n = pread(file_, part.data() + got, part.size() - got, offset + got);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;  // somebody cut the file
    if (n <= 0) return std::nullopt;
    got += static_cast<size_t>(n);
  }
  return part;
}

void CapturedStream::Append(const char* bytes, size_t size, uint64_t cap,
                            const std::string& spill_dir) {
  const size_t kept = trouble_.empty() ? std::min<uint64_t>(size, cap - size_) : 0;
  dropped_ += size - kept;
  if (kept == 0) return;
  if (!spilled() && head_.size() + kept <= kCaptureInMemoryBytesMax) {
    head_.append(bytes, kept);
    size_ += kept;
    return;
  }
  // What does not reach the disk is dropped and counted; the bytes already kept stay good.
  const uint64_t before = size_;
  if (!spilled() && !SpillHead(spill_dir)) {
    dropped_ += kept;
  } else if (!WriteOut(bytes, kept)) {
    dropped_ += kept - (size_ - before);
  }
}

// The file holds the whole stream, its head included, so that it can be read as one. Where it does
// not take the head, the head stays in memory, and there is no file.
bool CapturedStream::SpillHead(const std::string& spill_dir) {
  FANMILL_CHECK(!head_.empty(), "one read is more than what is kept in memory");
  file_ = OpenUnlinked(spill_dir);
  if (file_ < 0) {
    trouble_ = "cannot open a file for its output in " + spill_dir + ": " + std::strerror(errno);
    return false;
  }
  size_ = 0;
  if (WriteOut(head_.data(), head_.size())) {
    std::string().swap(head_);  // gives its memory back
    return true;
  }
  CloseEnd(file_);
  size_ = head_.size();
  return false;
}

bool CapturedStream::WriteOut(const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = pwrite(file_, bytes, size, static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      trouble_ = std::string("cannot keep more of its output: ") + std::strerror(errno);
      return false;
    }
    bytes += n;
    size -= static_cast<size_t>(n);
    size_ += static_cast<uint64_t>(n);
  }
  return true;
}

Capture::Capture(std::string spill_dir, uint64_t cap, LinePrinter* lines)
    : spill_dir_(std::move(spill_dir)), cap_(cap), lines_(lines) {}

Capture::~Capture() {
  CloseChildEnds();
  for (Stream& stream : streams_) CloseEnd(stream.read_end);
}

std::string Capture::Open(std::string tag) {
  tag_ = std::move(tag);
  for (Stream& stream : streams_) {
    FANMILL_CHECK(stream.read_end < 0 && stream.write_end < 0);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      const std::string reason = std::strerror(errno);
      CloseChildEnds();
      for (Stream& opened : streams_) CloseEnd(opened.read_end);
      return "cannot open a pipe for a task's output: " + reason +
             "; raise ulimit -n or take fewer slots";
    }
    stream.read_end = ends[0];
    stream.write_end = ends[1];
    fcntl(stream.read_end, F_SETFL, O_NONBLOCK);  // ours alone: the task's end blocks as usual
  }
  return "";
}

void Capture::CloseChildEnds() {
  for (Stream& stream : streams_) CloseEnd(stream.write_end);
}

void Capture::Drain() {
  for (Stream& stream : streams_) ReadSome(stream, kCaptureDrainBytesMax);
}

// What is there is at most what a pipe holds: a writer that goes on for ever cannot hold us up.
void Capture::Finish() {
  CloseChildEnds();
  for (Stream& stream : streams_) {
    int waiting = 0;
    if (stream.read_end >= 0 && ioctl(stream.read_end, FIONREAD, &waiting) == 0) {
      ReadSome(stream, static_cast<uint64_t>(waiting));
    }
    CloseEnd(stream.read_end);
    if (lines_ != nullptr) HandOver(stream);
  }
}

Capture::Output Capture::Take() {
  FANMILL_CHECK(streams_[0].read_end < 0 && streams_[1].read_end < 0);
  if (lines_ != nullptr) {
    return {std::exchange(streams_[0].lost, {}), std::exchange(streams_[1].lost, {})};
  }
  return {std::exchange(streams_[0].captured, {}), std::exchange(streams_[1].captured, {})};
}

// Through one buffer per thread: an idle stream holds no memory, a small output exactly its size.
void Capture::ReadSome(Stream& stream, uint64_t limit) {
  constexpr size_t kPieceBytes = kCaptureInMemoryBytesMax;
  static thread_local const std::unique_ptr<char[]> piece(new char[kPieceBytes]);
  while (stream.read_end >= 0 && limit > 0) {
    const size_t wanted = std::min<uint64_t>(limit, kPieceBytes);
    const ssize_t n = read(stream.read_end, piece.get(), wanted);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return CloseEnd(stream.read_end);
    TakeIn(stream, {piece.get(), static_cast<size_t>(n)});
    limit -= static_cast<uint64_t>(n);
    if (static_cast<size_t>(n) < wanted) return;  // that was all; poll tells of more, or of the end
  }
}

void Capture::TakeIn(Stream& stream, std::string_view bytes) {
  if (lines_ == nullptr) return Keep(stream, bytes);
  const auto hand_over_through = [&](size_t last) {
    if (last == std::string_view::npos) return;
    KeepTagged(stream, bytes.substr(0, last + 1));
    HandOver(stream);
    bytes.remove_prefix(last + 1);
  };
  // The line that has begun goes by itself: where not all of it could be kept, no other suffers.
  if (stream.captured.size() + stream.captured.dropped() > 0) hand_over_through(bytes.find('\n'));
  hand_over_through(bytes.rfind('\n'));
  KeepTagged(stream, bytes);
}

void Capture::Keep(Stream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kCaptureInMemoryBytesMax);
    stream.captured.Append(part.data(), part.size(), cap_, spill_dir_);
    bytes.remove_prefix(part.size());
  }
}

void Capture::KeepTagged(Stream& stream, std::string_view lines) {
  if (tag_.empty()) return Keep(stream, lines);
  while (!lines.empty()) {
    if (!std::exchange(stream.in_line, true)) Keep(stream, tag_);
    const size_t end = lines.find('\n');
    if (end != std::string_view::npos) stream.in_line = false;
    const std::string_view line = lines.substr(0, end == std::string_view::npos ? end : end + 1);
    Keep(stream, line);
    lines.remove_prefix(line.size());
  }
}

void Capture::HandOver(Stream& stream) {
  CapturedStream lines = std::exchange(stream.captured, {});
  stream.in_line = false;
  stream.lost.dropped_ += lines.dropped_;
  if (stream.lost.trouble_.empty()) stream.lost.trouble_ = lines.trouble_;
  if (lines.size() > 0) lines_->Print(&stream == &streams_[0] ? 0 : 1, std::move(lines));
}

}  // namespace fanmill
