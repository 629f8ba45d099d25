// The cluster's key: one CURVE key pair that every process of the cluster has in a file. Whoever
// has the file can join the cluster, and so run code on it.
#ifndef FANMILL_LIB_IO_KEYS_H_
#define FANMILL_LIB_IO_KEYS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fanmill {

// In Z85, 40 characters each.
struct KeyPair {
  std::string public_key;
  std::string secret_key;
};

KeyPair RandomKeyPair();

// Makes the key file, 0600. Never overwrites.
absl::Status MakeKeyFile(const std::string& path);

// Refuses symbolic links, files of other users, files that others can read, and what is no key.
absl::StatusOr<KeyPair> LoadKeyFile(const std::string& path);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_KEYS_H_
