// Runs tasks in simulated time, as their plan says. Dies with its process.
#ifndef FANMILL_TESTS_SIM_EXECUTOR_H_
#define FANMILL_TESTS_SIM_EXECUTOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "lib/core/message.h"
#include "lib/core/random.h"
#include "tests/sim/checker.h"
#include "tests/sim/plan.h"
#include "tests/sim/scheduler.h"

namespace fanmill::sim {

class Executor {
 public:
  struct Seams {
    std::function<void(Message)> reply;  // to the session
    std::function<Instant()> local_now;  // the process's own clock
    std::function<void()> poison;        // the worker dies of what runs
  };
  Executor(Scheduler& scheduler, Random& random, const ClusterPlan& plan, Checker& checker,
           uint64_t incarnation, Seams seams);
  ~Executor() { *alive_ = false; }

  void Deliver(const Message& message);

  // Attempts that run now, for the guardian's death report.
  std::vector<v1::StartedAttempt> Started() const;

 private:
  struct Slot {
    RunTasks work;
    size_t next = 0;    // index of the task that runs
    uint64_t turn = 0;  // which event belongs to it
    Instant began;
    bool busy = false;
    bool stopping = false;
  };
  const BatchPlan& PlanOf(const v1::Spec& spec) const;
  size_t RunningEnd(const Slot& slot) const;
  void Run(const RunTasks& run);
  void Begin(uint32_t slot);
  void End(uint32_t slot);
  void EndPlainSpan(uint32_t slot);
  TaskOutcome OutcomeOf(const BatchPlan& plan, const TaskToRun& task);
  void Stop(const StopTasks& stop);
  void Stopped(uint32_t slot);
  void TellStopped(uint32_t batch);
  void Read(const ReadOutput& read);

  Scheduler& scheduler_;
  Random& random_;
  const ClusterPlan& plan_;
  Checker& checker_;
  uint64_t incarnation_;
  Seams seams_;
  std::map<uint32_t, Slot> slots_;
  std::map<uint64_t, uint64_t> spills_;  // handle -> size
  uint64_t next_handle_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // events outlive a crash
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_EXECUTOR_H_
