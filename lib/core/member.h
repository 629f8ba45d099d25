// Member: how the ventilator, the sink and a worker belong to the cluster. It says Hello until
// welcomed, keeps heartbeats going, holds the newest ClusterState, and makes the control socket
// anew when nothing at all was heard on it for a lease. It decides nothing about work: its owner
// reads state() and acts.
//
//   joining --Welcome--> joined --unknown--> joining (the work goes on meanwhile)
//      |
//      +--Refused, and again--> refused: the owner leaves, with the reason
#ifndef FANMILL_LIB_CORE_MEMBER_H_
#define FANMILL_LIB_CORE_MEMBER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "lib/core/instant.h"
#include "lib/core/message.h"
#include "lib/core/signal.h"
#include "lib/core/signal_watch.h"
#include "lib/core/wire.h"

namespace fanmill {

struct MemberOptions {
  MemberOptions() = default;
  // What the options of every role's node have in common, by the same names.
  template <class NodeOptions>
  MemberOptions(pb::Role of, uint64_t start, const NodeOptions& node)
      : role(of),
        epoch(start),
        controller(node.controller),
        topics({SignalPrefix(Signal::Topic::kAll, 0), "b/"}),
        hello_every(node.hello_every),
        lease(node.lease) {
    hello.set_version(node.version);
    hello.set_host(node.host);
    hello.set_pid(node.pid);
    hello.set_name(node.name);
    hello.set_directory(node.directory);
  }

  pb::Role role = pb::ROLE_UNKNOWN;
  uint64_t epoch = 0;               // a worker's incarnation
  std::string controller;           // numeric endpoint of its control ROUTER
  pb::Hello hello;                  // what to say; `number` is filled in once it is known
  std::vector<std::string> topics;  // prefixes of signals to subscribe to; a worker's own is added
  Duration hello_every = Millis(500);
  Duration heartbeat_every = Seconds(1);  // until the controller says how often
  Duration lease = Seconds(5);
  Duration signal_patience{0};  // of silence on the signal channel, until it is warned of. R18
};

class Member {
 public:
  enum class Event {
    kNothing,   // nothing that the owner must act on
    kWelcomed,  // state(), number() and the cluster id are those of the welcome
    kNewState,  // state() is another one
    kRefused,   // refused() says why; nothing more will come of it
  };
  using Fill = absl::FunctionRef<void(pb::Heartbeat&)>;

  explicit Member(MemberOptions options) : options_(std::move(options)) {}

  // Connects the control socket and says Hello.
  void Start(Instant now, Outbox& outbox);
  // A message of the control channel.
  Event Handle(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  // Says what is due: Hello, or a Heartbeat to which `fill` adds the role's own words.
  void Tick(Instant now, Outbox& outbox, Fill fill);
  Instant NextDeadline() const;

  // Heartbeats have numbers, from 1. What the controller knew when a heartbeat was sent stands in
  // the state as soon as that heartbeat was answered.
  uint64_t newest() const { return sequence_; }
  uint64_t answered() const { return answered_; }  // the newest of them

  // Whether the controller has answered a heartbeat that said `leaving`.
  bool FarewellAnswered() const { return farewell_ != 0 && answered_ >= farewell_; }

  // There is news (R13: a signal came, or the role has something to tell): heartbeat at once,
  // which is to say at the next Tick, due now.
  void News(Instant now) { due_ = std::min(due_, now); }
  // A signal came, whatever it says: that is news, and its channel works.
  void OnSignal(Instant now) {
    watch_.Heard();
    News(now);
  }
  // What a person should know now; mostly empty. Told once.
  std::string TakeWarning();
  // The owner was stopped for `pause`: nobody was silent meanwhile. R55
  void Excuse(Duration pause) {
    heard_ += pause;
    watch_.Excuse(pause);
  }

  // R3: whether an envelope of that cluster id may be believed.
  bool IsOurs(uint64_t cluster) const {
    return cluster == 0 || identity_.cluster == 0 || cluster == identity_.cluster;
  }
  const Identity& identity() const { return identity_; }
  bool joined() const { return joined_; }
  uint32_t number() const { return options_.hello.number(); }
  const pb::ClusterState& state() const { return state_; }  // version 0: none yet
  const std::string& refused() const { return refused_; }   // empty: not refused

 private:
  void Connect(Outbox& outbox) const;
  void Subscribe(Outbox& outbox) const;
  void SayHello(Instant now, Outbox& outbox);
  Event OnWelcome(Instant now, const pb::Welcome& welcome, Outbox& outbox);
  Event OnReply(Instant now, const pb::HeartbeatReply& reply, Outbox& outbox);
  bool Take(const pb::ClusterState& state);

  MemberOptions options_;
  Identity identity_{options_.role, options_.epoch, 0};
  bool joined_ = false;
  pb::ClusterState state_;
  std::string signal_;  // endpoint of the PUB; empty: not known yet
  SignalWatch watch_;
  std::string refused_;
  int refusals_ = 0;  // since the last welcome
  Duration heartbeat_every_ = options_.heartbeat_every;
  uint64_t sequence_ = 0;  // of the newest heartbeat
  uint64_t answered_ = 0;  // the newest that was answered
  uint64_t farewell_ = 0;  // the first that said `leaving`; 0: none did
  Instant due_ = kNever;
  Instant heard_{};
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_MEMBER_H_
