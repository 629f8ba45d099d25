#include "sink/run_totals.h"

#include <algorithm>

namespace fanmill {

void RunTotals::Add(uint32_t worker, uint64_t run_us, uint64_t tasks) {
  run_us_ += run_us * tasks;
  longest_us_ = std::max(longest_us_, run_us);
  sketch_.Add(run_us, tasks);
  Share& share = workers_[worker];
  share.tasks += tasks;
  share.run_us += run_us * tasks;
}

void RunTotals::Pack(pb::BatchSummary& summary) const {
  summary.set_run_us(run_us_);
  summary.set_longest_us(longest_us_);
  *summary.mutable_task_us() = sketch_.Pack();
  for (const auto& [number, share] : workers_) {
    pb::WorkerTasks& worker = *summary.add_workers();
    worker.set_number(number);
    worker.set_tasks(share.tasks);
    worker.set_run_us(share.run_us);
    worker.set_failed_us(share.failed_us);
  }
}

}  // namespace fanmill
