#include "lib/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "lib/io/process.h"

namespace fanmill {
namespace {

absl::Status CouldNotWrite(const std::string& path, int error) {
  const char* what_to_do = error == EROFS    ? "; choose a place that can be written"
                           : error == ENOSPC ? "; make room there"
                                             : "";
  return absl::UnavailableError(
      fmt::format("could not write {}: {}{}", path, ErrorText(error), what_to_do));
}

}  // namespace

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool WriteAllAt(int fd, std::string_view bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (written == 0) errno = EIO;
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return true;
}

bool ReadAllAt(int fd, std::string& bytes, uint64_t offset) {
  for (size_t got = 0; got < bytes.size();) {
    const ssize_t now =
        pread(fd, bytes.data() + got, bytes.size() - got, static_cast<off_t>(offset + got));
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) {
      if (now == 0) errno = 0;
      return false;
    }
    got += static_cast<size_t>(now);
  }
  return true;
}

absl::Status ReplaceFile(const std::string& path, std::string_view text) {
  const std::string fresh = path + ".new";
  const FileDescriptor file(
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0 || !WriteAll(file.get(), text) || fsync(file.get()) != 0 ||
      rename(fresh.c_str(), path.c_str()) != 0) {
    return CouldNotWrite(path, errno);
  }
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const FileDescriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) return CouldNotWrite(path, errno);
  return absl::OkStatus();
}

}  // namespace fanmill
