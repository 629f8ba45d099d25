// Which batches the sink knows, and which of them are over though nobody closed them: a ventilator
// that lost its tasks closes nothing any more.
#include <string>

#include "sink/ledger.h"

namespace fanmill {

// R69. Before the first state nothing is gone, nor while the ledger is read: its rows count.
bool Ledger::IsGone(uint32_t number) const {
  return phase_ != Phase::kRecovering && number <= member_.state().batches_through() &&
         !listed_.contains(number);
}

// R69. One that was not begun may be forming: a controller that restarted hears of it later.
void Ledger::CloseIfGone(Batch& batch, Instant now, Outbox& outbox) {
  if (batch.fold.closed() || batch.closing || !batch.begun || !IsGone(batch.fold.batch())) return;
  counts_.Add("R69");
  notices_.push_back("batch " + std::to_string(batch.fold.batch()) +
                     " is over, as the controller says, and nobody will close it: the sink does");
  Close(batch, true, batch.fold.tasks(), now, outbox);
}

void Ledger::CloseGone(Instant now, Outbox& outbox) {
  listed_.clear();
  for (const pb::BatchState& known : member_.state().batches()) listed_.insert(known.batch());
  for (auto& [number, batch] : batches_.all()) CloseIfGone(batch, now, outbox);
}

}  // namespace fanmill
