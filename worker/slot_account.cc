#include "worker/slot_account.h"

#include <algorithm>
#include <numeric>

#include "lib/core/check.h"

namespace fanmill::worker {
namespace {

// What is remembered of each batch; older steps are merged.
constexpr size_t kCauseStepsMax = 4096;
constexpr size_t kPiecesMax = 4096;

// Of the idle time until a step, what it was when that was exact.
int64_t Sum(const auto& parts) { return std::accumulate(parts.begin(), parts.end(), int64_t{0}); }

}  // namespace

SlotAccounts::SlotAccounts(uint32_t slots, Instant arrival)
    : slots_count_(slots), arrival_(arrival), busy_(arrival), slots_(slots) {}

void SlotAccounts::BecomeReady(Instant now) {
  if (ready_.has_value()) return;
  ready_ = now;
  ReviewAll(now);
}

void SlotAccounts::BecomeDraining(Instant now) {
  draining_ = true;
  ReviewAll(now);
}

void SlotAccounts::TasksCame(Instant now, uint32_t batch) {
  Batch& known = Open(now, batch);
  if (known.first_came.has_value()) return;
  known.first_came = now;
  known.at_first_came = PartsAt(now, batch, known);
}

void SlotAccounts::SetWaitingHere(Instant now, uint32_t batch, bool waits) {
  const auto known = batches_.find(batch);
  if (known == batches_.end() || known->second.waits_here == waits) return;
  known->second.waits_here = waits;
  Review(now, batch, known->second);
}

void SlotAccounts::SetWhyIdle(Instant now, const RangeSet& dry, const RangeSet& backing_off) {
  if (dry_ == dry && backing_off_ == backing_off) return;
  dry_ = dry;
  backing_off_ = backing_off;
  ReviewAll(now);
}

void SlotAccounts::BatchStarted(Instant now, uint32_t batch, Instant start) {
  Batch& known = Open(now, batch);
  if (known.start.has_value()) return;
  // The age of the start has grown on its way here; tasks that came before prove it older.
  if (known.first_came.has_value()) start = std::min(start, *known.first_came);
  known.start = std::clamp(start, arrival_, std::max(arrival_, now));
  known.at_start = PartsAt(*known.start, batch, known);
}

void SlotAccounts::BatchEnded(Instant now, uint32_t batch, Instant start, Instant end) {
  BatchStarted(now, batch, start);
  Batch& known = batches_.at(batch);
  if (known.final.has_value()) return;
  // Both ages have grown on their way here, by the same: tasks that came before the start show it.
  const Duration late = known.first_came.has_value() ? start - *known.first_came : Duration{0};
  const Duration grown = std::max(late, Duration{0});
  known.final =
      Between(batch, known, std::max(*known.start, start - grown), std::min(end - grown, now));
}

void SlotAccounts::BatchStopped(uint32_t batch) {
  const auto known = batches_.find(batch);
  if (known != batches_.end()) known->second.stopped = true;
}

void SlotAccounts::Forget(uint32_t batch) { batches_.erase(batch); }

void SlotAccounts::Hand(Instant now, uint32_t slot, uint32_t batch, bool retry) {
  FANMILL_CHECK(slot < slots_count_ && !slots_[slot].busy);
  slots_[slot] = {true, batch, retry, now};
  busy_.Set(now, busy_.slots() + 1);
  Tally& mine = Open(now, batch).mine;
  mine.Set(now, mine.slots() + 1);
}

void SlotAccounts::AddPiece(const Piece& piece, Batch& batch) {
  if (piece.to == piece.from) return;
  batch.ran[piece.part] += (piece.to - piece.from).count();
  batch.pieces.push_back(piece);
  if (batch.pieces.size() > kPiecesMax) batch.pieces.pop_front();
}

void SlotAccounts::Ran(Instant now, uint32_t slot, Instant began, Instant ended, bool idle,
                       Duration stopped) {
  FANMILL_CHECK(slot < slots_count_ && slots_[slot].busy);
  Slot& taken = slots_[slot];
  const Instant from = std::clamp(began, taken.since, std::max(taken.since, now));
  const Instant to = std::clamp(ended, from, std::max(from, now));
  taken.since = to;
  const auto known = batches_.find(taken.batch);
  if (known != batches_.end()) {
    Batch& batch = known->second;
    const Instant cut = to - std::clamp(stopped, Duration{0}, to - from);
    AddPiece({from, cut, taken.retry ? kRetrying : kRun}, batch);
    AddPiece({cut, to, kStopped}, batch);
    if (idle) batch.mine.Set(now, batch.mine.slots() - 1);
  }
  if (!idle) return;
  taken.busy = false;
  busy_.Set(now, busy_.slots() - 1);
}

std::vector<uint32_t> SlotAccounts::Batches() const {
  std::vector<uint32_t> numbers;
  for (const auto& [number, batch] : batches_) numbers.push_back(number);
  return numbers;
}

pb::SlotAccount SlotAccounts::Account(Instant now, uint32_t batch) const {
  const Batch& known = batches_.at(batch);
  if (known.final.has_value()) return *known.final;
  return Between(batch, known, known.start.value_or(known.first_came.value_or(now)), now);
}

SlotAccounts::Batch& SlotAccounts::Open(Instant now, uint32_t number) {
  const auto [entry, fresh] = batches_.try_emplace(number, arrival_);
  Batch& batch = entry->second;
  if (!fresh) return batch;
  Parts idle{};
  idle[kStarting] = IdleAt(ready_.has_value() ? std::min(*ready_, now) : now);
  idle[kWaiting] = IdleAt(now) - idle[kStarting];
  batch.causes.push_back({now, CauseOf(number, batch), idle});
  return batch;
}

int64_t SlotAccounts::IdleAt(Instant t) const {
  return t <= arrival_ ? 0 : (t - arrival_).count() * slots_count_ - busy_.At(t);
}

SlotAccounts::Part SlotAccounts::CauseOf(uint32_t number, const Batch& batch) const {
  if (!ready_.has_value()) return kStarting;
  if (draining_) return kDraining;
  if (batch.waits_here) return kTransferring;
  if (backing_off_.Contains(number)) return kBackingOff;
  return dry_.Contains(number) ? kTail : kWaiting;
}

void SlotAccounts::Review(Instant now, uint32_t number, Batch& batch) {
  const Part cause = CauseOf(number, batch);
  const CauseStep& last = batch.causes.back();
  if (cause == last.cause) return;
  Parts idle = last.idle;
  idle[last.cause] += IdleAt(now) - Sum(last.idle);
  batch.causes.push_back({std::max(now, last.at), cause, idle});
  if (batch.causes.size() > kCauseStepsMax) batch.causes.pop_front();
}

void SlotAccounts::ReviewAll(Instant now) {
  for (auto& [number, batch] : batches_) Review(now, number, batch);
}

SlotAccounts::Parts SlotAccounts::IdlePartsAt(Instant t, const Batch& batch) const {
  const auto after =
      std::upper_bound(batch.causes.begin(), batch.causes.end(), t,
                       [](Instant at, const CauseStep& step) { return at < step.at; });
  if (after != batch.causes.begin()) {
    const CauseStep& step = *std::prev(after);
    Parts parts = step.idle;
    parts[step.cause] += IdleAt(t) - Sum(step.idle);
    return parts;
  }
  // Before all that is remembered: in the order in which causes follow each other in a batch's
  // life.
  Parts parts{};
  int64_t left = IdleAt(t);
  for (const Part cause : {kStarting, kWaiting, kTransferring, kBackingOff, kTail, kDraining}) {
    parts[cause] = std::min(left, batch.causes.front().idle[cause]);
    left -= parts[cause];
  }
  parts[kWaiting] += left;
  return parts;
}

SlotAccounts::Parts SlotAccounts::PartsAt(Instant t, uint32_t number, const Batch& batch) const {
  Parts parts = IdlePartsAt(t, batch);
  const int64_t busy = busy_.At(t);
  const int64_t mine = std::min(batch.mine.At(t), busy);
  parts[kOther] = busy - mine;
  for (const Part part : {kRun, kRetrying, kStopped}) parts[part] = batch.ran[part];
  for (const Piece& piece : batch.pieces) {
    if (piece.to > t) parts[piece.part] -= (piece.to - std::max(piece.from, t)).count();
  }
  // What is still in a slot has not told when it began: it counts as run since it was handed over.
  for (const Slot& slot : slots_) {
    if (!slot.busy || slot.batch != number || slot.since >= t) continue;
    const Part part = batch.stopped ? kStopped : slot.retry ? kRetrying : kRun;
    parts[part] += (t - slot.since).count();
  }
  int64_t left = mine;
  for (const Part part : {kRun, kRetrying, kStopped}) {
    parts[part] = std::clamp<int64_t>(parts[part], 0, left);
    left -= parts[part];
  }
  parts[kTransferring] += left;
  return parts;
}

// What passed from `start` to the end. REQUIRES: not before batch.start, nor after the first task
// came. Of what lies between these the memory may be lost at the end, but nothing of the batch ran.
SlotAccounts::Parts SlotAccounts::PartsFrom(Instant start, const Batch& batch,
                                            const Parts& at_end) const {
  const Parts& before = batch.start.has_value() ? batch.at_start : batch.at_first_came;
  const Parts& front_end = batch.first_came.has_value() ? batch.at_first_came : at_end;
  int64_t cut = batch.start.has_value() ? (start - *batch.start).count() * slots_count_ : 0;
  Parts parts = at_end;
  for (const Part part :
       {kStarting, kOther, kWaiting, kTransferring, kBackingOff, kTail, kDraining}) {
    const int64_t taken = std::clamp<int64_t>(front_end[part] - before[part], 0, cut);
    parts[part] -= taken;
    cut -= taken;
  }
  for (size_t i = 0; i < kParts; ++i) parts[i] -= before[i];
  parts[kWaiting] -= cut;
  // Only where the memory of steps was too short: no part is below nothing, the sum stays.
  for (int64_t& part : parts) {
    if (part >= 0) continue;
    *std::max_element(parts.begin(), parts.end()) += part;
    part = 0;
  }
  return parts;
}

pb::SlotAccount SlotAccounts::Between(uint32_t number, const Batch& batch, Instant start,
                                      Instant end) const {
  Parts parts{};
  if (end > start) parts = PartsFrom(start, batch, PartsAt(end, number, batch));
  pb::SlotAccount account;
  account.set_batch(number);
  account.set_slots(slots_count_);
  account.set_window_us(static_cast<uint64_t>(std::max<int64_t>(0, (end - start).count())));
  account.set_run_us(static_cast<uint64_t>(parts[kRun]));
  account.set_retrying_us(static_cast<uint64_t>(parts[kRetrying]));
  account.set_stopped_us(static_cast<uint64_t>(parts[kStopped]));
  account.set_other_us(static_cast<uint64_t>(parts[kOther]));
  account.set_starting_us(static_cast<uint64_t>(parts[kStarting]));
  account.set_transferring_us(static_cast<uint64_t>(parts[kTransferring]));
  account.set_waiting_us(static_cast<uint64_t>(parts[kWaiting]));
  account.set_backing_off_us(static_cast<uint64_t>(parts[kBackingOff]));
  account.set_tail_us(static_cast<uint64_t>(parts[kTail]));
  account.set_draining_us(static_cast<uint64_t>(parts[kDraining]));
  return account;
}

}  // namespace fanmill::worker
