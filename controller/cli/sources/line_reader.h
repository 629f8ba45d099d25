// LineReader: the lines of a file or pipe, without waiting for a slow writer longer than asked.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_LINE_READER_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_LINE_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/cli/sources/value_source.h"
#include "lib/core/instant.h"

namespace fanmill::cli {

// What ends a line: a newline, with or without a carriage return before it, or a NUL alone.
enum class LineEnd { kNewline, kNul };

class LineReader {
 public:
  // `name` is what errors call it. The descriptor stays the caller's.
  LineReader(int fd, std::string name, LineEnd end = LineEnd::kNewline);

  // Waits up to `timeout` for the next line, which comes without its end and is good until the
  // next call; a last line without one counts. A line of more than kTaskPayloadBytesMax bytes or
  // with a NUL byte is an error that names it. A signal ends the wait early.
  absl::StatusOr<Got> Next(Duration timeout, std::string_view& line);
  uint64_t lines() const { return lines_; }  // returned so far
  std::string Where() const { return Where(lines_); }
  std::string Where(uint64_t line) const;  // "line 3 of stdin"

 private:
  absl::StatusOr<Got> Check(std::string_view& line);
  absl::Status Read(Duration timeout);

  int fd_;
  std::string name_;
  char end_mark_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what was read and not returned
  size_t end_ = 0;
  size_t looked_ = 0;  // no end of a line in [begin_, looked_)
  bool ended_ = false;
  uint64_t lines_ = 0;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_LINE_READER_H_
