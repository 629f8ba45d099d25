// The ledger's rows: what is written down, and what is done about each once it is durable.
#include <algorithm>
#include <utility>

#include "lib/core/task_set.h"
#include "sink/ledger.h"

namespace fanmill {
namespace {

uint64_t EndOf(const pb::TaskSet& tasks) {
  if (IsContiguous(tasks)) return tasks.first() + tasks.count();
  uint64_t end = 0;
  ForEachTask(tasks, [&end](uint64_t, uint64_t task) { end = std::max(end, task + 1); });
  return end;
}

}  // namespace

// ---- Arriving -----------------------------------------------------------------------------------

void Ledger::OnResults(Instant now, const Wire& wire, Outbox& outbox) {
  const pb::ResultChunk& chunk = wire.envelope->results();
  Batch* batch = BatchFor(chunk.batch(), outbox);
  if (batch == nullptr) return;
  if (batch->forgotten) return counts_.Add("R68");
  if (batch->fold.sealed() && EndOf(chunk.tasks()) > batch->fold.tasks()) {
    return counts_.Add("stray_task");
  }
  if (!HasRoomFor(Commit::BytesOf(wire), outbox)) return;
  batch->bytes += wire.frame.bytes.size();
  commit_.WriteFrame(chunk.batch(), wire, now, outbox);
}

void Ledger::OnPart(Instant now, const Wire& wire, Outbox& outbox) {
  const pb::OutputPart& part = wire.envelope->output();
  Batch* batch = BatchFor(part.batch(), outbox);
  if (batch == nullptr) return;
  if (batch->forgotten) return counts_.Add("R68");
  if (part.part() >= kPartsPerStreamMax) return counts_.Add("stray_part");
  // R64: whoever sends its parts again must not fill the ledger with them.
  if (!batch->fold.NeedsPart(part) || batch->arriving.contains(PartKey(part))) {
    return counts_.Add("needless_part");
  }
  if (!HasRoomFor(Commit::BytesOf(wire), outbox)) return;
  batch->arriving.insert(PartKey(part));
  batch->bytes += wire.frame.bytes.size();
  commit_.WriteFrame(part.batch(), wire, now, outbox);
}

// R76. An epoch is for ever, so it is believed only of whom the controller welcomed.
bool Ledger::Admits(const pb::Envelope& envelope, Instant now, Outbox& outbox) {
  const uint64_t ventilator_epoch = envelope.epoch();
  if (envelope.cluster() == 0 || ventilator_epoch < ventilator_epoch_) {
    counts_.Add("R76");
    return false;
  }
  if (ventilator_epoch > ventilator_epoch_) {
    ventilator_epoch_ = ventilator_epoch;
    pb::LedgerRecord record;
    record.set_ventilator_epoch(ventilator_epoch);
    ventilator_epoch_row_ = commit_.WriteRecord(0, std::move(record), now, outbox);
  }
  return true;
}

void Ledger::Open(uint32_t number, Instant now, Outbox& outbox) {
  Batch* batch = BatchFor(number, outbox);
  if (batch == nullptr) return;
  if (batch->fold.opened() || std::exchange(batch->opening, true)) return;
  counts_.Add("R78");
  pb::LedgerRecord record;
  record.mutable_opened()->set_batch(number);
  commit_.WriteRecord(number, std::move(record), now, outbox);
}

void Ledger::WriteFacts(const pb::BatchFacts& facts, Instant now, Outbox& outbox) {
  Batch* batch = BatchFor(facts.batch(), outbox);
  if (batch == nullptr) return;
  if (batch->fold.closed()) return;
  if (facts.started()) Open(facts.batch(), now, outbox);
  if (facts.sealed() && !batch->fold.sealed() && !std::exchange(batch->sealing, true)) {
    pb::LedgerRecord record;
    record.mutable_sealed()->set_batch(facts.batch());
    record.mutable_sealed()->set_tasks(facts.tasks());
    commit_.WriteRecord(facts.batch(), std::move(record), now, outbox);
  }
  for (const pb::AttemptFailure& failure : facts.finalise()) {
    Finalise(*batch, failure, now, outbox);
  }
  if (facts.cancelled()) Close(*batch, true, facts.tasks(), now, outbox);
}

// R63: what stands in the ledger is not contradicted there, though it is not durable yet. Whoever
// asked asks again until there is an end.
void Ledger::Finalise(Batch& batch, const pb::AttemptFailure& failure, Instant now,
                      Outbox& outbox) {
  if (batch.closing || batch.fold.IsTerminal(failure.task())) return;
  if (commit_.HoldsOk(batch.fold.batch(), failure.task())) return;
  if (!batch.finalising.insert(failure.task()).second) return;
  counts_.Add("R63");
  pb::LedgerRecord record;
  *record.mutable_final_failed() = failure;
  record.mutable_final_failed()->set_batch(batch.fold.batch());
  commit_.WriteRecord(batch.fold.batch(), std::move(record), now, outbox);
}

// R77. `tasks`: how many the batch has, as far as anybody knows.
void Ledger::Close(Batch& batch, bool cancelled, uint64_t tasks, Instant now, Outbox& outbox) {
  if (batch.fold.closed() || std::exchange(batch.closing, true)) return;
  counts_.Add("R77");
  pb::LedgerRecord record;
  pb::BatchClosed& closed = *record.mutable_closed();
  closed = batch.fold.Closed();
  closed.set_cancelled(cancelled);
  closed.set_cancelled_tasks(tasks - std::min(tasks, batch.fold.terminal()));
  commit_.WriteRecord(batch.fold.batch(), std::move(record), now, outbox);
}

// ---- Durable ------------------------------------------------------------------------------------

void Ledger::OnRecovered(Instant now, const JournalRecovered& page, Outbox& outbox) {
  if (phase_ != Phase::kRecovering) return counts_.Add("unexpected");
  for (const JournalRow& row : page.rows) {
    commit_.Recovered(row.sequence);
    const std::optional<LedgerRow> parsed = ParseRow(row, now);
    if (parsed.has_value()) {
      Apply(*parsed, now);
      if (Batch* batch = batches_.Find(row.batch)) batch->bytes += row.bytes.bytes.size();
      continue;
    }
    counts_.Add("bad_row");
    notices_.push_back("row " + std::to_string(row.sequence) +
                       " of the ledger cannot be read and is passed over: its tasks run again");
  }
  if (!page.last) return;
  phase_ = Phase::kServing;
  KeepNewest(outbox);
  for (const uint32_t number : touched_) {
    if (Batch* batch = batches_.Find(number)) batch->recovered = true;
  }
  CloseComplete(now, outbox);
}

void Ledger::OnDurable(Instant now, uint64_t through, Outbox& outbox) {
  while (const std::optional<LedgerRow> row = commit_.TakeDurable(through)) Apply(*row, now);
  CloseComplete(now, outbox);
  KeepNewest(outbox);
  MakeRoom(journal_room_max_ / kLowRoomPart, 1, outbox);
  acks_.Flush(member_.identity(), commit_.durable(), RoomBytes(), outbox);
  AnswerAskers(outbox);
  reads_.Advance(SceneNow(now, outbox));
}

void Ledger::CloseComplete(Instant now, Outbox& outbox) {
  for (const uint32_t number : std::exchange(touched_, {})) {
    Batch& batch = *batches_.Find(number);
    if (batch.fold.IsComplete()) Close(batch, false, 0, now, outbox);
  }
}

void Ledger::Apply(const LedgerRow& row, Instant now) {
  if (row.record != nullptr && row.record->has_ventilator_epoch()) {
    ventilator_epoch_ = std::max(ventilator_epoch_, row.record->ventilator_epoch());
    return;
  }
  Batch* batch = batches_.Make(row.batch);
  if (batch == nullptr) return counts_.Add("stray_batch");
  if (batch->forgotten) return;  // it came before that was decided
  touched_.insert(row.batch);
  if (!batch->begun && (row.record == nullptr || row.record->has_opened())) {
    batch->begun = true;
    batch->begun_at = member_.newest();
    begun_.insert(row.batch);
  }
  if (row.record != nullptr) {
    ApplyRecord(*batch, row, now);
  } else if (row.envelope->has_results()) {
    ApplyResults(*batch, row, now);
  } else {
    ApplyPart(*batch, row);
  }
}

void Ledger::ApplyPart(Batch& batch, const LedgerRow& row) {
  const pb::OutputPart& part = row.envelope->output();
  batch.arriving.erase(PartKey(part));
  if (!batch.fold.ApplyPart(row.sequence, part)) counts_.Add("stray_part");
}

void Ledger::ApplyResults(Batch& batch, const LedgerRow& row, Instant now) {
  const pb::ResultChunk& chunk = row.envelope->results();
  BatchFold::Applied applied = batch.fold.ApplyResults(row.sequence, chunk, now);
  if (phase_ == Phase::kRecovering) return;
  if (!applied.counts) return counts_.Add("R64");
  if (applied.late > 0) counts_.Add("R61"), counts_.Add("late", applied.late);
  if (applied.late == chunk.tasks().count()) counts_.Add("R60");
  if (!applied.failed.empty()) counts_.Add("R62");
  if (!chunk.whole()) counts_.Add("R67");
  if (ack_link_.connected()) acks_.Chunk(chunk, std::move(applied.failed));
}

void Ledger::ApplyRecord(Batch& batch, const LedgerRow& row, Instant now) {
  const pb::LedgerRecord& record = *row.record;
  switch (record.fact_case()) {
    case pb::LedgerRecord::kOpened:
      batch.opening = false;
      return batch.fold.Open(row.arrived);
    case pb::LedgerRecord::kSealed:
      batch.sealing = false;
      return batch.fold.Seal(record.sealed().tasks());
    case pb::LedgerRecord::kFinalFailed:
      batch.finalising.erase(record.final_failed().task());
      batch.fold.ApplyFinalFailed(row.sequence, record.final_failed(), now);
      return;
    case pb::LedgerRecord::kClosed:
      batch.closing = false;
      if (!batch.fold.closed()) ended_.push_back(row.batch);
      batch.fold.ApplyClosed(record.closed(), now);
      if (ack_link_.connected() && phase_ != Phase::kRecovering) {
        acks_.Closed(batch.fold.Closed());
      }
      return;
    default:
      return;
  }
}

}  // namespace fanmill
