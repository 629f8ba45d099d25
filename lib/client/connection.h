// Connection: the conversations behind a Cluster (control, intake, facts), and the one way to ask
// in them: say it, wait, say it again. Each may die alone, so each is watched alone: where
// something was said and nothing at all was heard for a while, its socket is made anew, and no
// other. Internal to lib/client.
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
#include "lib/core/instant.h"
#include "lib/core/wire.h"
#include "lib/io/dealer.h"
#include "lib/io/ear.h"
#include "lib/io/keys.h"

namespace fanmill::client {

class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Options& options);

  // Repeats `request` on the channel until `accept` returns true for an answer, or the patience is
  // over (kUnavailable, naming who did not answer). Answers not accepted are dropped.
  using Accept = std::function<bool(const v1::Envelope&)>;
  absl::StatusOr<v1::Envelope> Ask(Channel channel, v1::Envelope& request, const Accept& accept);
  // One command to the controller; its error text becomes kNotFound when there is no such batch,
  // else kFailedPrecondition.
  absl::StatusOr<v1::CommandReply> Command(v1::Command::Verb verb, uint32_t batch);

  // Fills the header and sends, without waiting for an answer; on a new socket when the
  // conversation has been silent for too long.
  absl::Status Send(Channel channel, v1::Envelope& request);
  absl::StatusOr<std::optional<v1::Envelope>> Receive(Channel channel, Duration timeout);
  // Says Hello, and hears from then on whether the cluster is being shut down.
  absl::Status Listen();
  // Whether it is, or was. Then nobody's silence is given the whole patience.
  bool ShutdownHeard();
  const Options& options() const { return options_; }
  void SetPatience(Duration patience) { options_.patience = patience; }
  uint64_t NextRequest() { return ++request_; }

 private:
  struct Conversation {
    std::string endpoint;  // empty: not looked up yet
    std::unique_ptr<Dealer> dealer;
    std::optional<Instant> unanswered_since;
  };

  explicit Connection(Options options);
  absl::StatusOr<v1::Envelope> AskFor(Duration patience, Channel channel, v1::Envelope& request,
                                      const Accept& accept);
  absl::StatusOr<v1::CommandReply> CommandFor(Duration patience, v1::Command::Verb verb,
                                              uint32_t batch);
  absl::StatusOr<Dealer*> DealerFor(Channel channel);
  absl::Status MindSilence(Channel channel);
  absl::Status LookUp(Channel channel, Duration patience);
  absl::Status Interrupted() const;
  std::string Silent(Channel channel) const;

  Options options_;
  std::unique_ptr<KeyPair> key_;
  Identity self_;
  std::map<Channel, Conversation> conversations_;
  std::unique_ptr<Ear> ear_;  // null: does not listen
  bool shutdown_heard_ = false;
  uint64_t request_ = 0;
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_CONNECTION_H_
