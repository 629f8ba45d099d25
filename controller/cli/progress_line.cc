#include "controller/cli/progress_line.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fanmill::cli {
namespace {

constexpr uint64_t kTasksForEtaMin = 3;
constexpr char kRed[] = "\033[31m";
constexpr char kYellow[] = "\033[33m";
constexpr char kPlain[] = "\033[0m";
constexpr double kBandDeviations = 2;  // of a normal distribution 95 % are within

Duration FromSeconds(double seconds) {
  constexpr double kMost = 1e12;  // seconds; more is no time that anybody waits for
  return Micros(static_cast<int64_t>(std::clamp(seconds, 0.0, kMost) * 1e6));
}

std::string RateText(const ProgressFacts& facts) {
  const double seconds = static_cast<double>(facts.elapsed.count()) / 1e6;
  if (facts.done == 0 || seconds <= 0) return "";
  const double rate = static_cast<double>(facts.done) / seconds;
  return rate >= 10 ? absl::StrFormat("%.0f/s", rate) : absl::StrFormat("%.2g/s", rate);
}

std::string PercentText(const ProgressFacts& facts) {
  if (!facts.total.has_value() || *facts.total == 0) return "";
  const auto percent = 100 * static_cast<double>(facts.done) / static_cast<double>(*facts.total);
  return absl::StrFormat("%d%%", static_cast<int>(percent));
}

}  // namespace

void Moments::Add(double value) {
  ++count_;
  const double off = value - mean_;
  mean_ += off / static_cast<double>(count_);
  sum_of_squares_ += off * (value - mean_);
}

// The work that is left, spread over the slots. Its spread is that of the sum of the tasks to come,
// and of the mean that was learned from those that ended.
std::optional<Eta> EtaOf(const ProgressFacts& facts) {
  const uint64_t known = facts.run_seconds.count();
  if (!facts.total.has_value() || known < kTasksForEtaMin || *facts.total < facts.done) return {};
  const auto left = static_cast<double>(*facts.total - facts.done);
  const auto slots = static_cast<double>(std::max(facts.slots, 1u));
  // What the slots really get done in a second, overheads and all, where that is known better.
  const double by_clock = static_cast<double>(facts.elapsed.count()) / 1e6 /
                          static_cast<double>(std::max<uint64_t>(facts.done, 1)) * slots;
  const double each = std::max(facts.run_seconds.mean(), by_clock);
  const double likely = left * each / slots;
  const double spread =
      std::sqrt(facts.run_seconds.variance() * left * (1 + left / static_cast<double>(known))) /
      slots;
  return Eta{FromSeconds(likely), FromSeconds(likely - kBandDeviations * spread),
             FromSeconds(likely + kBandDeviations * spread)};
}

std::string ClockText(Duration duration) {
  const int64_t seconds = (duration.count() + 500'000) / 1'000'000;
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string ProgressLine(const ProgressFacts& facts, int columns, Colours colours) {
  // In the order in which they stand; the number says what is left out first.
  struct Part {
    int importance;
    std::string text;
    const char* colour = "";
  };
  const std::optional<Eta> eta = EtaOf(facts);
  const std::array<Part, 8> parts = {{
      {9, facts.total.has_value() ? absl::StrCat(facts.done, "/", *facts.total)
                                  : absl::StrCat(facts.done, " done")},
      {3, PercentText(facts)},
      {8, facts.failed > 0 ? absl::StrCat(facts.failed, " failed") : "", kRed},
      {5, absl::StrCat(facts.running, " running")},
      {4, RateText(facts)},
      {7, eta.has_value() ? absl::StrCat("ETA ", ClockText(eta->likely)) : ""},
      {2, eta.has_value() && eta->most > eta->least
              ? absl::StrCat("(", ClockText(eta->least), " to ", ClockText(eta->most), ")")
              : ""},
      {6, facts.waiting, kYellow},
  }};
  std::string line;
  for (int least = 0; least <= 9; ++least) {
    line.clear();
    std::string coloured;
    for (const Part& part : parts) {
      if (part.importance < least || part.text.empty()) continue;
      const char* gap = line.empty() ? "" : "  ";
      absl::StrAppend(&line, gap, part.text);
      absl::StrAppend(&coloured, gap, part.colour, part.text, *part.colour == 0 ? "" : kPlain);
    }
    if (static_cast<int>(line.size()) > columns) continue;
    return colours == Colours::kAnsi ? coloured : line;
  }
  return line.substr(0, static_cast<size_t>(std::max(columns, 0)));
}

}  // namespace fanmill::cli
