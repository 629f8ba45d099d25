// RunTotals: how long the attempts ran that became tasks' ends, in sum, by worker, and as a sketch;
// and how long those that failed and were tried again.
#ifndef FANMILL_SINK_RUN_TOTALS_H_
#define FANMILL_SINK_RUN_TOTALS_H_

#include <cstdint>

#include "absl/container/btree_map.h"
#include "lib/core/sketch.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

class RunTotals {
 public:
  // `tasks` tasks of the worker ran `run_us` each.
  void Add(uint32_t worker, uint64_t run_us, uint64_t tasks = 1);
  // An attempt failed. Should it become the task's end after all, the failure is taken back.
  void AddFailed(uint32_t worker, uint64_t run_us) { workers_[worker].failed_us += run_us; }
  void TakeBackFailed(uint32_t worker, uint64_t run_us) { workers_[worker].failed_us -= run_us; }
  // Writes run_us, longest_us, task_us and workers.
  void Pack(pb::BatchSummary& summary) const;

 private:
  struct Share {
    uint64_t tasks = 0;
    uint64_t run_us = 0;
    uint64_t failed_us = 0;
  };
  uint64_t run_us_ = 0;
  uint64_t longest_us_ = 0;
  Sketch sketch_;
  absl::btree_map<uint32_t, Share> workers_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_RUN_TOTALS_H_
