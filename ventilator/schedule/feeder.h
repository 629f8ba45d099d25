// Feeder: who gets the next chunk, and of which batch. Batches share lanes round-robin by chunk; a
// batch whose handler a lane does not offer, or that has nothing, blocks no other (R94). When
// nothing is left to hand out, unstarted work comes back from busy lanes to idle ones (R44).
#ifndef FANMILL_VENTILATOR_SCHEDULE_FEEDER_H_
#define FANMILL_VENTILATOR_SCHEDULE_FEEDER_H_

#include "ventilator/lanes.h"
#include "ventilator/mill.h"

namespace fanmill::ventilator {

class Feeder {
 public:
  Feeder(Mill& mill, Lanes& lanes) : mill_(mill), lanes_(lanes) {}

  // After every message and tick: hands out what there is to whom there is room for. False:
  // nothing has changed since the last call.
  bool Feed(Instant now, Outbox& outbox);

 private:
  // When Feed is due though nothing happens: a recall that came too soon after another one.
  Instant NextDeadline() const { return recall_due_; }
  bool FeedOnce(Instant now, Lane& lane, Outbox& outbox);
  void FeedFull(Instant now, Lane& lane, Outbox& outbox);
  void FeedAll(Instant now, Outbox& outbox);
  void RecallForIdle(Instant now, Outbox& outbox);
  bool MayHandOut(const Lane& lane);
  RangeSet Dry() const;

  Mill& mill_;
  Lanes& lanes_;
  uint32_t last_batch_ = 0;  // whose chunk was handed out last
  uint64_t chunks_ = 0;      // handed out so far: the next id
  Instant recalled_{};       // when any lane was asked last
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_SCHEDULE_FEEDER_H_
  Instant recall_due_ = kNever;
