#include "tests/sim/checker.h"

namespace fanmill::sim {
namespace {

std::string Text(uint32_t plan_index, const std::string& what) {
  return "plan " + std::to_string(plan_index) + ": " + what;
}

}  // namespace

void Checker::Fail(const std::string& what) {
  if (failures_.size() < 20) failures_.push_back(what);
}

void Checker::OnBatchIs(uint32_t batch, uint32_t plan_index) {
  Seen& seen = seen_[plan_index];
  if (seen.batch.has_value() && *seen.batch != batch) {
    Fail(Text(plan_index, "one token got two batches"));
  }
  seen.batch = batch;
  const auto [entry, fresh] = plan_of_.emplace(batch, plan_index);
  if (!fresh && entry->second != plan_index) Fail(Text(plan_index, "two tokens got one batch"));
}

void Checker::OnStartDurable(uint32_t batch) { started_.insert(batch); }

void Checker::OnTaskStarts(uint64_t incarnation, uint32_t batch, const std::string& name,
                           uint64_t task) {
  const uint32_t plan_index = static_cast<uint32_t>(std::stoul(name.substr(5)));
  ++seen_[plan_index].starts[task];
  if (!started_.contains(batch)) Fail(Text(plan_index, "a task ran before START was durable"));
  if (receipts_.contains({incarnation, batch}) || receipts_.contains({incarnation, 0})) {
    Fail(Text(plan_index, "a task started after its worker's receipt"));
  }
}

void Checker::OnReceipt(uint64_t incarnation, uint32_t batch) {
  if (receipts_.emplace(incarnation, batch).second) coverage_.Count("seen.receipt");
}

void Checker::OnAppendAcked(uint32_t plan_index, uint64_t tasks) {
  Seen& seen = seen_[plan_index];
  if (tasks < seen.accepted) Fail(Text(plan_index, "acknowledged tasks were forgotten"));
  seen.accepted = tasks;
}

void Checker::OnCancelAsked(uint32_t plan_index) { seen_[plan_index].cancel_asked = true; }

void Checker::OnRow(uint32_t plan_index, const v1::TerminalRow& row) {
  Seen& seen = seen_[plan_index];
  if (row.part()) {
    seen.large[row.task()] += row.bytes();
    return;
  }
  if (!seen.terminal.emplace(row.task(), row).second) {
    Fail(Text(plan_index, "task " + std::to_string(row.task()) + " has two terminal results"));
  }
  CheckRow(plan_index, seen, row);
}

void Checker::CheckRow(uint32_t plan_index, const Seen& seen, const v1::TerminalRow& row) {
  const BatchPlan& plan = plan_.batches[plan_index];
  const std::string task = "task " + std::to_string(row.task());
  if (row.task() >= plan.tasks) return Fail(Text(plan_index, task + " does not exist"));
  const Fate fate = plan.FateOf(row.task());
  const auto starts = seen.starts.find(row.task());
  if (starts == seen.starts.end()) Fail(Text(plan_index, task + " has a result but never ran"));
  if (row.status() == v1::OK) {
    if (fate == Fate::kFails) Fail(Text(plan_index, task + " fails, yet its result is OK"));
    if (fate == Fate::kPoison) Fail(Text(plan_index, task + " is poison, yet its result is OK"));
    if (!plan.plain && row.value() != plan.Payload(row.task())) {
      Fail(Text(plan_index, task + " has the value of another: " + row.value()));
    }
    const auto large = seen.large.find(row.task());
    const uint64_t got =
        (large == seen.large.end() ? 0 : large->second.size()) + row.stdout_bytes().size();
    if (!plan.plain && got != plan.LargeBytes(row.task())) {
      Fail(Text(plan_index, task + " has " + std::to_string(got) + " bytes of large output"));
    }
  } else if (row.status() == v1::LOST) {
    if (starts != seen.starts.end() && starts->second < 3) {
      Fail(Text(plan_index, task + " was quarantined after fewer than three starts"));
    }
    coverage_.Count("seen.quarantine");
  } else if (row.status() == v1::FAILED) {
    if (fate == Fate::kOk) Fail(Text(plan_index, task + " is fine, yet it failed"));
    coverage_.Count("seen.final_failed");
  } else {
    Fail(Text(plan_index, task + " ended with status " + std::to_string(row.status())));
  }
}

void Checker::OnClosed(uint32_t plan_index, const v1::BatchClosed& closed) {
  Seen& seen = seen_[plan_index];
  seen.closed = closed;
  if (closed.cancelled()) coverage_.Count("seen.cancelled");
}

bool Checker::AllClosed() const {
  for (const BatchPlan& plan : plan_.batches) {
    const auto seen = seen_.find(plan.index);
    if (seen == seen_.end() || !seen->second.closed.has_value()) return false;
  }
  return true;
}

void Checker::CheckEnd() {
  for (const BatchPlan& plan : plan_.batches) {
    const auto seen = seen_.find(plan.index);
    if (seen == seen_.end() || !seen->second.closed.has_value()) {
      Fail(Text(plan.index, "never ended"));
      continue;
    }
    CheckTotals(plan.index, seen->second);
  }
}

void Checker::CheckTotals(uint32_t plan_index, const Seen& seen) {
  const BatchPlan& plan = plan_.batches[plan_index];
  const v1::BatchClosed& closed = *seen.closed;
  uint64_t ok = 0;
  for (const auto& [task, row] : seen.terminal) ok += row.status() == v1::OK ? 1 : 0;
  const uint64_t failed = seen.terminal.size() - ok;
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
  coverage_.Count("seen.done");
}

void Checker::CheckFaultFree(uint64_t redeliveries) {
  if (redeliveries != 0) {
    Fail("without a fault there were " + std::to_string(redeliveries) + " redeliveries");
  }
  for (const auto& [plan_index, seen] : seen_) {
    const BatchPlan& plan = plan_.batches[plan_index];
    if (seen.cancel_asked) continue;
    for (const auto& [task, times] : seen.starts) {
      const bool once = plan.FateOf(task) == Fate::kOk;
      if (once && times != 1) {
        Fail(Text(plan_index, "without a fault task " + std::to_string(task) + " ran " +
                                  std::to_string(times) + " times"));
      }
    }
  }
}

}  // namespace fanmill::sim
