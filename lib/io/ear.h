// Ear: hears the cluster's signals, for programs that ask and wait, such as the person's command.
// What came while nobody listened to it is heard later; what came while its connection was broken
// is not.
#ifndef FANMILL_LIB_IO_EAR_H_
#define FANMILL_LIB_IO_EAR_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/core/signal.h"

namespace fanmill {

struct KeyPair;
class Sockets;

// Used from one thread. Frames that are none are skipped.
class Ear {
 public:
  virtual ~Ear() = default;
  // The next signal that has come; never waits.
  virtual std::optional<Signal> Receive() = 0;
};

// `endpoint` is the one of a Welcome; `prefixes`: which signals (SignalPrefix). The rest, and the
// errors, as of ConnectDealer.
absl::StatusOr<std::unique_ptr<Ear>> ConnectEar(const std::string& endpoint,
                                                const std::vector<std::string>& prefixes,
                                                const KeyPair* key, bool insecure_network);
absl::StatusOr<std::unique_ptr<Ear>> ConnectEar(const std::string& endpoint,
                                                const std::vector<std::string>& prefixes,
                                                Sockets& sockets);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_EAR_H_
