// SpoolFile: bytes put away in a file, to be read back and given up in any order. The file has no
// name and goes with its owner. What was given up makes room on the disk; the file's length says
// nothing about what it takes there.
//
// It promises nothing for the time after a crash: nothing is synced. Not thread-safe.
#ifndef FANMILL_LIB_IO_SPOOL_FILE_H_
#define FANMILL_LIB_IO_SPOOL_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/core/range_set.h"
#include "lib/io/file.h"

namespace fanmill {

struct SpoolSpan {
  uint64_t offset = 0;
  uint64_t size = 0;
};

class SpoolFile {
 public:
  // The file is made in `directory` (which outlives the first Append) when something is appended.
  explicit SpoolFile(std::string directory) : directory_(std::move(directory)) {}

  // Where the bytes are now, until they are released. kUnavailable: they could not be written
  // (disk full, read-only, I/O error), and nothing has changed.
  absl::StatusOr<SpoolSpan> Append(std::string_view bytes);
  // REQUIRES: the span, or what it is part of, was appended and not released. kUnavailable: the
  // disk does not give it back.
  absl::StatusOr<std::string> Read(SpoolSpan span) const;
  // Gives the span up, once; parts of what was appended can be released one by one. Its room on the
  // disk is free soon after: whole blocks at a time, and as late as when all is released where the
  // file system cannot free a part of a file.
  void Release(SpoolSpan span);

  uint64_t live_bytes() const { return live_bytes_; }            // appended and not released
  uint64_t disk_bytes() const { return end_ - punched_bytes_; }  // what the file takes, about

 private:
  absl::Status Create();
  void PunchHoles();
  absl::Status Failed(const char* what, int error) const;

  std::string directory_;
  FileDescriptor file_;
  uint64_t end_ = 0;
  uint64_t live_bytes_ = 0;
  uint64_t punched_bytes_ = 0;
  uint64_t waiting_bytes_ = 0;  // released since the last holes were made
  RangeSet released_;           // and not in a hole
  bool can_punch_ = true;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_SPOOL_FILE_H_
