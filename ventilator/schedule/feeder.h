// Feeder: who gets the next chunk, and of which batch. Batches share lanes round-robin by chunk; a
// batch whose handler a lane does not offer, or that has nothing, blocks no other (R94). When
// nothing is left to hand out, unstarted work comes back from busy lanes to idle ones (R44). A task
// that must run alone waits for an empty lane; where none is ever empty, one is reserved: it gets
// nothing more until it is (R54).
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
  // When Feed is due though nothing happens: a recall that came too soon after another one, or the
  // end of a back-off.
  Instant NextDeadline() const { return std::min(recall_due_, back_off_due_); }

 private:
  bool FeedOnce(Instant now, Lane& lane, Outbox& outbox);
  void FeedFull(Instant now, Lane& lane, Outbox& outbox);
  void FeedAll(Instant now, Outbox& outbox);
  void EndBackOffs(Instant now);
  void TellWhyIdle(Instant now, Outbox& outbox);
  void RecallForIdle(Instant now, Outbox& outbox);
  bool MayHandOut(const Lane& lane);
  bool TakesMore(const Lane& lane);
  bool WaitsForLonely(const Lane& lane);
  void ReleaseLane();
  void ReserveLane();

  Mill& mill_;
  Lanes& lanes_;
  uint32_t last_batch_ = 0;  // whose chunk was handed out last
  uint64_t chunks_ = 0;      // handed out so far: the next id
  uint64_t reserved_ = 0;    // token of the lane that must become empty; 0: none. R54
  Instant recalled_{};       // when any lane was asked last
  Instant recall_due_ = kNever;
  Instant back_off_due_ = kNever;  // the first of all batches. R108
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_SCHEDULE_FEEDER_H_
