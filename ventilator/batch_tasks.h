// BatchTasks: one batch as the ventilator sees it, and where each of its tasks is. A task that is
// durable is in exactly one place:
//
//   fresh -> held -> terminal
//              | ^
//              v |
//            again | alone | backing off | resting | finalising
//
// fresh: never handed out (from the frontier on, or in the look-ahead). held: in one chunk that
// counts. again: to be handed out once more. alone: likewise, but with nothing beside it (R54).
// backing off: failed, and its time to be tried again has not come (R108).
// resting: may be with a worker that has not come back since this ventilator's restart (R56).
// finalising: out of attempts, the sink is asked to write FINAL_FAILED (R62).
// Memory: two bitmaps, a frontier, ranges; entries only for exceptions.
#ifndef FANMILL_VENTILATOR_BATCH_TASKS_H_
#define FANMILL_VENTILATOR_BATCH_TASKS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "lib/core/bitmap.h"
#include "lib/core/instant.h"
#include "lib/core/range_set.h"
#include "ventilator/back_off.h"
#include "ventilator/options.h"
#include "ventilator/payload_blocks.h"
#include "ventilator/retries.h"
#include "ventilator/schedule/look_ahead.h"

namespace fanmill::ventilator {

// Why a task that was held is held no more, and by nobody else.
enum class Loss : uint8_t {
  kReturned,  // unstarted, given back: the attempt was never used
  kStopped,   // given back, and it had begun to run: the attempt is used, nobody is blamed. R35
  kFailed,    // the attempt ended, not OK
  kLost,      // with its worker, its connection, its chunk
  kSilent,    // likewise, and it was running when its worker fell silent
  kBlamed,    // likewise, and its worker's guardian named it
};

class BatchTasks {
 public:
  BatchTasks(uint32_t id, const pb::OpenBatch& open, const DispatcherOptions& options,
             Instant opened);

  // ---- what it is -----------------------------------------------------------------------------
  uint32_t id() const { return id_; }
  const pb::Spec& spec() const { return *spec_; }
  Instant opened() const { return opened_; }
  const PayloadBlocks& blocks() const { return blocks_; }
  uint64_t bytes() const { return blocks_.bytes(); }

  // ---- its life -------------------------------------------------------------------------------
  void Accept(const pb::AppendTasks& append) { blocks_.Append(append); }
  void MakeDurable(uint64_t tasks) { durable_ = std::max(durable_, tasks); }
  void Seal() { sealed_ = true; }
  void Start() { started_ = true; }
  void Cancel();                              // R92: nothing of it is held or handed out any more
  void Close(const pb::BatchClosed& closed);  // R73, R74: memory is freed
  void Settle() { settled_ = true; }          // closed, and its rows were forgotten
  bool settled() const { return settled_; }
  uint64_t accepted() const { return blocks_.size(); }
  uint64_t durable() const { return durable_; }
  bool sealed() const { return sealed_; }
  bool started() const { return started_; }
  bool cancelled() const { return cancelled_; }
  bool closed() const { return closed_; }
  bool live() const { return !closed_ && !cancelled_; }
  uint64_t ok() const { return ok_; }
  uint64_t failed() const { return failed_; }
  uint64_t lost() const { return lost_; }  // of failed: quarantined, while this ventilator was here
  uint64_t cancelled_tasks() const { return cancelled_tasks_; }

