#include "tests/sim/cluster.h"

#include <algorithm>
#include <array>
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

// After the last fault every batch must end within this, and a cluster that was told to end.
constexpr Duration kHealBound = Seconds(300);
constexpr Duration kEndingBound = Seconds(60);
constexpr Duration kCrashedAreBack = Seconds(5);  // after the last fault
constexpr Duration kJoined = Seconds(3);
constexpr uint64_t kStepsMax = 300'000;

class Cluster {
 public:
  Cluster(const Scenario& run, std::vector<std::string>* transcript)
      : run_(run),
        random_(run.seed),
        checker_(run_.plan, coverage_),
        network_(scheduler_, random_, run_.faults, coverage_,
                 [this](HostId host, PeerId from, Message message) {
                   const auto found = by_host_.find(host);
                   if (found != by_host_.end()) found->second->Arrive(from, message);
                 }),
        world_{scheduler_, random_,  run_.faults, run_.plan, coverage_,
               checker_,   network_, bodies_,     transcript} {
    roles_ = {Add(ControllerSetup(run_.faults)), Add(VentilatorSetup(run_.plan, run_.faults)),
              Add(SinkSetup(run_.plan, run_.faults))};
    for (Process* role : roles_) StartAfter(DrawDelay(2'000'000), role);
    for (uint32_t i = 0; i < run_.plan.workers.size(); ++i) AddWorker(i);
    for (const BatchPlan& plan : run_.plan.batches) {
      clients_.push_back(Add(ClientSetup(plan, checker_)));
      StartAfter(plan.opens, clients_.back());
    }
    if (run_.plan.impostors) AddImpostors();
  }

  Outcome Run() {
    const Instant healed = Instant{} + std::max(run_.faults.until.time_since_epoch(), Duration{0});
    if (run_.plan.midway()) {
      RunUntil(healed + (run_.faults.any() ? kCrashedAreBack : run_.plan.ends),
               [] { return false; });
      End();
    } else {
      RunUntil(healed + kHealBound, [this] { return AllLeft(clients_); });
      if (run_.plan.ending != Ending::kNone) {
        RunUntil(healed + kCrashedAreBack, [] { return false; });
        End();
      }
    }
    checker_.CheckEnd();
    return MakeOutcome();
  }

 private:
  Process* Add(Process::Setup setup) {
    const HostId host = setup.host;
    processes_.push_back(std::make_unique<Process>(world_, std::move(setup)));
    return by_host_[host] = processes_.back().get();
  }

  Duration DrawDelay(uint64_t micros) {
    return Micros(static_cast<int64_t>(random_.Uniform(micros)));
  }

  void StartAfter(Duration delay, Process* process) {
    scheduler_.In(delay, [this, process] {
      if (!ending_) process->Start();
    });
  }

