#include "sink/batch_fold.h"

#include <algorithm>
#include <optional>

#include "lib/core/check.h"
#include "lib/core/task_set.h"
#include "sink/result_columns.h"

namespace fanmill {

void BatchFold::StartClock(Instant at) {
  if (clock_runs_) return;
  clock_runs_ = true;
  started_at_ = ended_at_ = at;
}

void BatchFold::EndAt(uint64_t sequence, Instant now) {
  last_terminal_row_ = sequence;
  ended_at_ = now;
}

// R78
void BatchFold::Open(Instant arrived) {
  opened_ = true;
  StartClock(arrived);
}

void BatchFold::Seal(uint64_t tasks) {
  if (sealed_) return;
  sealed_ = true;
  tasks_ = tasks;
}

void BatchFold::ClockIs(Instant started, Instant ended) {
  StartClock(started);
  started_at_ = std::min(started_at_, started);
  if (closed_) ended_at_ = std::max(started_at_, std::min(ended_at_, ended));
}

BatchFold::Applied BatchFold::ApplyResults(uint64_t sequence, const pb::ResultChunk& chunk,
                                           Instant now) {
  Applied applied;
  if (!parts_.Claim(sequence, chunk, [this](uint64_t task) { return IsOpen(task); })) {  // R64
    SkipAll(sequence);
    applied.counts = false;
    return applied;
  }
  StartClock(now);
  if (ApplyPlain(sequence, chunk, now)) return applied;
  std::vector<uint64_t> late;
  const uint64_t terminal_before = terminal();
  ForEachTask(chunk.tasks(), [&](uint64_t index, uint64_t task) {
    if (!ApplyTask(sequence, chunk, index, task)) {
      late.push_back(index);
      parts_.Unclaim(sequence, task, chunk.chunk());
    }
    TellFailed(chunk, index, task, applied);
  });
  if (terminal() > terminal_before) EndAt(sequence, now);
  applied.late = late.size();
  late_ += late.size();
  if (late.size() == chunk.tasks().count()) late.clear();
  if (applied.late > 0) skipped_[sequence] = std::move(late);
  return applied;
}

// The usual chunk, a run of tasks that are all OK and all news, costs no step per task. False: it
// is not of that kind, and nothing was changed.
bool BatchFold::ApplyPlain(uint64_t sequence, const pb::ResultChunk& chunk, Instant now) {
  const uint64_t begin = chunk.tasks().first();
  const uint64_t end = begin + chunk.tasks().count();
  if (closed_ || chunk.status_size() != 0 || !parts_.empty() || !IsContiguous(chunk.tasks()) ||
      failed_.count() != 0 || ok_.CountRange(begin, end) != 0) {
    return false;
  }
  ok_.SetRange(begin, end);
  attempts_.Erase(begin, end);
  if (chunk.run_us_size() <= 1) {
    totals_.Add(chunk.worker(), RunAt(chunk, 0), end - begin);
  } else {
    for (const uint64_t run_us : chunk.run_us()) totals_.Add(chunk.worker(), run_us);
  }
  EndAt(sequence, now);
  return true;
}

// False: the task had its end before.
bool BatchFold::ApplyTask(uint64_t sequence, const pb::ResultChunk& chunk, uint64_t index,
                          uint64_t task) {
  if (!IsOpen(task)) return false;
  const uint64_t run_us = RunAt(chunk, index);
  if (StatusAt(chunk, index) != pb::OK) {  // R62
    const FailedAttempts::Key key{task, ChunkEpoch(chunk.chunk()), AttemptAt(chunk, index)};
    const bool fresh = attempts_.Add(key, {.status = StatusAt(chunk, index),
                                           .code = CodeAt(chunk, index),
                                           .worker = chunk.worker(),
                                           .run_us = run_us,
                                           .chunk = chunk.chunk(),
                                           .sequence = sequence,
                                           .index = static_cast<uint32_t>(index)});
    if (fresh) totals_.AddFailed(chunk.worker(), run_us);
    return true;
  }
  ok_.Set(task);
  totals_.Add(chunk.worker(), run_us);
  attempts_.Erase(task, task + 1);
  parts_.KeepOnly(task, chunk.chunk());
  return true;
}

// An ack says that all its tasks are ok but for these.
void BatchFold::TellFailed(const pb::ResultChunk& chunk, uint64_t index, uint64_t task,
                           Applied& applied) {
  if (ok_.Test(task)) return;
  pb::AttemptFailure failure;
  failure.set_batch(batch_);
  failure.set_task(task);
  failure.set_epoch(ChunkEpoch(chunk.chunk()));
  failure.set_attempt(AttemptAt(chunk, index));
  failure.set_status(StatusAt(chunk, index));
  failure.set_code(CodeAt(chunk, index));
  if (failure.status() == pb::OK) {
    if (!failed_.Test(task)) return;  // late in a cancelled batch: neither
    FailedAttempts::Key key;
    const FailedAttempt* known = attempts_.FirstOf(task, &key);
    failure.set_status(known == nullptr ? pb::LOST : known->status);
    failure.set_code(known == nullptr ? 0 : known->code);
  }
  applied.failed.push_back(std::move(failure));
}

void BatchFold::ApplyFinalFailed(uint64_t sequence, const pb::AttemptFailure& failure,
                                 Instant now) {
  const uint64_t task = failure.task();
  if (!IsOpen(task)) return SkipAll(sequence);  // R63
  StartClock(now);
  failed_.Set(task);
  const FailedAttempts::Key key{task, failure.epoch(), failure.attempt()};
  const FailedAttempt* known = attempts_.Find(key);
  if (known != nullptr) {
    totals_.Add(known->worker, known->run_us);
    totals_.TakeBackFailed(known->worker, known->run_us);
  }
  parts_.KeepOnly(task, known == nullptr ? 0 : known->chunk);
  attempts_.KeepOnly(key);
  EndAt(sequence, now);
}

// R77
void BatchFold::ApplyClosed(const pb::BatchClosed& closed, Instant now) {
  if (closed_) return;
  const uint64_t total =
      sealed_ ? tasks_ : closed.ok() + closed.failed() + closed.cancelled_tasks();
  closed_ = true;
  cancelled_ = closed.cancelled();
  cancelled_tasks_ = total - std::min(total, terminal());
  StartClock(now);
  if (cancelled_ || terminal() == 0) ended_at_ = now;
}

void BatchFold::Shed() {
  FANMILL_CHECK(closed_, "only what has ended is forgotten");
  ok_.Shed();
  failed_.Shed();
  attempts_ = {};
  parts_ = {};
  skipped_ = {};
}

pb::BatchClosed BatchFold::Closed() const {
  pb::BatchClosed closed;
  closed.set_batch(batch_);
  closed.set_cancelled(cancelled_);
  closed.set_ok(ok_.count());
  closed.set_failed(failed_.count());
  closed.set_cancelled_tasks(cancelled_tasks_);
  return closed;
}

pb::BatchSummary BatchFold::Summary(Instant now) const {
  pb::BatchSummary summary;
  summary.set_batch(batch_);
  summary.set_known(true);
  summary.set_opened(opened_);
  summary.set_closed(closed_);
  summary.set_cancelled(cancelled_);
  summary.set_tasks(tasks_);
  summary.set_ok(ok_.count());
  summary.set_failed(failed_.count());
  summary.set_cancelled_tasks(cancelled_tasks_);
  summary.set_late(late_);
  if (clock_runs_) {
    const Instant end = closed_ ? ended_at_ : now;
    summary.set_elapsed_us(static_cast<uint64_t>((end - started_at_).count()));
    summary.set_end_age_us(static_cast<uint64_t>((now - ended_at_).count()));
  }
  totals_.Pack(summary);
  return summary;
}

bool BatchFold::IsFirst(uint64_t sequence, uint64_t index) const {
  const auto skipped = skipped_.find(sequence);
  if (skipped == skipped_.end()) return true;
  const std::vector<uint64_t>& indexes = skipped->second;
  return !indexes.empty() && !std::binary_search(indexes.begin(), indexes.end(), index);
}

void BatchFold::CheckInvariants() const {
  for (uint64_t task = failed_.NextSet(0); task != SparseBitmap::kNone;
       task = failed_.NextSet(task + 1)) {
    FANMILL_CHECK(!ok_.Test(task), "a task has one end");
  }
  FANMILL_CHECK(!closed_ || cancelled_ || IsComplete(), "done only when all tasks have their end");
  FANMILL_CHECK(started_at_ <= ended_at_, "a batch ends after it started");
}

}  // namespace fanmill
