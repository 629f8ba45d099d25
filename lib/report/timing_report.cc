#include "lib/report/timing_report.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "lib/core/names.h"
#include "lib/core/sketch.h"

namespace fanmill {
namespace {

uint64_t& Lost(LostTime& lost, Cause cause) { return lost[static_cast<size_t>(cause)]; }

uint64_t Sum(const LostTime& lost) { return std::accumulate(lost.begin(), lost.end(), 0ull); }

std::optional<double> Ratio(double part, double whole) {
  if (whole <= 0) return std::nullopt;
  return part / whole;
}

// What one worker said of its slots, and what the sink says of its tasks.
struct Sources {
  std::string name;
  uint32_t slots = 0;
  uint64_t slots_offered = 0;  // by all that had its number
  uint64_t attempts_us = 0;    // slots that ran attempts of the batch
  uint64_t retrying_us = 0;    // part of it: further attempts
  LostTime accounted_us{};
  uint64_t tasks = 0;
  uint64_t run_us = 0;     // attempts that became ends, by their own clocks
  uint64_t failed_us = 0;  // attempts that failed and were repeated, likewise
};

void AddAccount(const pb::WorkerReport& worker, Sources& sources) {
  const pb::SlotAccount& account = worker.account();
  sources.name = worker.name();
  sources.slots = std::max(sources.slots, account.slots());
  sources.slots_offered += account.slots();
  sources.attempts_us += account.run_us() + account.retrying_us();
  sources.retrying_us += account.retrying_us();
  Lost(sources.accounted_us, Cause::kStopped) += account.stopped_us();
  Lost(sources.accounted_us, Cause::kStarting) += account.starting_us();
  Lost(sources.accounted_us, Cause::kWaiting) += account.waiting_us();
  Lost(sources.accounted_us, Cause::kBackingOff) += account.backing_off_us();
  Lost(sources.accounted_us, Cause::kTransferring) += account.transferring_us();
  Lost(sources.accounted_us, Cause::kOtherBatch) += account.other_us();
  Lost(sources.accounted_us, Cause::kTail) += account.tail_us();
  Lost(sources.accounted_us, Cause::kDraining) += account.draining_us();
}

// A worker that came back under its number has more than one account: they add up.
std::map<uint32_t, Sources> Gather(const pb::BatchReport& report) {
  std::map<uint32_t, Sources> by_number;
  for (const pb::WorkerReport& worker : report.workers()) {
    AddAccount(worker, by_number[worker.number()]);
  }
  for (const pb::WorkerTasks& tasks : report.summary().workers()) {
    Sources& sources = by_number[tasks.number()];
    sources.tasks += tasks.tasks();
    sources.run_us += tasks.run_us();
    sources.failed_us += tasks.failed_us();
  }
  return by_number;
}

// Splits the time in which slots ran attempts, but not those that became ends. Failed attempts say
// how long they ran; one that came late does not, but then it or its rival was a further attempt.
void SplitAttempts(const Sources& sources, bool any_late, LostTime& lost) {
  uint64_t left = sources.attempts_us - std::min(sources.attempts_us, sources.run_us);
  const uint64_t failed = std::min(left, sources.failed_us);
  left -= failed;
  const uint64_t repeated = any_late ? std::min(left, sources.retrying_us) : 0;
  Lost(lost, Cause::kRetrying) = failed + repeated;
  Lost(lost, Cause::kHandling) = left - repeated;
}

// The most that the worker's slots can have had; without a limit where that is not known.
uint64_t OfferedMost(const Sources& sources, const pb::BatchSummary& summary) {
  if (sources.slots_offered == 0 || summary.elapsed_us() == 0) return UINT64_MAX;
  return sources.slots_offered * summary.elapsed_us();
}

// Takes what is more than the slots had off what was lost, first where a batch's ends lie.
void CutTo(uint64_t offered_us, WorkerTiming& timing) {
  uint64_t capacity_us = timing.run_us + Sum(timing.lost_us);
  for (const Cause cause : {Cause::kTail, Cause::kWaiting, Cause::kBackingOff, Cause::kTransferring,
                            Cause::kStarting, Cause::kDraining, Cause::kOtherBatch,
                            Cause::kHandling, Cause::kStopped, Cause::kRetrying}) {
    if (capacity_us <= offered_us) return;
    const uint64_t cut = std::min(Lost(timing.lost_us, cause), capacity_us - offered_us);
    Lost(timing.lost_us, cause) -= cut;
    capacity_us -= cut;
  }
}

WorkerTiming Time(uint32_t number, const Sources& sources, const pb::BatchSummary& summary) {
  WorkerTiming timing;
  timing.number = number;
  timing.name = sources.name;
  timing.slots = sources.slots;
  timing.tasks = sources.tasks;
  timing.run_us = sources.run_us;
  timing.lost_us = sources.accounted_us;
  SplitAttempts(sources, summary.late() > 0, timing.lost_us);
  CutTo(OfferedMost(sources, summary), timing);
  // Usually slots * window. More where tasks ran whose slot has no account.
  timing.capacity_us = timing.run_us + Sum(timing.lost_us);
  return timing;
}

void AddPercentiles(const pb::BatchSummary& summary, TimingReport& timing) {
  const Sketch sketch = Sketch::Unpack(summary.task_us());
  if (sketch.count() == 0) return;
  for (const auto& [name, quantile] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}) {
    timing.task_us.push_back({name, std::min(sketch.Quantile(quantile), timing.longest_us)});
  }
  timing.task_us.push_back({"max", timing.longest_us});
}

// `offered_us`: the capacity, but of no slot more than it had, whatever its tasks' clocks say.
void AddRatios(uint64_t offered_us, TimingReport& timing) {
  const auto elapsed = static_cast<double>(timing.elapsed_us);
  const auto run = static_cast<double>(timing.run_us);
  const auto capacity = static_cast<double>(timing.capacity_us);
  timing.speedup = Ratio(run, elapsed);
  if (!timing.ended) return;
  const double slots = Ratio(static_cast<double>(offered_us), elapsed).value_or(0);
  timing.slots = std::round(slots * 10) / 10;
  const auto spread = static_cast<uint64_t>(std::llround(Ratio(run, slots).value_or(0)));
  timing.lower_bound_us = std::max(spread, timing.longest_us);
  timing.bound_ratio = Ratio(static_cast<double>(*timing.lower_bound_us), elapsed);
  timing.efficiency = Ratio(run, capacity);
}

}  // namespace