  void AddWorker(uint32_t index) {
    const WorkerPlan& plan = run_.plan.workers[index];
    Process* worker = Add(WorkerSetup(run_.plan, index, run_.faults));
    workers_.push_back(worker);
    StartAfter(plan.arrives, worker);
    if (!plan.leaves.has_value() || !run_.faults.leavers) return;
    const Instant when = Instant{} + *plan.leaves;
    if (when >= run_.faults.until) return;
    scheduler_.At(when, [this, worker] { AskToLeave(worker, 1); });
    if (!plan.impatient) return;
    scheduler_.At(when + DrawDelay(500'000), [this, worker] { AskToLeave(worker, 2); });
  }

  void AskToLeave(Process* worker, int times) {
    if (!worker->running()) return;
    coverage_.Count(times == 1 ? "fault.worker_asked_to_leave" : "fault.worker_told_to_leave");
    worker->Ask(StopAsked{times});
    scheduler_.In(Millis(500) + DrawDelay(3'000'000), [this, worker] { Replace(worker); });
  }

  // A new worker comes when the old one has left, however long that takes.
  void Replace(Process* worker) {
    if (ending_) return;
    if (worker->left()) return worker->Start();
    scheduler_.In(Millis(500), [this, worker] { Replace(worker); });
  }

  void AddImpostors() {
    for (Process* impostor : {Add(ImpostorVentilatorSetup()), Add(ImpostorSinkSetup())}) {
      impostors_.push_back(impostor);
      AwaitReal(impostor);
    }
  }

  // An impostor comes when the real roles are known, or it would be the real one.
  void AwaitReal(Process* impostor) {
    scheduler_.In(Millis(200), [this, impostor] {
      const bool known = std::any_of(clients_.begin(), clients_.end(), [&](const Process* client) {
        return client->left() || client->Counters().contains("client_opened");
      });
      known ? impostor->Start() : AwaitReal(impostor);
    });
  }

  template <class Condition>
  void RunUntil(Instant bound, const Condition& condition) {
    while (!condition() && checker_.failures().empty() && scheduler_.Step(bound)) {
      if (scheduler_.steps() > kStepsMax) checker_.Fail("it goes on and on: a message storm");
    }
  }

  static bool AllLeft(const std::vector<Process*>& processes) {
    return std::all_of(processes.begin(), processes.end(),
                       [](const Process* process) { return process->left(); });
  }

  static bool NoneRuns(const std::vector<Process*>& processes) {
    return std::none_of(processes.begin(), processes.end(),
                        [](const Process* process) { return process->running(); });
  }

  // Nobody comes any more; who came last gets the time to join.
  void End() {
    ending_ = true;
    RunUntil(scheduler_.now() + kJoined, [] { return false; });
    const Ending ending = run_.plan.ending;
    const bool kill = ending == Ending::kKillAfter || ending == Ending::kKillMidway;
    coverage_.Count(kill ? "seen.shutdown_now" : "seen.shutdown");
    Add(OperatorSetup(kill))->Start();
    RunUntil(scheduler_.now() + kEndingBound,
             [this] { return NoneRuns(workers_) && NoneRuns(roles_); });
    for (const auto* group : {&workers_, &roles_}) {
      for (const Process* process : *group) {
        if (process->running()) checker_.Fail(process->setup().name + " outlived the shutdown");
      }
    }
  }

  Outcome MakeOutcome() {
    std::map<std::string, uint64_t> counters;
    for (const auto& process : processes_) {
      for (const auto& [what, times] : process->Counters()) counters[what] += times;
    }
    for (const auto& [what, times] : counters) coverage_.Count("node." + what, times);
    const auto* body = pb::Envelope::descriptor()->oneof_decl(0);
    for (int i = 0; i < body->field_count(); ++i) {
      const auto* field = body->field(i);
      const uint64_t times = bodies_[static_cast<size_t>(field->number())];
      if (times > 0) coverage_.Count("message." + field->message_type()->name(), times);
    }
    for (const Process* impostor : impostors_) {
      if (impostor->left()) coverage_.Count("seen.impostor_refused");
    }
    if (!run_.faults.any()) checker_.CheckFaultFree(counters["redelivered"]);
    return Outcome{checker_.failures(), coverage_, scheduler_.steps(), scheduler_.now()};
  }

  const Scenario run_;
  Random random_;
  Scheduler scheduler_;
  Coverage coverage_;
  Checker checker_;
  Network network_;
  std::array<uint64_t, 128> bodies_{};
  World world_;
  bool ending_ = false;
  std::vector<std::unique_ptr<Process>> processes_;
  std::map<HostId, Process*> by_host_;
  std::vector<Process*> roles_;
  std::vector<Process*> workers_;
  std::vector<Process*> clients_;
  std::vector<Process*> impostors_;
};

}  // namespace

Scenario Scenario::FromSeed(uint64_t seed) {
  Random random(seed);
  Scenario run;
  run.seed = seed;
  run.plan = ClusterPlan::Draw(random);
  run.faults = seed % 4 == 0 ? Faults::None() : Faults::Draw(random);
  if (!run.faults.any()) {
    for (BatchPlan& plan : run.plan.batches) plan.poison = 0;
    run.plan.sink_memory = 0;  // a sink without room drops results
  }
  // What a journal that has forgotten a batch recovers of it is not decided yet.
  if (run.plan.sink_disk > 0) run.faults.crash_sink = false;
  return run;
}

Outcome Simulate(const Scenario& run, std::vector<std::string>* transcript) {
  return std::make_unique<Cluster>(run, transcript)->Run();
}

}  // namespace fanmill::sim
