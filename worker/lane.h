// The worker's conversation with the ventilator: whether it has a lane, and which. Decides when to
// say LeaseHello and when to make the sockets anew; what it says and does with the answers is the
// session's.
//
//   no ventilator known --state--> asking --LeaseGrant--> granted --probe came back--> ready
//                                    ^                       |
//                                    +--unknown, newer epoch, silence for a lease: of the
//                                       ventilator, or of a lane that is not ready (any more)
#ifndef FANMILL_WORKER_LANE_H_
#define FANMILL_WORKER_LANE_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "lib/core/instant.h"
#include "lib/core/message.h"

namespace fanmill::worker {

class Lane {
 public:
  Lane(Duration hello_every, Duration lease) : hello_every_(hello_every), lease_(lease) {}

  // The cluster's state names the ventilator.
  void Know(Instant now, uint64_t epoch, const std::string& endpoint, Outbox& outbox);
  // Takes the lane. False when it is the one that it has already.
  bool Grant(Instant now, uint64_t epoch, const pb::LeaseGrant& grant, Outbox& outbox);
  // There is no lane any more; LeaseHello is due.
  void Lose(Instant now);
  // Whether a message of the lease channel is from the newest ventilator known.
  bool IsCurrent(uint64_t epoch) const { return epoch >= epoch_; }
  bool IsOfLane(uint64_t epoch) const { return granted_ && epoch == epoch_; }
  void Heard(Instant now) { heard_ = now; }

  // A message of the lane came, or a chunk, or word of what is durable.
  void HeardLane(Instant now) { lane_heard_ = now; }
  // A probe came. True once in a lease while they keep coming: none of the echoes gets through.
  bool EchoesAreLost(Instant now);
  void CameThrough(uint64_t chunk) { through_ = std::max(through_, chunk); }
  void Durable(uint64_t through) { durable_ = std::max(durable_, through); }
  // As the ventilator says with every word of its own.
  void SetReady(Instant now, bool ready);

  // R55: nothing starts until the ventilator has answered.
  void Pause(Instant now, Duration pause);
  void Answered() { paused_ = false; }

  // Acts on silence. Returns what the session has to say now.
  enum class Word { kNothing, kHello, kPaused };
  Word Tick(Instant now, Outbox& outbox);
  Instant NextDeadline() const;

  bool granted() const { return granted_; }
  bool paused() const { return paused_; }
  uint64_t token() const { return token_; }
  uint64_t through() const { return through_; }
  uint64_t durable() const { return durable_; }

 private:
  void ConnectLease(Outbox& outbox) const;

  const Duration hello_every_;
  Duration lease_;
  std::string endpoint_;  // the ventilator's; empty: not known
  uint64_t epoch_ = 0;
  bool granted_ = false;
  bool ready_ = false;
  bool paused_ = false;
  uint64_t token_ = 0;
  uint64_t through_ = 0;
  uint64_t durable_ = 0;
  Instant heard_{};
  Instant lane_heard_{};
  Instant echo_due_ = kNever;  // since when the echo of a probe is missed; kNever: none is
  Instant word_due_{};         // hello, or paused
  Instant paused_until_{};     // then a new lane is asked for
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_LANE_H_
