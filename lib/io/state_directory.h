// StateDirectory: the one place on disk where a role keeps what must outlive it. It belongs to one
// process at a time, has an id of its own for ever, and counts the starts: each opening raises the
// epoch, durably, before anybody hears of it.
#ifndef FANMILL_LIB_IO_STATE_DIRECTORY_H_
#define FANMILL_LIB_IO_STATE_DIRECTORY_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "lib/io/file.h"

namespace fanmill {

class StateDirectory {
 public:
  // Makes the directory (0700) and what is above it where it is missing. Errors are sentences for a
  // person: held by another process, on a network file system, read-only, full, damaged.
  static absl::StatusOr<StateDirectory> Open(const std::string& path);

  const std::string& path() const { return path_; }
  uint64_t id() const { return id_; }        // random, not 0
  uint64_t epoch() const { return epoch_; }  // 1 at the first start

 private:
  StateDirectory(std::string path, FileDescriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  absl::Status RaiseEpoch();

  std::string path_;
  FileDescriptor lock_;  // held as long as this lives, and no longer than the process
  uint64_t id_ = 0;
  uint64_t epoch_ = 0;
};

// Chunk ids keep the epoch in 24 bits: that many starts, one a second, take half a year.
inline constexpr uint64_t kEpochMax = (uint64_t{1} << 24) - 1;

// Where it is for the user of this process when nobody says; empty: the environment does not tell.
std::string DefaultState();

// Whether a file system of this type (statfs) keeps locks and what was synced to it: not those
// over a network.
bool IsTrustedFileSystem(int64_t type);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_STATE_DIRECTORY_H_