std::string_view CauseName(Cause cause) {
  switch (cause) {
    case Cause::kStarting:
      return "starting";
    case Cause::kWaiting:
      return "waiting";
    case Cause::kBackingOff:
      return "backing_off";
    case Cause::kTransferring:
      return "transferring";
    case Cause::kHandling:
      return "handling";
    case Cause::kStopped:
      return "stopped";
    case Cause::kRetrying:
      return "retrying";
    case Cause::kOtherBatch:
      return "other_batch";
    case Cause::kTail:
      return "tail";
    case Cause::kDraining:
      return "draining";
  }
  return "";
}

TimingReport MakeTimingReport(const pb::BatchReport& report) {
  const pb::BatchSummary& summary = report.summary();
  TimingReport timing;
  timing.batch = report.batch();
  timing.name = report.name();
  timing.durability = DurabilityName(report.durability());
  timing.ended = summary.closed();
  timing.complete = report.complete();
  timing.missing.assign(report.missing().begin(), report.missing().end());
  timing.ok = summary.ok();
  timing.failed = summary.failed();
  timing.cancelled = summary.cancelled_tasks();
  timing.tasks = std::max(summary.tasks(), timing.ok + timing.failed + timing.cancelled);
  timing.late = summary.late();
  timing.elapsed_us = summary.elapsed_us();
  if (report.expected_us() != 0) timing.expected_us = report.expected_us();
  timing.longest_us = summary.longest_us();
  uint64_t offered_us = 0;
  for (const auto& [number, sources] : Gather(report)) {
    const WorkerTiming worker = Time(number, sources, summary);
    offered_us += std::min(worker.capacity_us, OfferedMost(sources, summary));
    timing.run_us += worker.run_us;
    timing.capacity_us += worker.capacity_us;
    for (size_t i = 0; i < kCauses; ++i) timing.lost_us[i] += worker.lost_us[i];
    timing.per_worker.push_back(worker);
  }
  AddPercentiles(summary, timing);
  AddRatios(offered_us, timing);
  return timing;
}

}  // namespace fanmill
