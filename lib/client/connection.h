// Connection: the sockets behind a Cluster, and the one way to ask over them: say it, wait, say it
// again, on a new socket when nothing at all was heard. Internal to lib/client.
#ifndef FANMILL_LIB_CLIENT_CONNECTION_H_
#define FANMILL_LIB_CLIENT_CONNECTION_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/client/options.h"
#include "lib/core/wire.h"
#include "lib/io/dealer.h"
#include "lib/io/keys.h"

namespace fanmill::client {

class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Options& options);

  // Repeats `request` on the channel until `accept` returns true for an answer, or the patience is
  // over (kUnavailable, naming who did not answer). Answers not accepted are dropped.
  using Accept = std::function<bool(const v1::Envelope&)>;
  absl::StatusOr<v1::Envelope> Ask(Channel channel, v1::Envelope& request, const Accept& accept);
  // One command to the controller; its error text becomes kFailedPrecondition.
  absl::StatusOr<v1::CommandReply> Command(v1::Command::Verb verb, uint32_t batch);

  // Fills the header and sends, without waiting for an answer.
  absl::Status Send(Channel channel, v1::Envelope& request);
  absl::StatusOr<std::optional<v1::Envelope>> Receive(Channel channel, Duration timeout);
  // A new socket for the channel; intake and facts are looked up anew at the controller.
  absl::Status Reconnect(Channel channel);

  const Options& options() const { return options_; }
  uint64_t NextRequest() { return ++request_; }

 private:
  explicit Connection(Options options);
  absl::StatusOr<Dealer*> DealerFor(Channel channel);
  absl::Status LookUp(Channel channel);
  absl::Status Interrupted() const;
  std::string Silent(Channel channel) const;

  Options options_;
  std::unique_ptr<KeyPair> key_;
  Identity self_;
  std::map<Channel, std::string> endpoints_;
  std::map<Channel, std::unique_ptr<Dealer>> dealers_;
  uint64_t request_ = 0;
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_CONNECTION_H_
