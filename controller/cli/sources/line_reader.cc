#include "controller/cli/sources/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr size_t kReadBytes = 256 << 10;

}  // namespace

LineReader::LineReader(int fd, std::string name, LineEnd end)
    : fd_(fd),
      name_(std::move(name)),
      end_mark_(end == LineEnd::kNul ? '\0' : '\n'),
      buffer_(kTaskPayloadBytesMax + kReadBytes) {}

std::string LineReader::Where(uint64_t line) const {
  return absl::StrCat(end_mark_ == '\n' ? "line " : "value ", line, " of ", name_);
}

absl::StatusOr<Got> LineReader::Next(Duration timeout, std::string_view& line) {
  while (true) {
    const void* mark = std::memchr(buffer_.data() + looked_, end_mark_, end_ - looked_);
    if (mark != nullptr) {
      const size_t at = static_cast<size_t>(static_cast<const char*>(mark) - buffer_.data());
      line = std::string_view(buffer_.data() + begin_, at - begin_);
      begin_ = looked_ = at + 1;
      return Check(line);
    }
    looked_ = end_;
    if (end_ - begin_ > kTaskPayloadBytesMax || (ended_ && begin_ < end_)) {
      line = std::string_view(buffer_.data() + begin_, end_ - begin_);
      begin_ = end_;
      return Check(line);
    }
    if (ended_) return Got::kEnd;
    const size_t had = end_ - begin_;
    if (absl::Status read = Read(timeout); !read.ok()) return read;
    if (end_ - begin_ == had && !ended_) return Got::kNothingYet;
  }
}

absl::StatusOr<Got> LineReader::Check(std::string_view& line) {
  ++lines_;
  if (line.size() > kTaskPayloadBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(Where(), " is longer than ", kTaskPayloadBytesMax,
                     " bytes, the most a task's value may have: put what is long into a file and "
                     "give the file's name as the value"));
  }
  if (end_mark_ == '\0') return Got::kOne;
  if (const size_t nul = line.find('\0'); nul != std::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        Where(), " has a NUL byte (its byte ", nul + 1,
        "), which no argument of a program can hold: each line is one task's value. If the values "
        "end in NUL, as those of find -print0, add -0"));
  }
  if (line.ends_with('\r')) line.remove_suffix(1);  // a file from Windows
  return Got::kOne;
}

absl::Status LineReader::Read(Duration timeout) {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  looked_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
  pollfd waited{fd_, POLLIN, 0};
  const int ready = poll(&waited, 1, static_cast<int>(timeout / Millis(1)));
  if (ready == 0 || (ready < 0 && errno == EINTR)) return absl::OkStatus();
  const ssize_t got = read(fd_, buffer_.data() + end_, buffer_.size() - end_);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return absl::OkStatus();
  if (got < 0) {
    return absl::UnavailableError(absl::StrCat("cannot read ", name_, ": ", ErrorText(errno)));
  }
  end_ += static_cast<size_t>(got);
  ended_ = got == 0;
  return absl::OkStatus();
}

}  // namespace fanmill::cli