  // ---- handing out ----------------------------------------------------------------------------
  // Everything below may have been handed out before a restart; below `allowed` it may be now.
  void SetFrontier(uint64_t below) { allowed_ = std::max(allowed_, below); }
  uint64_t next() const { return next_; }
  uint64_t allowed() const { return allowed_; }
  bool HasWork() const;  // something could be handed out now
  bool IsDry() const;    // sealed, and there is nothing left to hand out
  // All that is left to hand out waits to be tried again.
  bool IsBackingOff() const { return live() && started_ && !HasWork() && !back_off_.empty(); }
  bool HasLonely() const { return !alone_.empty(); }
  bool HasAgain() const { return !again_.empty(); }
  std::pair<uint64_t, uint64_t> PeekAgain() const;  // the first run. REQUIRES: HasAgain
  // The first run of fresh tasks in number order, at most `count` of them; empty: none.
  std::pair<uint64_t, uint64_t> PeekFresh(uint64_t count);
  // The longest fresh task inside the look-ahead; null: none.
  const LookAhead::Entry* PeekLongest();
  void TakeAgain(uint64_t begin, uint64_t end);  // and the next ones: now they are held
  void TakeFresh(uint64_t begin, uint64_t end);
  void TakeLongest();
  uint64_t TakeLonely();
  uint32_t NextAttempt(uint64_t task) const { return troubles_.NextAttempt(task); }
  bool RunsAlone(uint64_t task) const { return troubles_.RunsAlone(task); }
  // R54: the task's end is being asked for; why. Null: it is not quarantined.
  const std::string* QuarantineOf(uint64_t task) const;
  const BackOff& back_off() const { return back_off_; }
  bool IsHopeless(uint64_t task) const { return troubles_.IsHopeless(task); }
  // Whose time has come is handed out again. False: nobody's has.
  bool EndBackOff(Instant now);
  bool plain() const { return troubles_.empty(); }
  void CountRetried(uint64_t tasks) { retried_ += tasks; }
  uint64_t retried() const { return retried_; }

  // ---- what became of it ----------------------------------------------------------------------
  bool IsTerminal(uint64_t task) const { return terminal_.Test(task); }
  void EndOk(uint64_t begin, uint64_t end);  // whatever state they were in
  void EndFailed(uint64_t task);             // FINAL_FAILED is durable. R72
  // A failed attempt, told by ack or facts (R62, R71). Whoever holds that attempt loses it first.
  void AttemptFailed(const pb::AttemptFailure& failure);
  // Nobody holds it any more. `attempt`: of this epoch, 0: of an earlier one. False: it was not
  // held at all. `death`: of a blamed one, what its worker died of.
  bool Lose(Instant now, uint64_t task, uint32_t attempt, Loss loss, const std::string& death);
  // A worker holds it that nobody knew of. False: it is held already, or terminal. R38, R39
  bool Adopt(uint64_t task);

  // ---- after a restart ------------------------------------------------------------------------
  void RestBelowFrontier();  // R56: once the manifest was read
  void WakeResting();        // a lease later
  uint64_t resting() const { return resting_.size(); }

  // ---- facts ----------------------------------------------------------------------------------
  const std::map<uint64_t, pb::AttemptFailure>& finalising() const { return finalising_; }
  const RangeSet& again() const { return again_; }
  uint64_t held() const { return held_.count(); }

  // ---- costs ----------------------------------------------------------------------------------
  void Learn(uint64_t tasks, uint64_t run_us);       // Finished: these ran so long, in sum
  uint64_t CostNs(uint64_t task) const;              // declared, else learned, else 0
  uint64_t chunk_max() const { return chunk_max_; }  // grows while costs prove small

  void CheckInvariants() const;

 private:
  void End(uint64_t task);
  void Place(uint64_t task);   // a task in no place
  bool Unwait(uint64_t task);  // false: it did not wait to be handed out again
  void FillLookAhead();
  uint64_t Reach() const { return std::min(durable_, allowed_); }
  bool Fresh(uint64_t task) const { return !terminal_.Test(task) && !held_.Test(task); }

  const uint32_t id_;
  std::shared_ptr<const pb::Spec> spec_;
  const Instant opened_;
  PayloadBlocks blocks_;
  uint64_t durable_ = 0;
  bool sealed_ = false, started_ = false, cancelled_ = false, closed_ = false, settled_ = false;

  uint64_t allowed_ = 0;
  uint64_t next_ = 0;
  LookAhead ahead_;
  Bitmap held_;
  Bitmap terminal_;
  RangeSet again_, alone_, resting_;
  BackOff back_off_;
  std::map<uint64_t, pb::AttemptFailure> finalising_;
  Troubles troubles_;

  uint64_t ok_ = 0, failed_ = 0, lost_ = 0, cancelled_tasks_ = 0, retried_ = 0;
  uint64_t learned_ns_ = 0;
  uint64_t chunk_max_ = 1;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_BATCH_TASKS_H_
