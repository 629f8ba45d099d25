#include "lib/verify/ledger_check.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"
#include "lib/core/task_set.h"
#include "lib/core/validate.h"

namespace fanmill::verify {
namespace {

void Tell(Rule rule, const Row& row, std::optional<uint64_t> task, std::string what,
          Findings& findings) {
  findings.Add({.rule = rule,
                .file = File::kLedger,
                .row = row.sequence,
                .batch = row.batch,
                .task = task,
                .what = std::move(what)});
}

const char* StreamName(uint32_t stream) { return stream == 1 ? "stdout" : "stderr"; }

// Why it is no message of results; null: it is one.
const char* WhyUnreadable(const Row& row, pb::Envelope& envelope) {
  if (!envelope.ParseFromArray(row.bytes.data(), static_cast<int>(row.bytes.size()))) {
    return "its bytes are no message";
  }
  if (envelope.has_results()) {
    if (envelope.results().batch() != row.batch) return "it has results of another batch";
    return WhyInvalid(envelope.results());
  }
  if (!envelope.has_output()) return "it is a message that no ledger keeps";
  if (envelope.output().batch() != row.batch) return "it has an output of another batch";
  return WhyInvalid(envelope.output());
}

// Why it is no record of a sink; null: it is one.
const char* WhyUnreadable(const Row& row, pb::LedgerRecord& record) {
  if (!record.ParseFromArray(row.bytes.data(), static_cast<int>(row.bytes.size()))) {
    return "its bytes are no record";
  }
  uint32_t batch = 0;
  switch (record.fact_case()) {
    case pb::LedgerRecord::kVentilatorEpoch:
      break;
    case pb::LedgerRecord::kOpened:
      batch = record.opened().batch();
      break;
    case pb::LedgerRecord::kSealed:
      batch = record.sealed().batch();
      break;
    case pb::LedgerRecord::kClosed:
      batch = record.closed().batch();
      break;
    case pb::LedgerRecord::kFinalFailed:
      if (const char* why = WhyInvalid(record.final_failed())) return why;
      batch = record.final_failed().batch();
      break;
    default:
      return "it tells of nothing that this version knows";
  }
  return batch == row.batch ? nullptr : "it is a record of another batch";
}

pb::Status StatusOf(const pb::ResultChunk& chunk, uint64_t index) {
  return chunk.status().empty() ? pb::OK : chunk.status(static_cast<int>(index));
}

std::string Counts(uint64_t ok, uint64_t failed) {
  return absl::StrCat(ok, " ok and ", failed, " failed");
}

}  // namespace

const LedgerBatch* LedgerCheck::Find(uint32_t batch) const {
  const auto found = batches_.find(batch);
  return found == batches_.end() ? nullptr : &found->second.told;
}

void LedgerCheck::Take(const Row& row, Findings& findings) {
  if (!wanted_.Has(row.batch) && row.batch != 0) return;
  const char* why = row.is_frame ? WhyUnreadable(row, envelope_) : WhyUnreadable(row, record_);
  if (why != nullptr) return Tell(Rule::kUnreadable, row, {}, why, findings);
  if (row.batch == 0) return;  // a ventilator's epoch
  if (row.is_frame) {
    TakeFrame(row, findings);
  } else {
    TakeRecord(row, findings);
  }
}

void LedgerCheck::TakeFrame(const Row& row, Findings& findings) {
  Batch& batch = batches_[row.batch];
  if (envelope_.has_results()) {
    Results(row, batch, findings);
  } else if (!IsStray(row, batch, envelope_.output().task(), findings)) {
    Part(batch);
  }
}

void LedgerCheck::TakeRecord(const Row& row, Findings& findings) {
  Batch& batch = batches_[row.batch];
  switch (record_.fact_case()) {
    case pb::LedgerRecord::kOpened:
      batch.told.opened = true;
      return;
    case pb::LedgerRecord::kSealed:
      return Seal(row, batch, findings);
    case pb::LedgerRecord::kFinalFailed:
      return FinalFailed(row, batch, findings);
    case pb::LedgerRecord::kClosed:
      return Close(row, batch, findings);
    default:
      return;
  }
}

// ---- results ------------------------------------------------------------------------------------

// R61, R62, R64
void LedgerCheck::Results(const Row& row, Batch& batch, Findings& findings) const {
  const pb::ResultChunk& chunk = envelope_.results();
  if (batch.told.closed_row == 0 && !AllPartsAreThere(row, batch, findings)) return;
  ForEachTask(chunk.tasks(), [&](uint64_t index, uint64_t task) {
    if (IsStray(row, batch, task, findings)) return;
    if (batch.told.closed_row != 0 || batch.HasEnd(task)) {
      ++batch.told.late;
    } else if (StatusOf(chunk, index) == pb::OK) {
      End(batch, task, true);
    }
  });
}

void LedgerCheck::Part(Batch& batch) const {
  const pb::OutputPart& part = envelope_.output();
  if (batch.told.closed_row == 0 && !batch.HasEnd(part.task())) batch.open->parts.Add(part);
}

// While the manifest has the batch it says which tasks there are; after that the seal does, which
// may come later than results.
bool LedgerCheck::IsStray(const Row& row, Batch& batch, uint64_t task, Findings& findings) const {
  const ManifestBatch* appended = manifest_.Find(row.batch);
  std::optional<uint64_t> tasks = batch.told.sealed;
  if (appended != nullptr) tasks = appended->tasks;
  if (task >= tasks.value_or(kTasksPerBatchMax)) {
    Tell(Rule::kStray, row, task,
         absl::StrCat("there is no such task: ", tasks.value_or(kTasksPerBatchMax),
                      " were appended"),
         findings);
    return true;
  }
  if (task >= batch.highest) {
    batch.highest = task + 1;
    batch.highest_row = row.sequence;
  }
  return false;
}

// R64: whether the results count. Of a task that has its end no parts are needed.
bool LedgerCheck::AllPartsAreThere(const Row& row, Batch& batch, Findings& findings) const {
  const pb::ResultChunk& chunk = envelope_.results();
  Open& open = *batch.open;
  for (const pb::LargeOutput& large : chunk.large()) {
    if (batch.HasEnd(large.task())) continue;
    const std::optional<uint32_t> part = open.parts.FirstMissing(chunk.chunk(), large);
    if (!part.has_value()) continue;
    ForEachTask(chunk.tasks(), [&](uint64_t, uint64_t task) {
      if (batch.HasEnd(task)) return;
      open.incomplete[task] = {row.sequence, large.stream(), *part, large.parts()};
    });
    return false;
  }
  for (const pb::LargeOutput& large : chunk.large()) {
    if (batch.HasEnd(large.task()) || large.parts() == 0) continue;
    const uint64_t size = open.parts.Size(chunk.chunk(), large);
    if (size == large.size()) continue;
    Tell(Rule::kParts, row, large.task(),
         absl::StrCat("its ", StreamName(large.stream()), " has ", large.size(),
                      " bytes, and the parts of it ", size),
         findings);
  }
  return true;
}

void LedgerCheck::End(Batch& batch, uint64_t task, bool ok) const {
  Open& open = *batch.open;
  (ok ? open.ok : open.failed).Add(task);
  ++(ok ? batch.told.ok : batch.told.failed);
  open.parts.Forget(task);
  if (!open.incomplete.empty()) open.incomplete.erase(task);
}

// ---- records ------------------------------------------------------------------------------------

// R63
void LedgerCheck::FinalFailed(const Row& row, Batch& batch, Findings& findings) const {
  const uint64_t task = record_.final_failed().task();
  if (IsStray(row, batch, task, findings)) return;
  if (batch.told.closed_row != 0) {
    return Tell(
        Rule::kAfterClosed, row, task,
        absl::StrCat("FINAL_FAILED after row ", batch.told.closed_row, ", which closes the batch"),
        findings);
  }
  if (batch.HasEnd(task)) {
    return Tell(Rule::kFinalFailed, row, task,
                batch.open->ok.Has(task) ? "FINAL_FAILED, though it had ended OK before"
                                         : "FINAL_FAILED a second time",
                findings);
  }
  End(batch, task, false);
}

void LedgerCheck::Seal(const Row& row, Batch& batch, Findings& findings) const {
  const uint64_t tasks = record_.sealed().tasks();
  if (batch.told.sealed.has_value()) {
    if (tasks == *batch.told.sealed) return;
    return Tell(Rule::kSealed, row, {},
                absl::StrCat("it seals the batch at ", tasks, " tasks, and row ",
                             batch.told.seal_row, " did at ", *batch.told.sealed),
                findings);
  }
  batch.told.sealed = tasks;
  batch.told.seal_row = row.sequence;
  if (batch.highest <= tasks) return;
  Tell(Rule::kStray, row, batch.highest - 1,
       absl::StrCat("it seals the batch at ", tasks, " tasks, and row ", batch.highest_row,
                    " has a result of this one"),
       findings);
}

// R77
void LedgerCheck::Close(const Row& row, Batch& batch, Findings& findings) const {
  const pb::BatchClosed& closed = record_.closed();
  LedgerBatch& told = batch.told;
  if (told.closed_row != 0) {
    return Tell(Rule::kAfterClosed, row, {},
                absl::StrCat("CLOSED a second time, after row ", told.closed_row), findings);
  }
  told.closed_row = row.sequence;
  told.cancelled = closed.cancelled();
  told.tasks = told.sealed.value_or(closed.ok() + closed.failed() + closed.cancelled_tasks());
  const uint64_t before = findings.count();
  if (closed.cancelled()) {
    told.cancelled_tasks = told.tasks - std::min(told.tasks, told.ok + told.failed);
    CloseAsCancelled(row, batch, findings);
  } else {
    CloseAsDone(row, batch, findings);
  }
  told.disputed = findings.count() > before;
  batch.open.reset();
}

void LedgerCheck::CloseAsDone(const Row& row, const Batch& batch, Findings& findings) const {
  const pb::BatchClosed& closed = record_.closed();
  const LedgerBatch& told = batch.told;
  if (!told.sealed.has_value()) {
    Tell(Rule::kClosed, row, {}, "CLOSED as done, and no seal stands before it", findings);
  }
  if (told.ok + told.failed < told.tasks) return TellWithoutEnd(row, batch, findings);
  if (closed.ok() == told.ok && closed.failed() == told.failed && closed.cancelled_tasks() == 0) {
    return;
  }
  Tell(Rule::kClosed, row, {},
       absl::StrCat("CLOSED says ", Counts(closed.ok(), closed.failed()), " and ",
                    closed.cancelled_tasks(), " cancelled, and the rows before it give ",
                    Counts(told.ok, told.failed)),
       findings);
}

// Its numbers are of what was durable when the cancel came; rows that came in between count too.
void LedgerCheck::CloseAsCancelled(const Row& row, const Batch& batch, Findings& findings) const {
  const pb::BatchClosed& closed = record_.closed();
  const LedgerBatch& told = batch.told;
  const uint64_t sum = closed.ok() + closed.failed() + closed.cancelled_tasks();
  if (sum != told.tasks || told.ok + told.failed > told.tasks) {
    Tell(Rule::kClosed, row, {},
         absl::StrCat("CLOSED adds up to ", sum, " tasks, and the rows before it have a seal at ",
                      told.tasks, " and ", told.ok + told.failed, " ends"),
         findings);
  } else if (closed.ok() > told.ok || closed.failed() > told.failed) {
    Tell(Rule::kClosed, row, {},
         absl::StrCat("CLOSED says ", Counts(closed.ok(), closed.failed()),
                      ", and the rows before it give only ", Counts(told.ok, told.failed)),
         findings);
  }
}

void LedgerCheck::TellWithoutEnd(const Row& row, const Batch& batch, Findings& findings) const {
  const std::map<uint64_t, Incomplete>& incomplete = batch.open->incomplete;
  for (const auto& [task, result] : incomplete) {
    Tell(Rule::kParts, row, task,
         absl::StrCat("CLOSED as done, and the only result of this one, in row ", result.row,
                      ", has no part ", result.part + 1, " of ", result.parts, " of its ",
                      StreamName(result.stream)),
         findings);
  }
  const uint64_t without = batch.told.tasks - batch.told.ok - batch.told.failed;
  if (without <= incomplete.size()) return;
  uint64_t first = 0;
  while (batch.HasEnd(first) || incomplete.contains(first)) ++first;
  const uint64_t others = without - incomplete.size() - 1;
  Tell(
      Rule::kNoEnd, row, first,
      absl::StrCat("CLOSED as done, and this task",
                   others == 0 ? " has no end" : absl::StrCat(" and ", others, " more have no end"),
                   " before it"),
      findings);
}

}  // namespace fanmill::verify
