#include "lib/io/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "lib/core/printable.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

constexpr size_t kIdentityBytesMax = 128;

absl::Status Unusable(const std::string& path, std::string_view why) {
  return absl::UnavailableError(fmt::format("could not use the state directory {}: {}", path, why));
}

const char* WhatToDo(int error) {
  switch (error) {
    case EROFS:
      return "; choose a place that can be written with --state DIR";
    case ENOSPC:
    case EDQUOT:
      return "; make room there, or choose another with --state DIR";
    case EACCES:
    case EPERM:
      return "; choose one of your own with --state DIR";
    default:
      return "; choose another with --state DIR";
  }
}

absl::Status Unusable(const std::string& path, int error) {
  return Unusable(path, ErrorText(error) + WhatToDo(error));
}

absl::Status MakeDirectories(const std::string& path) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    made /= part;
    if (mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) {
      // Where we may not look we may still pass: whether it is there shows further down.
      const int error = errno;
      if (!std::filesystem::is_directory(made)) return Unusable(path, error);
    }
  }
  return absl::OkStatus();
}

// Who wrote its number into the lock file last; for the message alone.
std::string Holder(int lock) {
  char text[32] = {};
  const ssize_t size = pread(lock, text, sizeof text - 1, 0);
  if (size <= 0) return "another process";
  const std::string_view line(text);
  return "process " + Printable(line.substr(0, line.find('\n')), sizeof text);
}

absl::StatusOr<FileDescriptor> Lock(const std::string& path) {
  const std::string name = path + "/lock";
  FileDescriptor lock(open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (lock.get() < 0) return Unusable(path, errno);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Unusable(path, errno);
    return Unusable(path,
                    Holder(lock.get()) +
                        " holds it; stop that one, or choose another directory with --state DIR");
  }
  if (ftruncate(lock.get(), 0) != 0 || !WriteAll(lock.get(), fmt::format("{}\n", getpid()))) {
    return Unusable(path, errno);
  }
  return lock;
}

struct Stamp {
  uint64_t id;
  uint64_t epoch;
};

std::string Format(const Stamp& stamp) {
  return fmt::format("fanmill-state 1 id {:016x} epoch {}\n", stamp.id, stamp.epoch);
}

std::optional<Stamp> Parse(const std::string& text) {
  Stamp stamp = {};
  if (std::sscanf(text.c_str(), "fanmill-state 1 id %" SCNx64 " epoch %" SCNu64, &stamp.id,
                  &stamp.epoch) != 2) {
    return std::nullopt;
  }
  if (Format(stamp) != text || stamp.id == 0) return std::nullopt;
  return stamp;
}

// Nothing where there is no such file yet.
absl::StatusOr<std::optional<Stamp>> ReadStamp(const std::string& path, const std::string& name) {
  const FileDescriptor file(open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return std::nullopt;
  char text[kIdentityBytesMax];
  const ssize_t size = file.get() < 0 ? -1 : read(file.get(), text, sizeof text);
  if (size < 0) return Unusable(path, errno);
  std::optional<Stamp> stamp = Parse(std::string(text, static_cast<size_t>(size)));
  if (!stamp.has_value()) {
    return Unusable(
        path, "its file " + name +
                  " is damaged; restore the directory from a copy, or begin anew with another one");
  }
  return stamp;
}

}  // namespace

std::string DefaultState() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && state[0] == '/') {
    return std::string(state) + "/fanmill";
  }
  const char* home = std::getenv("HOME");
  return home == nullptr ? "" : std::string(home) + "/.local/state/fanmill";
}

bool IsTrustedFileSystem(int64_t type) {
  constexpr int64_t kCifs = 0xFF534D42;
  return type != NFS_SUPER_MAGIC && type != SMB_SUPER_MAGIC && type != SMB2_SUPER_MAGIC &&
         type != kCifs && type != AFS_SUPER_MAGIC && type != CODA_SUPER_MAGIC;
}

absl::StatusOr<StateDirectory> StateDirectory::Open(const std::string& path) {
  if (absl::Status made = MakeDirectories(path); !made.ok()) return made;
  struct statfs file_system = {};
  if (statfs(path.c_str(), &file_system) != 0) return Unusable(path, errno);
  if (!IsTrustedFileSystem(static_cast<uint32_t>(file_system.f_type))) {
    return Unusable(path,
                    "it is on a network file system, where locks and durable writes cannot be "
                    "relied on; choose a local one with --state DIR");
  }
  absl::StatusOr<FileDescriptor> lock = Lock(path);
  if (!lock.ok()) return lock.status();
  StateDirectory directory(path, *std::move(lock));
  if (absl::Status raised = directory.RaiseEpoch(); !raised.ok()) return raised;
  return directory;
}

absl::Status StateDirectory::RaiseEpoch() {
  const std::string name = path_ + "/identity";
  absl::StatusOr<std::optional<Stamp>> read = ReadStamp(path_, name);
  if (!read.ok()) return read.status();
  Stamp stamp = read->value_or(Stamp{RandomId(), 0});
  if (stamp.epoch >= kEpochMax) {
    return Unusable(path_, "it was started too often; begin anew with another one");
  }
  ++stamp.epoch;
  if (absl::Status written = ReplaceFile(name, Format(stamp)); !written.ok()) return written;
  id_ = stamp.id;
  epoch_ = stamp.epoch;
  return absl::OkStatus();
}

}  // namespace fanmill
