// Lanes: every lane there is. Opens, probes and closes them, keeps their leases, and brings what is
// outstanding here and held there together (reconcile.h says how).
//
//   LeaseHello -> opening --LaneOpened--> granted --probe back--> ready --+
//                    ^                                                    |
//                    +---- LeaseHello anew --------- lease ends, death ---+--> closed
#ifndef FANMILL_VENTILATOR_LANES_H_
#define FANMILL_VENTILATOR_LANES_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "lib/core/random.h"
#include "ventilator/lane.h"
#include "ventilator/mill.h"
#include "ventilator/reconcile.h"

namespace fanmill::ventilator {

class Lanes {
 public:
  explicit Lanes(Mill& mill) : mill_(mill), random_(mill.options.seed) {}

  // ---- what workers say (lanes.cc, lane_reports.cc) -------------------------------------------
  void OnHello(Instant now, PeerId from, uint64_t incarnation, const pb::LeaseHello& hello,
               Outbox& outbox);
  void OnReport(Instant now, PeerId from, uint64_t incarnation, const pb::LeaseReport& report,
                Outbox& outbox);
  void OnFinished(Instant now, PeerId from, uint64_t incarnation, const pb::Finished& finished);
  void OnAnyWord(Instant now, PeerId from, uint64_t incarnation);  // it lives
  void OnDeath(Instant now, uint64_t incarnation, const pb::DeathReport& report, Outbox& outbox);

  // ---- what the net says ----------------------------------------------------------------------
  void OnOpened(Instant now, const LaneOpened& opened, Outbox& outbox);
  void OnFailed(Instant now, const LaneFailed& failed);
  void OnUndeliverable(Instant now, const Undeliverable& failed);

  // ---- what the sink says (lane_acks.cc) ------------------------------------------------------
  void OnAck(Instant now, const pb::Ack& ack, Outbox& outbox);
  // Facts changed what is known of the batch's tasks. R70, R71
  void Sweep(Instant now, BatchTasks& batch, const std::vector<pb::AttemptFailure>& attempts);
  void Forget(uint32_t batch);  // cancelled or closed: nothing of it is outstanding any more

  // ---- what the schedule does -----------------------------------------------------------------
  void Send(Instant now, Lane& lane, Chunk chunk, pb::Envelope envelope, Outbox& outbox);
  void Recall(Lane& lane, uint32_t batch, uint64_t tasks, Outbox& outbox);
  std::map<uint64_t, Lane>& all() { return lanes_; }
  const std::map<uint64_t, Lane>& all() const { return lanes_; }
  // Lanes in which room may have appeared since the last call.
  std::vector<uint64_t> TakeHungry() { return std::exchange(hungry_, {}); }
  // Tells workers which batches have nothing left to hand out, and of which all that is left waits
  // to be tried again, when that changed.
  void TellWhyIdle(Instant now, const RangeSet& dry, const RangeSet& backing_off, Outbox& outbox);
  // Tasks of the batch's chunks that finished long ago and yet were not acked. R70
  void AddOverdue(Instant now, uint32_t batch, RangeSet& tasks) const;

  // ---- time -----------------------------------------------------------------------------------
  void Tick(Instant now, Outbox& outbox);
  Instant NextDeadline() const { return due_; }
  void Excuse(Duration pause);  // R55
  void FillReady(pb::Heartbeat& heartbeat) const;
  void CheckInvariants() const;

 private:
  using Chunks = std::map<uint64_t, Chunk>;

  Lane* ByIncarnation(uint64_t incarnation);
  void RefuseLane(const pb::LeaseHello& hello);
  Lane& NewLane(uint64_t incarnation, Outbox& outbox);
  void Introduce(Instant now, PeerId from, const pb::LeaseHello& hello, Lane& lane);
  Chunks TakeChunks(Lane& lane);
  void Heard(Instant now, PeerId from, Lane& lane);
  void Grant(Lane& lane, Outbox& outbox);
  void ProbeFrom(Instant now, Lane& lane);
  void Probe(Instant now, Lane& lane, Outbox& outbox);
  void Ping(Instant now, Lane& lane, Outbox& outbox);
  void Doubt(Instant now, Lane& lane);
  void OnEcho(Instant now, const pb::ProbeEcho& echo, Outbox& outbox);
  pb::Envelope Reply(const Lane& lane) const;

  Row TakeOver(Instant now, Lane& lane, const pb::HeldChunk& held, Chunks& before);
  void AdoptTasks(BatchTasks& batch, Chunk& chunk, bool known);
  Row JudgeReported(Instant now, Lane& lane, const pb::HeldChunk& held,
                    const ReconcileTimes& times);
  void TakeReturned(Instant now, Lane& lane, Chunk& chunk, const pb::HeldChunk& held);
  void JudgeUnreported(Instant now, Lane& lane, const pb::LeaseReport& report,
                       const ReconcileTimes& times);
  void StopFeeding(Instant now, Lane& lane, Chunk& chunk);
  ReconcileTimes Times(Instant now) const;

  void LeaseTick(Instant now, Outbox& outbox);
  void GiveGraceIfManyVanish(Instant now);
  void Strip(Instant now, Lane& lane);
  using LossOf = std::function<Loss(const Chunk& chunk, uint64_t index)>;
  void Close(Instant now, uint64_t token, const LossOf& loss_of, Outbox& outbox);
  void LoseAll(Instant now, Lane& lane, Chunk& chunk, Loss loss);
  void LoseIndex(Instant now, Lane& lane, Chunk& chunk, uint64_t index, Loss loss);
  void NoteLoss(const BatchTasks& batch, uint64_t task, Loss loss);
  Chunks::iterator RemoveIfEmpty(Lane& lane, Chunks::iterator chunk);
  Chunks::iterator Remove(Lane& lane, Chunks::iterator chunk);
  bool AllTerminal(const Chunk& chunk);

  struct Failing;
  void EndWhole(Instant now, Lane& lane, Chunks::iterator chunk, const Failing& failing);
  void EndPart(Instant now, Lane& lane, Chunks::iterator chunk, const pb::TaskSet& tasks,
               const Failing& failing);
  void EndIndex(Instant now, Lane& lane, Chunk& chunk, uint64_t index, const Failing& failing);
  Lane* HolderOf(uint64_t chunk);
  void Wake(Instant at) { due_ = std::min(due_, at); }

  Mill& mill_;
  Random random_;
  std::map<uint64_t, Lane> lanes_;               // by token
  std::map<uint64_t, uint64_t> by_incarnation_;  // to token
  absl::flat_hash_map<uint64_t, uint64_t> lane_of_chunk_;
  absl::flat_hash_map<uint64_t, uint64_t> lane_of_peer_;  // connection to token
  std::deque<uint64_t> dead_;                             // incarnations whose guardian spoke
  std::vector<uint64_t> hungry_;
  RangeSet dry_, backing_off_;  // as the workers were told
  Instant due_ = kNever;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_LANES_H_
