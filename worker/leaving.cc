#include "worker/leaving.h"

#include <algorithm>

namespace fanmill::worker {
namespace {

// Ranges of dead batches that are remembered; beyond it the oldest are forgotten.
constexpr uint64_t kDeadRangesMax = 65536;

}  // namespace

bool Leaving::Obey(pb::Wish wish, bool cluster, uint64_t generation) {
  if (wish == pb::RUN) return false;
  uint64_t& known = cluster ? cluster_generation_ : worker_generation_;
  known = std::max(known, generation);
  if (wish <= wish_) return false;
  wish_ = wish;
  return true;
}

void Leaving::Leave(Instant now) {
  if (!left_at_.has_value()) left_at_ = now;
}

void Leaving::Tick(Instant now) {
  if (left_at_.has_value() && now >= *left_at_ + leave_after_) gone_ = true;
}

Instant Leaving::NextDeadline() const {
  return left_at_.has_value() && !gone_ ? *left_at_ + leave_after_ : kNever;
}

void Leaving::AddReceipts(pb::Heartbeat& heartbeat) const {
  if (!leaving() || !clean_) return;
  for (const uint64_t generation : {cluster_generation_, worker_generation_}) {
    if (generation != 0) heartbeat.add_receipts()->set_generation(generation);
  }
  // R103: who leaves of its own accord gives its word too, in case a wish is under way.
  if (cluster_generation_ == 0 && worker_generation_ == 0) heartbeat.add_receipts();
}

bool DeadBatches::Kill(uint32_t batch, uint64_t generation) {
  uint64_t& owed = owed_[batch];
  owed = std::max(owed, generation);
  if (dead_.Contains(batch)) return false;
  dead_.Add(batch);
  if (dead_.range_count() > kDeadRangesMax) dead_.TakeRun(UINT64_MAX);
  return true;
}

void DeadBatches::KeepOwed(const std::set<uint32_t>& listed) {
  std::erase_if(owed_, [&](const auto& entry) { return !listed.contains(entry.first); });
}

}  // namespace fanmill::worker
