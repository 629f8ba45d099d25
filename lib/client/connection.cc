#include "lib/client/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/io/address.h"
#include "lib/io/clock.h"
#include "lib/io/process.h"

namespace fanmill::client {
namespace {

constexpr Duration kRepeatEvery = Millis(500);
constexpr Duration kNewSocketAfter = Seconds(2);
constexpr uint16_t kControlPort = 21000;

const char* WhoAnswers(Channel channel) {
  switch (channel) {
    case Channel::kIntake:
      return "the ventilator";
    case Channel::kFacts:
      return "the sink";
    default:
      return "the controller";
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

absl::Status Connection::LookUp(Channel channel) {
  const Instant deadline = Now() + options_.patience;
  absl::Status last;
  // A cluster that is just starting does not know its parts yet: that is worth the patience too.
  do {
    absl::StatusOr<v1::CommandReply> reply = Command(v1::Command::ENDPOINTS, 0);
    last = reply.status();
    if (reply.ok()) {
      const v1::ClusterState& state = reply->state();
      endpoints_[Channel::kIntake] = state.ventilator().intake();
      endpoints_[Channel::kFacts] = state.sink().facts();
      if (!endpoints_[channel].empty()) return absl::OkStatus();
      last = absl::UnavailableError(
          absl::StrCat("the controller at ", options_.controller, " does not know ",
                       WhoAnswers(channel), " yet: is it running?"));
      endpoints_.erase(channel);
    } else if (last.code() != absl::StatusCode::kFailedPrecondition) {
      return last;
    }
    WaitFor(Millis(50));
  } while (Now() < deadline);
  return absl::UnavailableError(last.message());
}

absl::Status Connection::Reconnect(Channel channel) {
  dealers_.erase(channel);
  if (channel != Channel::kControl) endpoints_.erase(channel);
  return DealerFor(channel).status();
}

std::string Connection::Silent(Channel channel) const {
  const auto endpoint = endpoints_.find(channel);
  const auto dealer = dealers_.find(channel);
  std::string text =
      absl::StrCat(WhoAnswers(channel), " at ",
                   endpoint == endpoints_.end() ? options_.controller : endpoint->second,
                   " did not answer within ", options_.patience.count() / 1'000'000.0, " s");
  if (dealer != dealers_.end() && !dealer->second->LastBadFrame().empty()) {
    absl::StrAppend(&text, " (it sent a frame that was refused: ", dealer->second->LastBadFrame(),
                    ")");
  }
  const char* key_hint = key_ == nullptr ? "; does it need --key FILE?" : "; is --key FILE its key?";
  absl::StrAppend(&text, ": is it running there, and is the address right", key_hint);
  return text;
}

absl::Status Connection::Send(Channel channel, const v1::Envelope& request) {
  absl::StatusOr<Dealer*> dealer = DealerFor(channel);
  if (!dealer.ok()) return dealer.status();
  if (!(*dealer)->Send(request)) return absl::UnavailableError(Silent(channel));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Envelope>> Connection::Receive(Channel channel, Duration timeout) {
  absl::StatusOr<Dealer*> dealer = DealerFor(channel);
  if (!dealer.ok()) return dealer.status();
  return (*dealer)->Receive(timeout);
}

absl::StatusOr<v1::Envelope> Connection::Ask(Channel channel, const v1::Envelope& request,
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
      if ((*answer)->has_refused()) {
        return absl::FailedPreconditionError((*answer)->refused().reason());
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
  v1::Envelope envelope = NewRequest();
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
