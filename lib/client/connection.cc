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
constexpr Duration kLookUpSoon = Millis(1);      // doubled each time, up to:
constexpr Duration kLookUpEvery = Millis(50);
// For where a silent conversation goes on: without the controller it goes on where it was.
constexpr Duration kLookUpAgainPatience = Millis(500);
// For who is silent in a cluster that is being shut down: most likely it has left.
constexpr Duration kLeavingPatience = Seconds(1);
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
  absl::StatusOr<std::string> endpoint = options.inside != nullptr
                                             ? options.controller
                                             : ResolveEndpoint(options.controller, kControlPort);
  if (!endpoint.ok()) return endpoint.status();
  connection->conversations_[Channel::kControl].endpoint = *std::move(endpoint);
  return connection;
}

absl::StatusOr<Dealer*> Connection::DealerFor(Channel channel) {
  Conversation& conversation = conversations_[channel];
  if (conversation.dealer != nullptr) return conversation.dealer.get();
  if (conversation.endpoint.empty()) {
    if (absl::Status found = LookUp(channel, options_.patience); !found.ok()) return found;
  }
  absl::StatusOr<std::unique_ptr<Dealer>> dealer =
      options_.inside != nullptr
          ? ConnectDealer(channel, conversation.endpoint, *options_.inside)
          : ConnectDealer(channel, conversation.endpoint, key_.get(), options_.insecure_network);
  if (!dealer.ok()) return dealer.status();
  conversation.dealer = *std::move(dealer);
  return conversation.dealer.get();
}

// libzmq may have given up on that socket for ever, or who listens may have moved.
absl::Status Connection::MindSilence(Channel channel) {
  Conversation& conversation = conversations_[channel];
  if (!conversation.unanswered_since.has_value() ||
      Now() - *conversation.unanswered_since <= kNewSocketAfter) {
    return absl::OkStatus();
  }
  conversation.unanswered_since.reset();
  if (channel != Channel::kControl) {
    const absl::Status found = LookUp(channel, kLookUpAgainPatience);
    if (absl::IsCancelled(found)) return found;
  }
  conversation.dealer.reset();
  return absl::OkStatus();
}

// A cluster that is just starting does not know its parts yet: that is worth the patience too.
absl::Status Connection::LookUp(Channel channel, Duration patience) {
  const Instant deadline = Now() + patience;
  Duration wait = kLookUpSoon;
  do {
    absl::StatusOr<v1::CommandReply> reply = CommandFor(patience, v1::Command::ENDPOINTS, 0);
    if (reply.ok()) {
      const v1::ClusterState& state = reply->state();
      const std::string& endpoint =
          channel == Channel::kIntake ? state.ventilator().intake() : state.sink().facts();
      if (!endpoint.empty()) {
        conversations_[channel].endpoint = endpoint;
        return absl::OkStatus();
      }
    } else if (reply.status().code() != absl::StatusCode::kFailedPrecondition) {
      return reply.status();
    }
    if (absl::Status status = Interrupted(); !status.ok()) return status;
    WaitFor(std::exchange(wait, std::min(wait * 2, kLookUpEvery)));
  } while (Now() < deadline);
  const char* const who = WhoAnswers(channel);
  return absl::UnavailableError(absl::StrCat("the controller at ", options_.controller,
                                             " knows no ", who, ": asked for ",
                                             FormatDuration(patience), ". Start one with: fanmill-",
                                             who, " --controller ", options_.controller));
}

absl::Status Connection::Interrupted() const {
  const bool now = options_.interrupted && options_.interrupted();
  return now ? absl::CancelledError("interrupted") : absl::OkStatus();
}

