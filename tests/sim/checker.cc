#include "tests/sim/checker.h"

#include <algorithm>

#include "lib/core/names.h"

namespace fanmill::sim {
namespace {

constexpr size_t kFailuresMax = 20;

std::string Text(uint32_t plan_index, const std::string& what) {
  return "plan " + std::to_string(plan_index) + ": " + what;
}

}  // namespace

void Checker::Fail(const std::string& what) {
  if (failures_.size() < kFailuresMax) failures_.push_back(what);
}

// ---- Workers -----------------------------------------------------------------------------------

void Checker::OnTaskStarts(uint64_t incarnation, uint32_t batch, uint32_t plan_index,
                           uint64_t task) {
  Seen& seen = seen_[plan_index];
  ++seen.starts[task];
  if (!started_.contains(batch)) Fail(Text(plan_index, "a task ran before START was durable"));
  if (plan_.batches[plan_index].hold && !seen.start_asked) {
    Fail(Text(plan_index, "a task of a held batch ran, though nobody asked for its start"));
  }
  if (receipts_.contains({incarnation, batch}) || receipts_.contains({incarnation, 0})) {
    Fail(Text(plan_index, "a task started after its worker's receipt"));
  }
}

void Checker::OnRuns(uint64_t incarnation, uint32_t batch, int more) {
  running_[{incarnation, batch}] += more;
}

void Checker::OnReceipt(uint64_t incarnation, uint32_t batch) {
  if (!receipts_.emplace(incarnation, batch).second) return;
  coverage_.Count(batch == 0 ? "seen.receipt_of_all" : "seen.receipt");
  for (const auto& [at, tasks] : running_) {
    if (at.first != incarnation || (batch != 0 && at.second != batch) || tasks == 0) continue;
    Fail("a worker gave its receipt while " + std::to_string(tasks) + " tasks of batch " +
         std::to_string(at.second) + " ran");
  }
}

void Checker::OnLeft(uint64_t incarnation) {
  for (const auto& [at, tasks] : running_) {
    if (at.first == incarnation && tasks != 0) Fail("a worker left while tasks of it ran");
  }
}

void Checker::OnDied(uint64_t incarnation) {
  std::erase_if(running_, [&](const auto& entry) { return entry.first.first == incarnation; });
}

// ---- Controller and clients --------------------------------------------------------------------

void Checker::OnStartDurable(uint32_t batch) { started_.insert(batch); }

void Checker::OnBatchIs(uint32_t batch, uint32_t plan_index) {
  Seen& seen = seen_[plan_index];
  if (seen.batch.has_value() && *seen.batch != batch) {
    Fail(Text(plan_index, "one token got two batches"));
  }
  seen.batch = batch;
  const auto [entry, fresh] = plan_of_.emplace(batch, plan_index);
  const bool lost = plan_.batches[plan_index].may_be_lost;  // its number is given again
  if (!fresh && entry->second != plan_index && !lost)
    Fail(Text(plan_index, "two tokens got one batch"));
}

void Checker::OnStartAsked(uint32_t plan_index) { seen_[plan_index].start_asked = true; }

void Checker::OnCancelAsked(uint32_t plan_index) { seen_[plan_index].cancel_asked = true; }

void Checker::OnAppendAcked(uint32_t plan_index, uint64_t tasks) {
  Seen& seen = seen_[plan_index];
  const bool may_be_lost = plan_.batches[plan_index].may_be_lost;
  if (tasks < seen.accepted && !may_be_lost)
    Fail(Text(plan_index, "acknowledged tasks were forgotten"));
  if (tasks > plan_.batches[plan_index].tasks) Fail(Text(plan_index, "more tasks than were sent"));
  seen.accepted = tasks;
}

void Checker::OnState(uint32_t plan_index, const v1::BatchState& state) {
  Seen& seen = seen_[plan_index];
  if (seen.started && !state.started() && !state.ended())
    Fail(Text(plan_index, "a started batch is not any more"));
  if (IsEnd(seen.phase) && state.phase() != seen.phase) {  // R97
    Fail(Text(plan_index, "ended as " + v1::BatchPhase_Name(seen.phase) + " and then became " +
                              v1::BatchPhase_Name(state.phase())));
  }
  if (state.phase() != seen.phase) {
    coverage_.Count("seen." + v1::BatchPhase_Name(seen.phase) + "_to_" +
                    v1::BatchPhase_Name(state.phase()));
  }
  seen.started = seen.started || state.started();
  seen.phase = state.phase();
}

void Checker::OnRow(uint32_t plan_index, const v1::TerminalRow& row) {
  Seen& seen = seen_[plan_index];
  if (row.part()) {
    seen.large[row.task()] += row.bytes().size();
    return;
  }
  const bool again = !seen.terminal.emplace(row.task(), row).second;
  if (again && !plan_.batches[plan_index].may_be_lost) {
    Fail(Text(plan_index, "task " + std::to_string(row.task()) + " has two terminal results"));
  }
  seen.order.push_back(row.task());
  CheckRow(plan_index, seen, row);
}

void Checker::CheckRow(uint32_t plan_index, const Seen& seen, const v1::TerminalRow& row) {
  const BatchPlan& plan = plan_.batches[plan_index];
  const std::string task = "task " + std::to_string(row.task());
  if (row.task() >= plan.tasks) return Fail(Text(plan_index, task + " does not exist"));
  const auto starts = seen.starts.find(row.task());
  if (starts == seen.starts.end()) {
    return Fail(Text(plan_index, task + " has a result but never ran"));
  }
  switch (row.status()) {
    case v1::OK:
      return CheckOkRow(plan_index, seen, row);
    case v1::LOST:
      if (starts->second < 3) {
        Fail(Text(plan_index, task + " was quarantined after fewer than three starts"));
      }
      coverage_.Count("seen.quarantine");
      return;
    case v1::FAILED: {
      const Fate fate = plan.FateOf(row.task());
      if (fate == Fate::kOk || fate == Fate::kPoison) {
        Fail(Text(plan_index, task + " does not fail, yet it failed"));
      }
      const bool tried_again = fate != Fate::kFails || !plan.hopeless;  // R107
      if (tried_again && starts->second <= plan.retries) {
        Fail(Text(plan_index, task + " failed for good with retries left"));
      }
      coverage_.Count("seen.final_failed");
      return;
    }
    default:
      Fail(Text(plan_index, task + " ended as " + v1::Status_Name(row.status())));
  }
}

void Checker::CheckOkRow(uint32_t plan_index, const Seen& seen, const v1::TerminalRow& row) {
  const BatchPlan& plan = plan_.batches[plan_index];
  const std::string task = "task " + std::to_string(row.task());
  const Fate fate = plan.FateOf(row.task());
  if (fate == Fate::kFails) Fail(Text(plan_index, task + " fails, yet its result is OK"));
  if (fate == Fate::kPoison) Fail(Text(plan_index, task + " is poison, yet its result is OK"));
  if (plan.plain) return;
  if (row.value() != plan.Payload(row.task())) {
    Fail(Text(plan_index, task + " has the value of another: " + row.value()));
  }
  const auto large = seen.large.find(row.task());
  const uint64_t got = (large == seen.large.end() ? 0 : large->second) + row.stdout_bytes().size();
  if (got != plan.LargeBytes(row.task())) {
    Fail(Text(plan_index, task + " has " + std::to_string(got) + " bytes of output, not " +
                              std::to_string(plan.LargeBytes(row.task()))));
  }
}

// What was read once is there for ever, in the same order.
void Checker::OnRowAgain(uint32_t plan_index, size_t number, const v1::TerminalRow& row) {
  const Seen& seen = seen_[plan_index];
  if (plan_.batches[plan_index].may_be_lost) return;
  if (number >= seen.order.size() || seen.order[number] != row.task() ||
      seen.terminal.at(row.task()).status() != row.status() ||
      seen.terminal.at(row.task()).value() != row.value()) {
    Fail(Text(plan_index, "result " + std::to_string(number) + " is another when read again"));
  }
}

void Checker::OnAllRowsAgain(uint32_t plan_index, size_t rows) {
  if (rows != seen_[plan_index].order.size() && !plan_.batches[plan_index].may_be_lost) {
    Fail(Text(plan_index, "results are missing when read again"));
  }
}

void Checker::OnClosed(uint32_t plan_index, const v1::BatchClosed& closed) {
  Seen& seen = seen_[plan_index];
  if (seen.closed.has_value()) {
    const bool same = seen.closed->SerializeAsString() == closed.SerializeAsString();
    if (!same && !plan_.batches[plan_index].may_be_lost)
      Fail(Text(plan_index, "closed twice, and differently"));
    return;
  }
  seen.closed = closed;
  coverage_.Count(closed.cancelled() ? "seen.cancelled" : "seen.done");
}

void Checker::OnLost(uint32_t plan_index) {
  if (!plan_.batches[plan_index].may_be_lost) Fail(Text(plan_index, "is known to nobody"));
  seen_[plan_index].lost = true;
  coverage_.Count("seen.lost");
}

// R68: results go when the ledger is full, but only of what has ended.
void Checker::OnForgotten(uint32_t plan_index) {
  Seen& seen = seen_[plan_index];
  if (plan_.sink_disk == 0) Fail(Text(plan_index, "its results were dropped though there is room"));
  if (seen.forgotten) return;
  seen.forgotten = true;
  coverage_.Count("seen.forgotten_results");
}

void Checker::OnReport(uint32_t plan_index, const v1::BatchReport& report) {
  Seen& seen = seen_[plan_index];
  seen.report = report;
  const v1::BatchSummary& summary = report.summary();
  if (!seen.closed.has_value()) {  // forgotten before its reader saw the end
    seen.closed.emplace();
    seen.closed->set_ok(summary.ok());
    seen.closed->set_failed(summary.failed());
    seen.closed->set_cancelled(summary.cancelled());
  }
  const bool may_be_lost = plan_.batches[plan_index].may_be_lost;
  if (may_be_lost && summary.cancelled()) coverage_.Count("seen.given_up");
  if (may_be_lost) return;
  if (summary.ok() != seen.closed->ok() || summary.failed() != seen.closed->failed()) {
    Fail(Text(plan_index, "its report counts otherwise than its end"));
  }
  uint64_t tasks = 0;
  for (const v1::WorkerReport& worker : report.workers()) {
    tasks += worker.tasks();
    CheckAccount(plan_index, worker);
  }
  if (tasks > summary.ok() + summary.failed()) {
    Fail(Text(plan_index, "its workers did more tasks than it has"));
  }
  if (report.complete()) coverage_.Count("seen.complete_report");
}

// Every slot is at each moment in exactly one state.
void Checker::CheckAccount(uint32_t plan_index, const v1::WorkerReport& worker) {
  const v1::SlotAccount& a = worker.account();
  const uint64_t parts = a.run_us() + a.retrying_us() + a.other_us() + a.starting_us() +
                         a.transferring_us() + a.waiting_us() + a.tail_us() + a.draining_us() +
                         a.stopped_us() + a.backing_off_us();
  if (parts == a.slots() * a.window_us()) return;
  Fail(Text(plan_index, "the parts of worker " + std::to_string(worker.number()) +
                            "'s slot account are " + std::to_string(parts) + " us, not " +
                            std::to_string(a.slots() * a.window_us())));
}

// ---- The end -----------------------------------------------------------------------------------

void Checker::CheckEnd() {
  for (const BatchPlan& plan : plan_.batches) {
    const auto seen = seen_.find(plan.index);
    if (seen != seen_.end() && seen->second.lost) continue;
    if (seen == seen_.end() || !seen->second.closed.has_value()) {
      if (!plan_.midway()) Fail(Text(plan.index, "never ended"));
      continue;
    }
    if (!seen->second.report.has_value() && !plan_.midway()) {
      Fail(Text(plan.index, "has no report"));
    }
    CheckTotals(plan.index, seen->second);
  }
}

void Checker::CheckTotals(uint32_t plan_index, const Seen& seen) {
  const BatchPlan& plan = plan_.batches[plan_index];
  const v1::BatchClosed& closed = *seen.closed;
  if (plan.may_be_lost) return;
  uint64_t ok = 0;
  for (const auto& [task, row] : seen.terminal) ok += row.status() == v1::OK ? 1 : 0;
  const uint64_t failed = seen.terminal.size() - ok;
  if (seen.forgotten) {
    if (!closed.cancelled() && closed.ok() + closed.failed() != plan.tasks) {
      Fail(Text(plan_index, "ended, was forgotten, and has not as many results as tasks"));
    }
    return;
  }
  if (closed.ok() != ok || closed.failed() != failed) {
    Fail(Text(plan_index, "closed with " + std::to_string(closed.ok()) + " ok and " +
                              std::to_string(closed.failed()) + " failed, but its results are " +
                              std::to_string(ok) + " and " + std::to_string(failed)));
  }
  if (closed.cancelled()) {
    if (!seen.cancel_asked) Fail(Text(plan_index, "cancelled, though nobody asked"));
    return;
  }
  if (seen.terminal.size() != plan.tasks) {
    Fail(Text(plan_index, "ended with " + std::to_string(seen.terminal.size()) + " of " +
                              std::to_string(plan.tasks) + " results"));
  }
}

void Checker::CheckFaultFree(uint64_t redeliveries) {
  // What a worker forgets of a cancelled batch looks lost until the ventilator hears of the cancel.
  const bool cancels = std::any_of(seen_.begin(), seen_.end(),
                                   [](const auto& entry) { return entry.second.cancel_asked; });
  if (redeliveries != 0 && !cancels) {
    Fail("without a fault there were " + std::to_string(redeliveries) + " redeliveries");
  }
  for (const auto& [plan_index, seen] : seen_) {
    const BatchPlan& plan = plan_.batches[plan_index];
    if (seen.cancel_asked || plan_.midway()) continue;
    if (seen.report.has_value() && !seen.report->complete()) {
      Fail(Text(plan_index, "without a fault its report is not complete"));
    }
    for (const auto& [task, times] : seen.starts) {
      const Fate fate = plan.FateOf(task);
      const bool once = fate == Fate::kOk || (fate == Fate::kFails && plan.hopeless);
      if (once && times != 1) {
        Fail(Text(plan_index, "without a fault task " + std::to_string(task) + " ran " +
                                  std::to_string(times) + " times"));
      }
    }
  }
}

}  // namespace fanmill::sim
