// How a worker ends, and how its batches do: which wishes are to be obeyed, and for which of them a
// receipt is owed.
//
//   staying --DRAIN--> draining --KILL--> killed       (or at once)
//                        |                   |
//          nothing runs, all durable   nothing runs
//                        +------> sweeping <-+  --nothing is left behind either--> leaving
//
//   leaving --answered, or leave_after--> gone
#ifndef FANMILL_WORKER_LEAVING_H_
#define FANMILL_WORKER_LEAVING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "lib/core/range_set.h"

namespace fanmill::worker {

class Leaving {
 public:
  explicit Leaving(Duration leave_after) : leave_after_(leave_after) {}

  // A wish for this worker, of the whole cluster (true) or of itself; a person's has generation 0.
  // True when it goes further than what was wished before.
  bool Obey(pb::Wish wish, bool cluster, uint64_t generation);
  pb::Wish wish() const { return wish_; }

  // Whether the executor is to be told now to stop everything, what ended tasks left behind in
  // other sessions included: true once. Swept: it has; without receipts when not `clean`.
  bool BeginSweep() { return !std::exchange(sweeping_, true); }
  void Swept(bool clean) {
    swept_ = sweeping_;
    clean_ = clean;
  }
  bool swept() const { return swept_; }
  // Nothing of it runs or waits any more.
  void Leave(Instant now);
  void Answered() { gone_ = left_at_.has_value(); }
  bool leaving() const { return left_at_.has_value(); }
  bool gone() const { return gone_; }
  void Tick(Instant now);
  Instant NextDeadline() const;

  // A receipt for each wish that had a generation; without one, a receipt of generation 0.
  void AddReceipts(pb::Heartbeat& heartbeat) const;

 private:
  const Duration leave_after_;
  pb::Wish wish_ = pb::RUN;
  uint64_t cluster_generation_ = 0;
  uint64_t worker_generation_ = 0;
  bool sweeping_ = false;
  bool swept_ = false;
  bool clean_ = true;  // nothing was left that could not be killed
  std::optional<Instant> left_at_;
  bool gone_ = false;
};

// Batches that were killed. Their numbers are never used again, so that they stay dead.
class DeadBatches {
 public:
  // True when the batch was not dead yet.
  bool Kill(uint32_t batch, uint64_t generation);
  bool IsDead(uint32_t batch) const { return dead_.Contains(batch); }
  // The executor was told to stop it, and has not answered yet.
  void AwaitStop(uint32_t batch) { stopping_.insert(batch); }
  void Stopped(uint32_t batch) { stopping_.erase(batch); }
  bool IsStopping(uint32_t batch) const { return stopping_.contains(batch); }
  // Receipts are owed for batches that the state still lists.
  void KeepOwed(const std::set<uint32_t>& listed);
  const std::map<uint32_t, uint64_t>& owed() const { return owed_; }  // batch -> generation

 private:
  RangeSet dead_;
  std::set<uint32_t> stopping_;
  std::map<uint32_t, uint64_t> owed_;
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_LEAVING_H_