std::string Connection::Silent(Channel channel) const {
  const char* const who = WhoAnswers(channel);
  const Conversation& conversation = conversations_.at(channel);
  std::string text =
      absl::StrCat("no ", who, " answered at ", conversation.endpoint, ": asked every ",
                   FormatDuration(kRepeatEvery), " for ", FormatDuration(options_.patience), ".");
  if (conversation.dealer != nullptr) {
    if (const std::string bad = conversation.dealer->LastBadFrame(); !bad.empty()) {
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
  if (absl::Status minded = MindSilence(channel); !minded.ok()) return minded;
  absl::StatusOr<Dealer*> dealer = DealerFor(channel);
  if (!dealer.ok()) return dealer.status();
  request.set_protocol(kProtocolVersion);
  request.set_role(self_.role);
  request.set_epoch(self_.epoch);
  // The controller tells the cluster's id; whoever else answers must be of the same one.  R3
  request.set_cluster(channel == Channel::kControl ? 0 : self_.cluster);
  Conversation& conversation = conversations_.at(channel);
  if (!conversation.unanswered_since.has_value()) conversation.unanswered_since = Now();
  if (!(*dealer)->Send(request)) return absl::UnavailableError(Silent(channel));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Envelope>> Connection::Receive(Channel channel, Duration timeout) {
  if (absl::Status status = Interrupted(); !status.ok()) return status;
  absl::StatusOr<Dealer*> dealer = DealerFor(channel);
  if (!dealer.ok()) return dealer.status();
  std::optional<v1::Envelope> answer = (*dealer)->Receive(std::min(timeout, kWaitSliceMax));
  if (answer.has_value()) conversations_.at(channel).unanswered_since.reset();
  return answer;
}

absl::StatusOr<v1::Envelope> Connection::Ask(Channel channel, v1::Envelope& request,
                                             const Accept& accept) {
  return AskFor(options_.patience, channel, request, accept);
}

absl::StatusOr<v1::Envelope> Connection::AskFor(Duration patience, Channel channel,
                                                v1::Envelope& request, const Accept& accept) {
  const Instant begun = Now();
  const auto deadline = [&] {
    return begun + (ShutdownHeard() ? std::min(patience, kLeavingPatience) : patience);
  };
  while (Now() < deadline()) {
    if (absl::Status sent = Send(channel, request); !sent.ok()) return sent;
    const Instant repeat = Now() + kRepeatEvery;
    while (Now() < std::min(repeat, deadline())) {
      absl::StatusOr<std::optional<v1::Envelope>> answer = Receive(channel, repeat - Now());
      if (!answer.ok()) return answer.status();
      if (!answer->has_value()) continue;
      if ((*answer)->has_refused()) {  // R2
        return absl::UnimplementedError(Printable((*answer)->refused().reason(), kReasonBytesMax));
      }
      if (accept(**answer)) return **std::move(answer);
    }
  }
  return absl::UnavailableError(Silent(channel));
}

absl::Status Connection::Listen() {
  v1::Envelope envelope;
  envelope.mutable_hello();
  absl::StatusOr<v1::Envelope> answer = Ask(
      Channel::kControl, envelope, [](const v1::Envelope& answer) { return answer.has_welcome(); });
  if (!answer.ok()) return answer.status();
  const v1::Welcome& welcome = answer->welcome();
  shutdown_heard_ = welcome.state().wish() != v1::RUN;
  const std::vector<std::string> topics = {SignalPrefix(Signal::Topic::kAll, 0)};
  absl::StatusOr<std::unique_ptr<Ear>> ear =
      options_.inside != nullptr
          ? ConnectEar(welcome.signal(), topics, *options_.inside)
          : ConnectEar(welcome.signal(), topics, key_.get(), options_.insecure_network);
  if (ear.ok()) ear_ = *std::move(ear);
  return ear.status();
}

bool Connection::ShutdownHeard() {
  while (ear_ != nullptr && !shutdown_heard_) {
    const std::optional<Signal> signal = ear_->Receive();
    if (!signal.has_value()) break;
    shutdown_heard_ = signal->verb == Signal::Verb::kDrain || signal->verb == Signal::Verb::kKill;
  }
  return shutdown_heard_;
}

absl::StatusOr<v1::CommandReply> Connection::Command(v1::Command::Verb verb, uint32_t batch) {
  return CommandFor(options_.patience, verb, batch);
}

absl::StatusOr<v1::CommandReply> Connection::CommandFor(Duration patience, v1::Command::Verb verb,
                                                        uint32_t batch) {
  v1::Envelope envelope;
  const uint64_t request = NextRequest();
  envelope.mutable_command()->set_verb(verb);
  envelope.mutable_command()->set_batch(batch);
  envelope.mutable_command()->set_request(request);
  absl::StatusOr<v1::Envelope> answer =
      AskFor(patience, Channel::kControl, envelope, [request](const v1::Envelope& answer) {
        return answer.has_command_reply() && answer.command_reply().request() == request;
      });
  if (!answer.ok()) return answer.status();
  self_.cluster = answer->cluster();
  const v1::CommandReply& reply = answer->command_reply();
  if (reply.no_such_batch()) return absl::NotFoundError(reply.error());
  if (!reply.error().empty()) return absl::FailedPreconditionError(reply.error());
  return std::move(*answer->mutable_command_reply());
}

}  // namespace fanmill::client
