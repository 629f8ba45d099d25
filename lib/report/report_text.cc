// The report for people: what the ZeroMQ Guide prints, then where the time went.
#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "lib/core/printable.h"
#include "lib/report/timing_report.h"

namespace fanmill {
namespace {

constexpr size_t kWorkerLinesMax = 64;
constexpr size_t kMissingNamesMax = 8;
constexpr int kBarWidth = 20;

double Seconds(uint64_t us) { return static_cast<double>(us) / 1e6; }

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

// Whole milliseconds, as the Guide prints them; below ten, tenths.
std::string Milliseconds(uint64_t us) {
  const double ms = static_cast<double>(us) / 1e3;
  return absl::StrFormat(us >= 10'000 ? "%.0f msec" : "%.1f msec", ms);
}

// Three figures or so, in the unit that suits: "812 us", "12.3 ms", "4.56 s".
std::string Short(uint64_t us) {
  const auto value = static_cast<double>(us);
  if (us < 1000) return absl::StrFormat("%d us", us);
  if (us < 10'000) return absl::StrFormat("%.2f ms", value / 1e3);
  if (us < 1'000'000) return absl::StrFormat("%.1f ms", value / 1e3);
  if (us < 100'000'000) return absl::StrFormat("%.2f s", value / 1e6);
  return absl::StrFormat("%.0f s", value / 1e6);
}

std::string Plural(uint64_t count, const std::string& what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string SlotsText(double slots) {
  if (slots == std::floor(slots)) return Plural(static_cast<uint64_t>(slots), "slot");
  return absl::StrFormat("%.1f slots on average", slots);
}

const char* Words(Cause cause) {
  switch (cause) {
    case Cause::kStarting:
      return "starting workers";
    case Cause::kWaiting:
      return "waiting for tasks";
    case Cause::kBackingOff:
      return "waiting to try again";
    case Cause::kTransferring:
      return "handing tasks over";
    case Cause::kHandling:
      return "slot taken, no result";
    case Cause::kStopped:
      return "attempts that were stopped";
    case Cause::kRetrying:
      return "attempts in vain";
    case Cause::kOtherBatch:
      return "running other batches";
    case Cause::kTail:
      return "tail, nothing left to do";
    case Cause::kDraining:
      return "draining workers";
  }
  return "";
}

std::string Opening(const TimingReport& report) {
  const std::string expected = report.expected_us.has_value() ? Milliseconds(*report.expected_us)
                                                              : std::string("not declared");
  return absl::StrCat("Total expected cost: ", expected,
                      "\nTotal elapsed time: ", Milliseconds(report.elapsed_us),
                      report.ended ? "" : " so far", "\n");
}

std::string Counts(const TimingReport& report) {
  std::string text = absl::StrCat("\nbatch ", report.batch);
  if (!report.name.empty()) absl::StrAppend(&text, " (", Printable(report.name, 30), ")");
  absl::StrAppend(&text, ": ", Plural(report.tasks, "task"), ", ", report.ok, " ok, ",
                  report.failed, " failed, ", report.cancelled, " cancelled\n");
  if (report.late > 0) {
    absl::StrAppend(&text, "late: ", Plural(report.late, "result"),
                    " came for tasks that had their end already\n");
  }
  return text;
}

std::string Share(const std::string& what, uint64_t us, uint64_t whole) {
  const double percent = Percent(us, whole);
  const std::string bar(static_cast<size_t>(std::lround(percent / 100 * kBarWidth)), '#');
  std::string line =
      absl::StrFormat("  %-26s %12.3f s %7.1f %%  %s", what, Seconds(us), percent, bar);
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string WhereTheTimeWent(const TimingReport& report) {
  if (!report.ended) return "";  // the slots' accounts come at the end
  std::string text = absl::StrCat("\nWhere the time of ", SlotsText(report.slots.value_or(0)),
                                  " of ", Plural(report.per_worker.size(), "worker"), " went\n");
  absl::StrAppend(&text, Share("running tasks", report.run_us, report.capacity_us));
  for (size_t i = 0; i < kCauses; ++i) {
    if (report.lost_us[i] == 0) continue;
    absl::StrAppend(&text,
                    Share(Words(static_cast<Cause>(i)), report.lost_us[i], report.capacity_us));
  }
  absl::StrAppend(&text, Share("all", report.capacity_us, report.capacity_us));
  return text;
}

std::string Verdict(const TimingReport& report) {
  if (report.run_us == 0 || !report.bound_ratio.has_value() || !report.speedup.has_value())
    return "";
  return absl::StrFormat(
      "\nAt least %s were needed on these slots: the pace was %.1f %% of the best.\n"
      "One slot alone would have run for %s: a speedup of %.2f.\n",
      Short(report.lower_bound_us.value_or(0)), 100 * *report.bound_ratio, Short(report.run_us),
      *report.speedup);
}

std::string TaskTimes(const TimingReport& report) {
  if (report.task_us.empty()) return "";
  std::string text = "\nTask time";
  for (const auto& [name, us] : report.task_us) absl::StrAppend(&text, "   ", name, " ", Short(us));
  return text + "\n";
}

std::string Durability(const TimingReport& report) {
  if (report.durability != "os") return "";
  return "\nDurability os: a crash of the ventilator's or the sink's machine would have lost tasks "
         "or results.\n";
}

// What a worker lost most to, for the last column.
std::string MostLost(const WorkerTiming& worker) {
  const auto most = std::max_element(worker.lost_us.begin(), worker.lost_us.end());
  if (*most == 0) return "";
  return absl::StrFormat("%s %.1f %%", CauseName(static_cast<Cause>(most - worker.lost_us.begin())),
                         Percent(*most, worker.capacity_us));
}

// A worker that gave no account told no slots either.
std::string Known(uint32_t slots) { return slots == 0 ? "?" : absl::StrCat(slots); }

std::string Busy(const TimingReport& report, const WorkerTiming& worker) {
  if (!report.ended || worker.capacity_us == 0) return "?";
  return absl::StrFormat("%.1f %%", Percent(worker.run_us, worker.capacity_us));
}

std::string Workers(const TimingReport& report) {
  if (report.per_worker.empty()) return "";
  std::string text = absl::StrFormat("\n%6s  %-17s %5s %8s %9s %7s  %s\n", "worker", "name",
                                     "slots", "tasks", "seconds", "busy", "most lost to");
  const size_t lines = std::min(report.per_worker.size(), kWorkerLinesMax);
  for (size_t i = 0; i < lines; ++i) {
    const WorkerTiming& worker = report.per_worker[i];
    absl::StrAppendFormat(&text, "%6d  %-17s %5s %8d %9.3f %7s  %s\n", worker.number,
                          Printable(worker.name, 17), Known(worker.slots), worker.tasks,
                          Seconds(worker.run_us), Busy(report, worker), MostLost(worker));
  }
  if (lines < report.per_worker.size()) {
    absl::StrAppend(&text, "        and ", report.per_worker.size() - lines,
                    " more: see them all with --json\n");
  }
  return text;
}

std::string Missing(const TimingReport& report) {
  if (report.complete) return "";
  if (report.missing.empty()) {
    return report.ended ? "\nNot complete: accounts of workers are still on their way.\n"
                        : "\nNot complete: the batch has not ended.\n";
  }
  std::vector<std::string> names;
  for (const std::string& name : report.missing) {
    if (names.size() == kMissingNamesMax) break;
    names.push_back(Printable(name, 64));
  }
  const size_t more = report.missing.size() - names.size();
  return absl::StrCat("\nNot complete: no account of their slots' idle time came from\n  ",
                      absl::StrJoin(names, "\n  "),
                      more == 0 ? "" : absl::StrCat("\n  and ", more, " more"), "\n");
}

}  // namespace

std::string ToText(const TimingReport& report) {
  return absl::StrCat(Opening(report), Counts(report), WhereTheTimeWent(report), Verdict(report),
                      TaskTimes(report), Workers(report), Durability(report), Missing(report));
}

}  // namespace fanmill
