// TimingReport: where every second of a batch went. Computed from the sink's summary and the
// workers' slot accounts, in whole microseconds:
//
//   capacity = run + the sum of lost, exactly; nothing is a residual
//   bound_ratio = the fastest that anybody could have been / elapsed
//   speedup = run / elapsed
//
// No slot offers more than the time that the batch took. Where an account says more, its ends were
// learned at other moments than the sink's clock ran: so much less was lost.
//
// What it does not promise: anything about slots whose account never came. They are named, the
// report is not `complete`, and their tasks' run time counts as capacity and as nothing else.
#ifndef FANMILL_LIB_REPORT_TIMING_REPORT_H_
#define FANMILL_LIB_REPORT_TIMING_REPORT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

// Why slot-time of a batch was not spent on running the attempts that became tasks' ends.
enum class Cause {
  kStarting,      // the worker was not ready yet
  kWaiting,       // nothing held, while there were tasks to hand out
  kBackingOff,    // nothing held, and all that was left waited to be tried again
  kTransferring,  // a task was held, or on its way into or out of the slot
  kHandling,    // the slot was taken, but no result tells of it: between two tasks, or it was lost
  kStopped,     // ran attempts that were stopped, as their batch was cancelled
  kRetrying,    // ran attempts that failed and were repeated, or whose results came late
  kOtherBatch,  // ran other batches
  kTail,        // nothing left to hand out: the batch was ending
  kDraining,    // the worker was told to take no more
};
inline constexpr size_t kCauses = 10;
using LostTime = std::array<uint64_t, kCauses>;  // microseconds, by cause

// As in JSON: "starting", "waiting", ...
std::string_view CauseName(Cause cause);

struct WorkerTiming {
  uint32_t number = 0;
  std::string name;
  uint32_t slots = 0;
  uint64_t tasks = 0;
  uint64_t run_us = 0;
  uint64_t capacity_us = 0;
  LostTime lost_us{};
};

struct TimingReport {
  uint32_t batch = 0;
  std::string name;
  std::string durability;            // "full", "os", "memory", "unknown"
  bool ended = false;                // false: it still runs, and the numbers are those so far
  bool complete = false;             // ended, and every account is there
  std::vector<std::string> missing;  // workers whose account is not

  uint64_t tasks = 0;
  uint64_t ok = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t late = 0;

  uint64_t elapsed_us = 0;
  std::optional<uint64_t> expected_us;  // nothing: no cost was declared
  uint64_t run_us = 0;
  uint64_t capacity_us = 0;
  uint64_t longest_us = 0;
  LostTime lost_us{};
  // Nothing before the end, when the accounts come, and where they would be divided by 0.
  std::optional<double> slots;  // capacity / elapsed: the average, as workers come and go; a tenth
  std::optional<uint64_t> lower_bound_us;  // max(run / slots, the longest task)
  std::optional<double> bound_ratio;
  std::optional<double> efficiency;  // run / capacity
  std::optional<double> speedup;

  struct Percentile {
    const char* name;  // "p50"
    uint64_t us;
  };
  std::vector<Percentile> task_us;       // empty: no task ran
  std::vector<WorkerTiming> per_worker;  // by number
};

TimingReport MakeTimingReport(const pb::BatchReport& report);

// For people, 80 columns wide; opens with the two lines of the ZeroMQ Guide's pipeline.
std::string ToText(const TimingReport& report);
// One object, of schema "fanmill.report/1"; all times in seconds.
std::string ToJson(const TimingReport& report);

}  // namespace fanmill

#endif  // FANMILL_LIB_REPORT_TIMING_REPORT_H_
