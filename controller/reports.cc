#include "controller/reports.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/names.h"

namespace fanmill::control {
namespace {

bool IsLive(const Membership& members, uint64_t incarnation) {
  const Member* member = members.Find(pb::WORKER, incarnation);
  return member != nullptr && member->live();
}

std::vector<pb::Member>::const_iterator Named(const std::vector<pb::Member>& members,
                                              uint64_t incarnation) {
  return std::find_if(members.begin(), members.end(), [incarnation](const pb::Member& member) {
    return member.incarnation() == incarnation;
  });
}

std::map<uint32_t, uint64_t> TasksByNumber(const pb::BatchSummary& summary) {
  std::map<uint32_t, uint64_t> tasks;
  for (const pb::WorkerTasks& worker : summary.workers()) {
    tasks[worker.number()] += worker.tasks();
  }
  return tasks;
}

// From START to the end, by the clock whose ages tell the workers of both. The sink's own starts
// only when it hears of the batch; when tasks are short, much of it may be over then.
uint64_t ElapsedUs(const Batch& batch) {
  const bool timed = batch.closed && batch.started && !batch.start_guessed;
  if (!timed || batch.end < batch.start) return batch.summary.elapsed_us();
  return static_cast<uint64_t>((batch.end - batch.start).count());
}

}  // namespace

pb::BatchProgress FinalProgress(pb::BatchProgress progress, const pb::BatchReport& report) {
  const pb::BatchSummary& summary = report.summary();
  progress.set_batch(report.batch());
  progress.set_name(report.name());
  progress.set_expected_us(report.expected_us());
  progress.set_outstanding(0);
  progress.set_closed(true);
  progress.set_cancelled(summary.cancelled());
  if (!summary.known()) return progress;
  if (summary.tasks() > 0) {
    progress.set_sealed(true);
    progress.set_tasks(summary.tasks());
  }
  progress.set_ok(summary.ok());
  progress.set_failed(summary.failed());
  progress.set_cancelled_tasks(summary.cancelled_tasks());
  progress.set_started(summary.opened());
  return progress;
}

pb::BatchSummary Bounded(const pb::BatchSummary& summary) {
  pb::BatchSummary kept = summary;
  if (kept.task_us().bucket_size() > kSketchBucketsMax ||
      kept.task_us().count_size() > kSketchBucketsMax) {
    kept.clear_task_us();
  }
  if (kept.workers_size() > kSummaryWorkersMax) {
    kept.mutable_workers()->DeleteSubrange(kSummaryWorkersMax,
                                           kept.workers_size() - kSummaryWorkersMax);
  }
  return kept;
}

bool AccountsOutstanding(const Batch& batch, const Membership& members) {
  return std::any_of(batch.served.begin(), batch.served.end(), [&](const auto& entry) {
    return !entry.second.final && IsLive(members, entry.first);
  });
}

pb::BatchReport BuildReport(const Batch& batch, const Membership& members) {
  pb::BatchReport report;
  report.set_batch(batch.id);
  report.set_phase(batch.phase);
  report.set_name(batch.progress.name());
  report.set_expected_us(batch.progress.expected_us());
  report.set_durability(members.durability());
  *report.mutable_summary() = batch.summary;
  report.mutable_summary()->set_elapsed_us(ElapsedUs(batch));
  const std::map<uint32_t, uint64_t> tasks = TasksByNumber(batch.summary);
  std::set<uint32_t> named;
  const bool over = batch.closed || IsEnd(batch.phase);
  for (const auto& [incarnation, served] : batch.served) {
    // While it runs, only who can no longer give its account is missing.
    const bool counts =
        served.account.has_value() && (!over || served.final || !IsLive(members, incarnation));
    const bool missing = !counts && (over || !IsLive(members, incarnation));
    pb::WorkerReport& worker = *report.add_workers();
    worker.set_number(served.number);
    worker.set_name(served.label);
    if (counts) *worker.mutable_account() = *served.account;
    if (missing) report.add_missing(WorkerName(served.number, served.label));
    if (!named.insert(served.number).second) continue;  // its tasks are counted
    const auto done = tasks.find(served.number);
    if (done != tasks.end()) worker.set_tasks(done->second);
  }
  for (const auto& [number, count] : tasks) {
    if (over && !named.contains(number)) report.add_missing(absl::StrCat("worker ", number));
  }
  report.set_complete(IsEnd(batch.phase) && report.missing_size() == 0);
  report.set_final(IsEnd(batch.phase) && !AccountsOutstanding(batch, members));
  return report;
}

void Reports::Keep(const pb::BatchReport& report, const pb::BatchProgress& progress,
                   uint64_t generation, std::vector<pb::Member> unconfirmed) {
  const uint32_t batch = report.batch();
  ended_.Add(batch);
  Ended entry{report, FinalProgress(progress, report), generation, std::move(unconfirmed), 0};
  entry.bytes = entry.report.ByteSizeLong() + entry.progress.ByteSizeLong();
  for (const pb::Member& lacking : entry.unconfirmed) entry.bytes += lacking.ByteSizeLong();
  if (const auto found = kept_.find(batch); found != kept_.end()) {
    bytes_ -= found->second.bytes;
    oldest_first_.erase(std::find(oldest_first_.begin(), oldest_first_.end(), batch));
  }
  bytes_ += entry.bytes;
  kept_[batch] = std::move(entry);
  oldest_first_.push_back(batch);
  while (kept_.size() > 1 && (kept_.size() > kept_max_ || bytes_ > bytes_max_)) {
    const auto oldest = kept_.find(oldest_first_.front());
    bytes_ -= oldest->second.bytes;
    kept_.erase(oldest);
    oldest_first_.pop_front();
  }
}

const Reports::Ended* Reports::Find(uint32_t batch) const {
  const auto found = kept_.find(batch);
  return found == kept_.end() ? nullptr : &found->second;
}

bool Reports::Owes(uint64_t incarnation) const {
  return std::any_of(kept_.begin(), kept_.end(), [&](const auto& entry) {
    return Named(entry.second.unconfirmed, incarnation) != entry.second.unconfirmed.end();
  });
}

std::vector<pb::BatchState> Reports::Owed(const Membership& members) const {
  std::vector<pb::BatchState> owed;
  for (const auto& [batch, entry] : kept_) {
    const bool somebody =
        std::any_of(entry.unconfirmed.begin(), entry.unconfirmed.end(),
                    [&](const pb::Member& named) { return IsLive(members, named.incarnation()); });
    if (!somebody) continue;
    pb::BatchState& state = owed.emplace_back();
    state.set_batch(batch);
    state.set_phase(entry.report.phase());
    state.set_generation(entry.generation);
  }
  return owed;
}

bool Reports::Confirm(uint64_t incarnation, uint32_t batch, uint64_t generation) {
  const auto found = kept_.find(batch);
  if (found == kept_.end() || found->second.generation != generation) return false;
  const auto named = Named(found->second.unconfirmed, incarnation);
  if (named == found->second.unconfirmed.end()) return false;
  found->second.unconfirmed.erase(named);
  return true;
}

}  // namespace fanmill::control
