// The one line that tells a person how a batch goes on, as long as it fits. Pure.
#ifndef FANMILL_CONTROLLER_CLI_PROGRESS_LINE_H_
#define FANMILL_CONTROLLER_CLI_PROGRESS_LINE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/instant.h"

namespace fanmill::cli {

// Count, mean and spread of values as they come (Welford, Technometrics 1962).
class Moments {
 public:
  void Add(double value);
  uint64_t count() const { return count_; }
  double mean() const { return mean_; }
  double variance() const { return count_ < 2 ? 0 : sum_of_squares_ / double(count_ - 1); }

 private:
  uint64_t count_ = 0;
  double mean_ = 0;
  double sum_of_squares_ = 0;
};

struct ProgressFacts {
  uint64_t done = 0;  // ended, in whatever way
  uint64_t failed = 0;
  std::optional<uint64_t> total;  // once it is known
  uint32_t running = 0;
  uint32_t slots = 1;
  Duration elapsed{0};
  Moments run_seconds;  // of tasks that ended
  std::string waiting;  // why nothing more is handed out; empty: it is
};

// When it will be over: the likely time from now, and between what it will be 19 times of 20 if
// the tasks to come are like those that ended.
struct Eta {
  Duration likely{0};
  Duration least{0};
  Duration most{0};
};
std::optional<Eta> EtaOf(const ProgressFacts& facts);

// "1:02:03", "4:05", "12s"
std::string ClockText(Duration duration);

enum class Colours { kNone, kAnsi };

// At most `columns` wide: what matters least is left out first. Colours take no columns.
std::string ProgressLine(const ProgressFacts& facts, int columns, Colours colours = Colours::kNone);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_PROGRESS_LINE_H_
