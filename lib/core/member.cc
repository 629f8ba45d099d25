#include "lib/core/member.h"

#include <algorithm>
#include <string>

#include "lib/core/duration_text.h"
#include "lib/core/names.h"

namespace fanmill {
namespace {

// One refusal may have been meant for an earlier process behind the same address.
constexpr int kRefusalsBelieved = 2;
constexpr Duration kHeartbeatEveryMin = Millis(10);

}  // namespace

void Member::Start(Instant now, Outbox& outbox) {
  heard_ = now;
  Connect(outbox);
  SayHello(now, outbox);
}

void Member::Connect(Outbox& outbox) const {
  outbox.Send(PeerId{Channel::kNet}, fanmill::Connect{Channel::kControl, options_.controller});
  Subscribe(outbox);
}

void Member::Subscribe(Outbox& outbox) const {
  if (signal_.empty()) return;
  std::vector<std::string> topics = options_.topics;
  if (options_.role == pb::WORKER) {
    topics.push_back(SignalPrefix(Signal::Topic::kWorker, number()));
  }
  outbox.Send(PeerId{Channel::kNet}, fanmill::Connect{Channel::kSignal, signal_, topics});
}

void Member::SayHello(Instant now, Outbox& outbox) {  // R10
  pb::Envelope envelope = NewEnvelope(identity_);
  envelope.set_cluster(0);  // the controller may be another one by now
  *envelope.mutable_hello() = options_.hello;
  outbox.Send(PeerId{Channel::kControl}, std::move(envelope));
  due_ = now + options_.hello_every;
}

Member::Event Member::Handle(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  if (envelope.role() != pb::CONTROLLER) return Event::kNothing;
  if (!envelope.has_welcome() && !IsOurs(envelope.cluster())) return Event::kNothing;  // R3
  heard_ = now;
  switch (envelope.body_case()) {
    case pb::Envelope::kWelcome:
      return OnWelcome(now, envelope.welcome(), outbox);
    case pb::Envelope::kHeartbeatReply:
      return OnReply(now, envelope.heartbeat_reply(), outbox);
    case pb::Envelope::kRefused:
      if (joined_ || ++refusals_ < kRefusalsBelieved) return Event::kNothing;
      refused_ = envelope.refused().reason();
      return Event::kRefused;
    default:
      return Event::kNothing;
  }
}

Member::Event Member::OnWelcome(Instant now, const pb::Welcome& welcome, Outbox& outbox) {
  if (welcome.cluster() == 0) return Event::kNothing;
  if (joined_ && welcome.cluster() == identity_.cluster) return Event::kNothing;  // said twice
  joined_ = true;
  refusals_ = 0;
  identity_.cluster = welcome.cluster();
  if (welcome.number() != 0) options_.hello.set_number(welcome.number());  // R15
  if (welcome.heartbeat_us() != 0) {
    const auto wanted = Micros(static_cast<int64_t>(welcome.heartbeat_us()));
    heartbeat_every_ = std::clamp(wanted, kHeartbeatEveryMin, options_.lease);
  }
  signal_ = welcome.signal();
  Subscribe(outbox);
  if (!signal_.empty()) watch_.Connected(now, options_.signal_patience);
  Take(welcome.state());
  due_ = now;
  return Event::kWelcomed;
}

Member::Event Member::OnReply(Instant now, const pb::HeartbeatReply& reply, Outbox& outbox) {
  if (reply.unknown()) {  // R11
    joined_ = false;
    SayHello(now, outbox);
    return Event::kNothing;
  }
  answered_ = std::max(answered_, reply.sequence());
  return reply.has_state() && Take(reply.state()) ? Event::kNewState : Event::kNothing;
}

bool Member::Take(const pb::ClusterState& state) {  // R12
  if (state.version() == state_.version()) return false;
  state_ = state;
  return true;
}

void Member::Tick(Instant now, Outbox& outbox, Fill fill) {
  if (!refused_.empty()) return;
  if (now >= After(heard_, options_.lease)) {  // libzmq may have given up on that socket for ever
    heard_ = now;
    Connect(outbox);
  }
  if (now < due_) return;
  if (!joined_) return SayHello(now, outbox);
  pb::Envelope envelope = NewEnvelope(identity_);
  pb::Heartbeat& heartbeat = *envelope.mutable_heartbeat();
  heartbeat.set_state_version(state_.version());
  heartbeat.set_sequence(++sequence_);
  heartbeat.set_unheard(watch_.Ask(now, sequence_, answered_));
  fill(heartbeat);
  if (heartbeat.leaving() && farewell_ == 0) farewell_ = sequence_;
  outbox.Send(PeerId{Channel::kControl}, std::move(envelope));
  due_ = now + watch_.Every(now, heartbeat_every_);
}

std::string Member::TakeWarning() {  // R18
  if (!watch_.TakeDeaf()) return "";
  return "Nothing was heard on the signal channel, " + signal_ + ", for " +
         FormatDuration(options_.signal_patience) + ", though the controller at " +
         options_.controller + " was asked for a signal and answers. This " +
         std::string(RoleName(options_.role)) +
         " works all the same, but learns of every kill and drain only with its next heartbeat, "
         "up to " +
         FormatDuration(heartbeat_every_) +
         " later. See that this host can connect to that port, and that the controller's "
         "--advertise is an address by which others reach it.";
}

Instant Member::NextDeadline() const {
  if (!refused_.empty()) return kNever;
  return std::min(due_, After(heard_, options_.lease));
}

}  // namespace fanmill
