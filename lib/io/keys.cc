#include "lib/io/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <string_view>

#include "lib/core/check.h"
#include "lib/io/file.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

constexpr size_t kKeyChars = 40;
constexpr size_t kKeyFileBytesMax = 256;

absl::Status Refuse(const std::string& path, std::string_view why, std::string_view what_to_do) {
  return absl::InvalidArgumentError(
      fmt::format("refusing the key file {}: {}; {}", path, why, what_to_do));
}

absl::Status CheckOwnership(const std::string& path, int fd) {
  struct stat file = {};
  FANMILL_CHECK(fstat(fd, &file) == 0);
  if (!S_ISREG(file.st_mode)) return Refuse(path, "it is no plain file", "name the file itself");
  if (file.st_uid != geteuid()) {
    return Refuse(path, fmt::format("it belongs to user {}, not to you", file.st_uid),
                  "copy it, so that the copy is yours");
  }
  if ((file.st_mode & 077) != 0) {
    return Refuse(path, "others than its owner may use it", "run chmod 600 " + path);
  }
  return absl::OkStatus();
}

absl::StatusOr<KeyPair> ParseKey(const std::string& path, std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto no_key = [&path] {
    return Refuse(path, "it holds no Fanmill key", "make one with fanmill keygen");
  };
  if (text.size() != 2 * kKeyChars + 1 || text[kKeyChars] != ' ') return no_key();
  KeyPair key{std::string(text.substr(0, kKeyChars)), std::string(text.substr(kKeyChars + 1))};
  uint8_t bytes[32];
  char derived[kKeyChars + 1];
  if (zmq_z85_decode(bytes, key.public_key.c_str()) == nullptr ||
      zmq_z85_decode(bytes, key.secret_key.c_str()) == nullptr ||
      zmq_curve_public(derived, key.secret_key.c_str()) != 0 || key.public_key != derived) {
    return no_key();
  }
  return key;
}

}  // namespace

KeyPair RandomKeyPair() {
  char public_key[kKeyChars + 1];
  char secret_key[kKeyChars + 1];
  FANMILL_CHECK(zmq_curve_keypair(public_key, secret_key) == 0, "libzmq was built without CURVE");
  return KeyPair{public_key, secret_key};
}

absl::Status MakeKeyFile(const std::string& path) {
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) {
    if (errno == EEXIST) {
      return absl::InvalidArgumentError(fmt::format(
          "could not make the key file {}: {}; name another, a key is never overwritten", path,
          ErrorText(errno)));
    }
    return absl::UnavailableError(fmt::format(
        "could not make the key file {}: {}; name a file in a folder that you can write", path,
        ErrorText(errno)));
  }
  const KeyPair key = RandomKeyPair();
  const std::string line = key.public_key + " " + key.secret_key + "\n";
  // The umask may have taken bits away, never added any.
  if (fchmod(file.get(), 0600) == 0 && WriteAll(file.get(), line) && fsync(file.get()) == 0) {
    return absl::OkStatus();
  }
  const int error = errno;
  unlink(path.c_str());
  return absl::UnavailableError(
      fmt::format("could not write the key file {}: {}", path, ErrorText(error)));
}

absl::StatusOr<KeyPair> LoadKeyFile(const std::string& path) {
  // Not blocking: a pipe in its place must not hold us up.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ELOOP) return Refuse(path, "it is a symbolic link", "name the file itself");
    return absl::InvalidArgumentError(
        fmt::format("could not read the key file {}: {}{}", path, ErrorText(errno),
                    errno == ENOENT ? "; make one with fanmill keygen" : ""));
  }
  if (absl::Status owned = CheckOwnership(path, file.get()); !owned.ok()) return owned;
  char text[kKeyFileBytesMax];
  const ssize_t size = read(file.get(), text, sizeof text);
  return ParseKey(path, std::string_view(text, size < 0 ? 0 : static_cast<size_t>(size)));
}

}  // namespace fanmill
