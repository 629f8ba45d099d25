#include "lib/client/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"
#include "lib/core/printable.h"
#include "lib/io/address.h"
#include "lib/io/clock.h"
#include "lib/io/flags.h"
#include "lib/io/process.h"

namespace fanmill::client {
namespace {

constexpr Duration kRepeatEvery = Millis(500);
constexpr Duration kNewSocketAfter = Seconds(2);
constexpr Duration kWaitSliceMax = Millis(100);  // how soon an interrupt is noticed
constexpr Duration kLookUpEvery = Millis(50);
constexpr size_t kReasonBytesMax = 300;

const char* WhoAnswers(Channel channel) {
  switch (channel) {
    case Channel::kIntake:
      return "ventilator";
    case Channel::kFacts:
      return "sink";
    default:
      return "controller";
  }
}

}  // namespace

Connection::Connection(Options options)
    : options_(std::move(options)), self_{v1::CLIENT, RandomId(), 0}, request_(RandomId() >> 1) {}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const Options& options) {
  std::unique_ptr<Connection> connection(new Connection(options));
  if (!options.key_file.empty()) {
    absl::StatusOr<KeyPair> key = LoadKeyFile(options.key_file);
    if (!key.ok()) return key.status();
    connection->key_ = std::make_unique<KeyPair>(*std::move(key));
  }
  absl::StatusOr<std::string> endpoint = ResolveEndpoint(options.controller, kControlPort);
  if (!endpoint.ok()) return endpoint.status();
  connection->endpoints_[Channel::kControl] = *std::move(endpoint);
  return connection;
}

absl::StatusOr<Dealer*> Connection::DealerFor(Channel channel) {
  if (const auto found = dealers_.find(channel); found != dealers_.end()) {
    return found->second.get();
  }
  if (!endpoints_.contains(channel)) {
    if (absl::Status found = LookUp(channel); !found.ok()) return found;
  }
  absl::StatusOr<std::unique_ptr<Dealer>> dealer =
      ConnectDealer(channel, endpoints_.at(channel), key_.get());
  if (!dealer.ok()) return dealer.status();
  return (dealers_[channel] = *std::move(dealer)).get();
}

// A cluster that is just starting does not know its parts yet: that is worth the patience too.
absl::Status Connection::LookUp(Channel channel) {
  const Instant deadline = Now() + options_.patience;
  do {
    absl::StatusOr<v1::CommandReply> reply = Command(v1::Command::ENDPOINTS, 0);
    if (reply.ok()) {
      const v1::ClusterState& state = reply->state();
      const std::string& endpoint =
          channel == Channel::kIntake ? state.ventilator().intake() : state.sink().facts();
      if (!endpoint.empty()) {
        endpoints_[channel] = endpoint;
        return absl::OkStatus();
      }
    } else if (reply.status().code() != absl::StatusCode::kFailedPrecondition) {
      return reply.status();
    }
    if (absl::Status status = Interrupted(); !status.ok()) return status;
    WaitFor(kLookUpEvery);
  } while (Now() < deadline);
  const char* const who = WhoAnswers(channel);
  return absl::UnavailableError(
      absl::StrCat("the controller at ", options_.controller, " knows no ", who, ": asked for ",
                   FormatDuration(options_.patience), ". Start one with: fanmill-", who,
                   " --controller ", options_.controller));
}

absl::Status Connection::Interrupted() const {
  const bool now = options_.interrupted && options_.interrupted();
  return now ? absl::CancelledError("interrupted") : absl::OkStatus();
}

absl::Status Connection::Reconnect(Channel channel) {
  dealers_.erase(channel);
  if (channel != Channel::kControl) endpoints_.erase(channel);
  return DealerFor(channel).status();
}

