#include "tests/sim/cluster.h"

#include <memory>
#include <utility>

#include "tests/sim/checker.h"
#include "tests/sim/client.h"
#include "tests/sim/network.h"
#include "tests/sim/process.h"
#include "tests/sim/roles.h"
#include "tests/sim/scheduler.h"

namespace fanmill::sim {
namespace {

// After the last fault every batch must end within this.
constexpr Duration kHealBound = Seconds(300);
constexpr uint64_t kStepsMax = 20'000'000;

class Cluster {
 public:
  Cluster(const Run& run, std::vector<std::string>* transcript)
      : run_(run),
        random_(run.seed),
        checker_(run_.plan, coverage_),
        network_(scheduler_, random_, run_.faults, coverage_,
                 [this](HostId host, PeerId from, Message message) {
                   const auto found = by_host_.find(host);
                   if (found != by_host_.end()) found->second->Arrive(from, message);
                 }),
        world_{scheduler_, random_, run_.faults, run_.plan, coverage_, checker_, network_,
               transcript} {
    Add(ControllerSetup(run_.faults.crash_controller));
    Add(VentilatorSetup(run_.faults.crash_ventilator));
    Add(SinkSetup(run_.faults.crash_sink));
    for (uint32_t i = 0; i < run_.plan.workers; ++i) {
      Add(WorkerSetup(i, run_.plan.slots[i], run_.faults.crash_workers));
    }
    for (const BatchPlan& plan : run_.plan.batches) Add(ClientSetup(plan, checker_));
  }

  Outcome Run() {
    for (auto& process : processes_) {
      const auto delay = Micros(static_cast<int64_t>(random_.Uniform(2'000'000)));
      scheduler_.In(delay, [&process] { process->Start(); });
    }
    const Instant bound = std::max(run_.faults.until, Instant{}) + kHealBound;
    while (!checker_.AllClosed() && scheduler_.steps() < kStepsMax && scheduler_.Step(bound)) {
      if (!checker_.failures().empty()) break;
    }
    checker_.CheckEnd();
    Outcome outcome;
    std::map<std::string, uint64_t> counters;
    for (const auto& process : processes_) {
      for (const auto& [what, times] : process->Counters()) counters[what] += times;
    }
    for (const auto& [what, times] : counters) coverage_.Count("node." + what, times);
    if (run_.faults.until == Instant{}) checker_.CheckFaultFree(counters["redelivered"]);
    outcome.failures = checker_.failures();
    outcome.coverage = coverage_;
    outcome.steps = scheduler_.steps();
    outcome.ended = scheduler_.now();
    return outcome;
  }

 private:
  void Add(Process::Setup setup) {
    const HostId host = setup.host;
    processes_.push_back(std::make_unique<Process>(world_, std::move(setup)));
    by_host_[host] = processes_.back().get();
  }

  const sim::Run run_;
  Random random_;
  Scheduler scheduler_;
  Coverage coverage_;
  Checker checker_;
  Network network_;
  World world_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::map<HostId, Process*> by_host_;
};

}  // namespace

Run Run::FromSeed(uint64_t seed) {
  Random random(seed);
  Run run;
  run.seed = seed;
  run.plan = ClusterPlan::Draw(random);
  run.faults = seed % 4 == 0 ? Faults::None() : Faults::Draw(random);
  if (seed % 4 == 0) {
    for (BatchPlan& plan : run.plan.batches) plan.poison = 0;
  }
  return run;
}

Outcome Simulate(const Run& run, std::vector<std::string>* transcript) {
  return std::make_unique<Cluster>(run, transcript)->Run();
}

}  // namespace fanmill::sim
