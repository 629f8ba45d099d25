// Which batches the sink knows, and which of them are over though nobody closed them: a ventilator
// that lost its tasks closes nothing any more.
#include <algorithm>
#include <string>
#include <utility>

#include "sink/ledger.h"

namespace fanmill {

// The batch, made when new. Null when there is no place for it.
Batch* Ledger::BatchFor(uint32_t number, Outbox& outbox) {
  if (Batch* known = batches_.Find(number)) return known;
  if (batches_.full()) MakePlace(outbox);
  if (Batch* made = batches_.Make(number)) {
    told_of_no_place_ = false;
    return made;
  }
  counts_.Add("stray_batch");
  if (batches_.full() && !std::exchange(told_of_no_place_, true)) {
    notices_.push_back("the sink knows " + std::to_string(batches_.all().size()) +
                       " batches, none of which it may let go of yet: it takes nothing of a "
                       "further one until more of them have ended");
  }
  return nullptr;
}

// Lets go of one end: the oldest of a batch that the controller lists no more.
void Ledger::MakePlace(Outbox& outbox) {
  const auto is_gone = [this](uint32_t number) { return IsGone(*batches_.Find(number)); };
  auto gone = std::ranges::find_if(forgotten_, is_gone);
  if (gone == forgotten_.end() && ended_.size() > 1 && is_gone(ended_.front())) {
    ForgetOldest("the ledger knows no more batches than these", outbox);
    gone = forgotten_.end() - 1;
  }
  if (gone == forgotten_.end()) return;
  counts_.Add("ends_let_go");
  batches_.Erase(*gone);
  forgotten_.erase(gone);
}

// R69. Before the first state nothing is gone, nor while the ledger is read: its rows count.
// Nor does a state tell of a batch that began after the controller had made it.
bool Ledger::IsGone(const Batch& batch) const {
  const uint32_t number = batch.fold.batch();
  return phase_ != Phase::kRecovering && member_.answered() > batch.begun_at &&
         number <= member_.state().batches_through() && !listed_.contains(number);
}

// R69. One that was not begun may be forming: a controller that restarted hears of it later.
void Ledger::CloseIfGone(Batch& batch, Instant now, Outbox& outbox) {
  if (batch.fold.closed() || batch.closing || !batch.begun || !IsGone(batch)) return;
  counts_.Add("R69");
  notices_.push_back("batch " + std::to_string(batch.fold.batch()) +
                     " is over, as the controller says, and nobody will close it: the sink does");
  Close(batch, true, batch.fold.tasks(), now, outbox);
}

// A reply without a state says that the one before is still true.
void Ledger::JudgeBegun(Instant now, Outbox& outbox) {
  for (auto number = begun_.begin(); number != begun_.end();) {
    Batch* const batch = batches_.Find(*number);
    if (batch != nullptr && member_.answered() <= batch->begun_at) {
      ++number;
      continue;
    }
    if (batch != nullptr) CloseIfGone(*batch, now, outbox);
    number = begun_.erase(number);
  }
}

void Ledger::CloseGone(Instant now, Outbox& outbox) {
  listed_.clear();
  for (const pb::BatchState& known : member_.state().batches()) listed_.insert(known.batch());
  for (auto& [number, batch] : batches_.all()) CloseIfGone(batch, now, outbox);
}

}  // namespace fanmill
