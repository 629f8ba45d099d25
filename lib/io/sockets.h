// Sockets: makes every ZeroMQ socket there is, with the one table of options, the cluster's key and
// the rule that without a key nobody listens or connects beyond this machine.
#ifndef FANMILL_LIB_IO_SOCKETS_H_
#define FANMILL_LIB_IO_SOCKETS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/core/peer.h"
#include "lib/io/address.h"
#include "lib/io/keys.h"
#include "lib/io/zap.h"

namespace fanmill {

zmq::socket_type SocketType(Channel channel, bool bound);
std::string_view SocketTypeName(zmq::socket_type type);  // "PUSH"

// As many sockets as one process may have, lanes included.
inline constexpr int kSocketsMax = 8192;
// Messages that wait in a socket, for each of its peers, before it takes no more.
inline constexpr int kQueueMessagesMax = 1000;
// Of results: they are large.
inline constexpr int kQueuedResultsMax = 128;
// After this long a peer that went away has ended its attempts to come back to an address.
inline constexpr int kReconnectMsMax = 10'000;

struct SocketsOptions {
  std::optional<KeyPair> key = std::nullopt;
  bool insecure_network = false;  // without a key: not this machine alone
};

// Owns the context, and belongs to one thread until everything that listens does. Sockets are made
// and closed on the thread that uses them, and all are closed before this is destroyed.
class Sockets {
 public:
  static absl::StatusOr<std::unique_ptr<Sockets>> Open(SocketsOptions options);
  ~Sockets();

  struct Bound {
    zmq::socket_t socket;
    Address address;  // with the port that it really has
  };
  // With a key: not before a doorkeeper stands and was seen to refuse a stranger. `lane`: of a
  // lane, its token. Without a key that is the password, since a PUSH shares its messages out among
  // all who come in: a stranger must get none.
  absl::StatusOr<Bound> Bind(Channel channel, const Address& address, uint64_t lane = 0);
  absl::StatusOr<zmq::socket_t> Connect(Channel channel, const Address& address,
                                        const std::vector<std::string>& prefixes = {},
                                        uint64_t lane = 0);
  // Whether the address may be listened on or connected to: else a sentence that says what to do.
  absl::Status Allow(const Address& address) const;
  // Strangers that the doorkeeper sent away, the one of the test at start included.
  uint64_t refused() const { return zap_ == nullptr ? 0 : zap_->refused(); }

 private:
  explicit Sockets(SocketsOptions options);
  void SetCurve(zmq::socket_t& socket, bool bound, const KeyPair& own) const;
  void Secure(zmq::socket_t& socket, Channel channel, bool bound, uint64_t lane) const;
  absl::Status PostDoorkeeper(Channel channel, const Address& address);
  absl::Status CheckDoorkeeper();

  SocketsOptions options_;
  zmq::context_t context_;
  std::unique_ptr<ZapHandler> zap_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_SOCKETS_H_
