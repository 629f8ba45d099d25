// Where the time of a worker's slots goes, batch by batch. Each slot is at each moment in exactly
// one state as a batch sees it: running a first attempt of it, running a further one, or
// one that was stopped, taken by another batch, or idle for one named cause. The parts of an
// account therefore add up to slots times window to the microsecond, also when the window's ends
// are learned late.
#ifndef FANMILL_WORKER_SLOT_ACCOUNT_H_
#define FANMILL_WORKER_SLOT_ACCOUNT_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "lib/core/range_set.h"
#include "worker/slot_tally.h"

namespace fanmill::worker {

class SlotAccounts {
 public:
  SlotAccounts(uint32_t slots, Instant arrival);

  // Facts about the worker.
  void BecomeReady(Instant now);
  void BecomeDraining(Instant now);

  // Facts about a batch. A batch is known from the first of them until it is forgotten.
  void TasksCame(Instant now, uint32_t batch);
  void SetWaitingHere(Instant now, uint32_t batch, bool waits);  // unstarted tasks are held here
  // Of these nothing is left to hand out; of those, what is left waits to be tried again.
  void SetWhyIdle(Instant now, const RangeSet& dry, const RangeSet& backing_off);
  // `start` and `end` may lie in the past; of each the first word counts. Who tells the end tells
  // both by one clock: the account is of no longer time than lies between them.
  void BatchStarted(Instant now, uint32_t batch, Instant start);
  void BatchEnded(Instant now, uint32_t batch, Instant start, Instant end);
  // Its tasks are being stopped: what is in slots counts as stopped, until they tell more.
  void BatchStopped(uint32_t batch);
  void Forget(uint32_t batch);

  // What a slot does. It is handed tasks, tells in one or more words what ran when, and is idle.
  // `stopped`: the last part of what ran, of attempts that were stopped.
  void Hand(Instant now, uint32_t slot, uint32_t batch, bool retry);
  void Ran(Instant now, uint32_t slot, Instant began, Instant ended, bool idle,
           Duration stopped = Duration{0});

  bool Knows(uint32_t batch) const { return batches_.contains(batch); }
  std::vector<uint32_t> Batches() const;
  // The whole account of an ended batch; of one that has not ended, up to `now`.
  pb::SlotAccount Account(Instant now, uint32_t batch) const;

 private:
  enum Part {
    kRun,
    kRetrying,
    kStopped,
    kOther,
    kStarting,
    kTransferring,
    kWaiting,
    kBackingOff,
    kTail,
    kDraining
  };
  static constexpr size_t kParts = 10;
  using Parts = std::array<int64_t, kParts>;
  // From `at` on idle slots are idle for `cause`; until then `idle` had been added up.
  struct CauseStep {
    Instant at;
    Part cause;
    Parts idle;
  };
  struct Piece {
    Instant from;
    Instant to;
    Part part;  // kRun, kRetrying or kStopped
  };
  struct Batch {
    explicit Batch(Instant origin) : mine(origin) {}
    Tally mine;  // slots that were handed a task of it
    bool waits_here = false;
    bool stopped = false;
    std::deque<CauseStep> causes;  // never empty
    Parts ran{};                   // run, retrying and stopped
    std::deque<Piece> pieces;      // the last ones of these
    std::optional<Instant> first_came;
    Parts at_first_came{};
    std::optional<Instant> start;
    Parts at_start{};
    std::optional<pb::SlotAccount> final;
  };
  struct Slot {
    bool busy = false;
    uint32_t batch = 0;
    bool retry = false;
    Instant since;  // handed, or the end of what it told last
  };

  Batch& Open(Instant now, uint32_t batch);
  static void AddPiece(const Piece& piece, Batch& batch);
  int64_t IdleAt(Instant t) const;
  Part CauseOf(uint32_t number, const Batch& batch) const;
  void Review(Instant now, uint32_t number, Batch& batch);
  void ReviewAll(Instant now);
  Parts IdlePartsAt(Instant t, const Batch& batch) const;
  Parts PartsAt(Instant t, uint32_t number, const Batch& batch) const;
  Parts PartsFrom(Instant start, const Batch& batch, const Parts& at_end) const;
  pb::SlotAccount Between(uint32_t number, const Batch& batch, Instant start, Instant end) const;

  uint32_t slots_count_;
  Instant arrival_;
  std::optional<Instant> ready_;
  bool draining_ = false;
  RangeSet dry_, backing_off_;
  Tally busy_;
  std::vector<Slot> slots_;
  std::map<uint32_t, Batch> batches_;
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_SLOT_ACCOUNT_H_
