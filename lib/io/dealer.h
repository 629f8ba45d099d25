// Dealer: one connected socket for programs that ask and wait, such as the person's command. The
// daemons run a Loop instead.
#ifndef FANMILL_LIB_IO_DEALER_H_
#define FANMILL_LIB_IO_DEALER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "lib/core/instant.h"
#include "lib/core/peer.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

struct KeyPair;
class Sockets;

// Used from one thread. Frames that are none are skipped and counted.
class Dealer {
 public:
  virtual ~Dealer() = default;
  // False when the queue is full: nobody has been reading for a long time.
  virtual bool Send(const v1::Envelope& envelope) = 0;
  // The next message within `timeout`, else nothing. A signal of the process interrupts the wait.
  virtual std::optional<v1::Envelope> Receive(Duration timeout) = 0;
  // What the last refused frame was, for a person; empty: none was.
  virtual std::string LastBadFrame() const = 0;
};

// `endpoint` is numeric, as Endpoints in the proto. `key`: null without CURVE; else outlives it.
// kInvalidArgument, with what to do, for an endpoint that Sockets does not allow.
absl::StatusOr<std::unique_ptr<Dealer>> ConnectDealer(Channel channel, const std::string& endpoint,
                                                      const KeyPair* key, bool insecure_network);

// On sockets of others, which outlive it: the way to an endpoint inside this process.
absl::StatusOr<std::unique_ptr<Dealer>> ConnectDealer(Channel channel, const std::string& endpoint,
                                                      Sockets& sockets);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_DEALER_H_