std::string Connection::Silent(Channel channel) const {
  const char* const who = WhoAnswers(channel);
  const auto endpoint = endpoints_.find(channel);
  std::string text = absl::StrCat(
      "no ", who, " answered at ",
      endpoint == endpoints_.end() ? options_.controller : endpoint->second, ": asked every ",
      FormatDuration(kRepeatEvery), " for ", FormatDuration(options_.patience), ".");
  if (const auto dealer = dealers_.find(channel); dealer != dealers_.end()) {
    if (const std::string bad = dealer->second->LastBadFrame(); !bad.empty()) {
      absl::StrAppend(&text, " Something there sent a frame that was refused (",
                      Printable(bad, kReasonBytesMax), ").");
    }
  }
  if (channel == Channel::kControl) {
    absl::StrAppend(&text,
                    " Start one with: fanmill-controller; or say where it is with"
                    " --controller HOST[:PORT] or FANMILL_CONTROLLER.");
  } else {
    absl::StrAppend(&text, " Does it still run? Start it with: fanmill-", who, " --controller ",
                    options_.controller, ".");
  }
  absl::StrAppend(&text, key_ == nullptr
                             ? " If the cluster has a key, it needs --key FILE."
                             : " Is the file given with --key the key of that cluster?");
  return text;
}

absl::Status Connection::Send(Channel channel, v1::Envelope& request) {
  absl::StatusOr<Dealer*> dealer = DealerFor(channel);
  if (!dealer.ok()) return dealer.status();
  request.set_protocol(kProtocolVersion);
  request.set_role(self_.role);
  request.set_epoch(self_.epoch);
  // The controller tells the cluster's id; whoever else answers must be of the same one.  R3
  request.set_cluster(channel == Channel::kControl ? 0 : self_.cluster);
  if (!(*dealer)->Send(request)) return absl::UnavailableError(Silent(channel));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Envelope>> Connection::Receive(Channel channel, Duration timeout) {
  if (absl::Status status = Interrupted(); !status.ok()) return status;
  absl::StatusOr<Dealer*> dealer = DealerFor(channel);
  if (!dealer.ok()) return dealer.status();
  return (*dealer)->Receive(std::min(timeout, kWaitSliceMax));
}

absl::StatusOr<v1::Envelope> Connection::Ask(Channel channel, v1::Envelope& request,
                                             const Accept& accept) {
  const Instant deadline = Now() + options_.patience;
  Instant silent_since = Now();
  while (Now() < deadline) {
    if (absl::Status sent = Send(channel, request); !sent.ok()) return sent;
    const Instant repeat = std::min(deadline, Now() + kRepeatEvery);
    while (Now() < repeat) {
      absl::StatusOr<std::optional<v1::Envelope>> answer = Receive(channel, repeat - Now());
      if (!answer.ok()) return answer.status();
      if (!answer->has_value()) continue;
      silent_since = Now();
      if ((*answer)->has_refused()) {  // R2
        return absl::UnimplementedError(Printable((*answer)->refused().reason(), kReasonBytesMax));
      }
      if (accept(**answer)) return **std::move(answer);
    }
    if (Now() - silent_since > kNewSocketAfter) {
      silent_since = Now();
      if (absl::Status made = Reconnect(channel); !made.ok()) return made;
    }
  }
  return absl::UnavailableError(Silent(channel));
}

absl::StatusOr<v1::CommandReply> Connection::Command(v1::Command::Verb verb, uint32_t batch) {
  v1::Envelope envelope;
  const uint64_t request = NextRequest();
  envelope.mutable_command()->set_verb(verb);
  envelope.mutable_command()->set_batch(batch);
  envelope.mutable_command()->set_request(request);
  absl::StatusOr<v1::Envelope> answer =
      Ask(Channel::kControl, envelope, [request](const v1::Envelope& answer) {
        return answer.has_command_reply() && answer.command_reply().request() == request;
      });
  if (!answer.ok()) return answer.status();
  self_.cluster = answer->cluster();
  if (!answer->command_reply().error().empty()) {
    return absl::FailedPreconditionError(answer->command_reply().error());
  }
  return std::move(*answer->mutable_command_reply());
}

}  // namespace fanmill::client
