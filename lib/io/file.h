// Small things about files that the standard library lacks.
#ifndef FANMILL_LIB_IO_FILE_H_
#define FANMILL_LIB_IO_FILE_H_

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace fanmill {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// False with errno set when not all of it could be written.
bool WriteAll(int fd, std::string_view bytes);
bool WriteAllAt(int fd, std::string_view bytes, uint64_t offset);
// Fills `bytes`. False with errno set, to 0 when the file ends before.
bool ReadAllAt(int fd, std::string& bytes, uint64_t offset);

// Replaces `path` as one step: whoever reads sees the old text or the new one, also after a crash
// of the machine.
absl::Status ReplaceFile(const std::string& path, std::string_view text);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_FILE_H_
