#include "tests/sim/roles.h"

#include "controller/controller.h"
#include "sink/ledger.h"
#include "tests/sim/client.h"
#include "ventilator/dispatcher.h"
#include "worker/session.h"

namespace fanmill::sim {
namespace {

constexpr uint64_t kCluster = 0xfa4;
constexpr uint64_t kRealDirectories = 100;  // plus the host
constexpr uint64_t kImpostorDirectories = 900;
constexpr uint32_t kLanesMax = 64;

std::string ControllerEndpoint() { return Process::Endpoint(kControllerHost, Channel::kControl); }

// What all roles but the controller have in common.
template <class Options>
Options OptionsOf(const std::string& name, uint64_t seed) {
  Options options;
  options.seed = seed;
  options.version = "sim";
  options.host = "host";
  options.name = name;
  options.pid = 1;
  options.controller = ControllerEndpoint();
  return options;
}

Process::Setup VentilatorAt(HostId host, const std::string& name, uint64_t directory,
                            uint64_t intake_bytes) {
  Process::Setup setup{host, name, pb::VENTILATOR};
  setup.binds = {Channel::kAcks, Channel::kLease, Channel::kIntake};
  setup.make = [=](uint64_t epoch, uint64_t seed) {
    auto options = OptionsOf<DispatcherOptions>(name, seed);
    options.epoch = epoch;
    options.directory = directory;
    options.lanes_max = kLanesMax;
    if (intake_bytes > 0) {
      options.intake_bytes_max = intake_bytes;
      options.intake_batch_bytes_min = intake_bytes / 2;
    }
    options.endpoints.set_acks(Process::Endpoint(host, Channel::kAcks));
    options.endpoints.set_lease(Process::Endpoint(host, Channel::kLease));
    options.endpoints.set_intake(Process::Endpoint(host, Channel::kIntake));
    return std::make_unique<Dispatcher>(std::move(options));
  };
  return setup;
}

Process::Setup SinkAt(HostId host, const std::string& name, uint64_t directory, uint64_t memory) {
  Process::Setup setup{host, name, pb::SINK};
  setup.binds = {Channel::kResults, Channel::kFacts};
  setup.make = [=](uint64_t epoch, uint64_t seed) {
    auto options = OptionsOf<LedgerOptions>(name, seed);
    options.epoch = epoch;
    options.directory = directory;
    if (memory > 0) options.memory_bytes = memory;
    options.endpoints.set_results(Process::Endpoint(host, Channel::kResults));
    options.endpoints.set_facts(Process::Endpoint(host, Channel::kFacts));
    return std::make_unique<Ledger>(std::move(options));
  };
  return setup;
}

}  // namespace

Process::Setup ControllerSetup(const Faults& faults) {
  Process::Setup setup{kControllerHost, "controller", pb::CONTROLLER};
  setup.binds = {Channel::kControl, Channel::kSignal};
  setup.may_crash = faults.crash_controller;
  setup.make = [](uint64_t epoch, uint64_t seed) {
    ControllerOptions options;
    options.epoch = epoch;
    options.directory = kRealDirectories + kControllerHost;
    options.seed = seed;
    options.cluster = kCluster;
    options.version = "sim";
    options.host = "host";
    options.name = "controller";
    options.signal = Process::Endpoint(kControllerHost, Channel::kSignal);
    return std::make_unique<Controller>(std::move(options));
  };
  return setup;
}

Process::Setup VentilatorSetup(const ClusterPlan& plan, const Faults& faults) {
  Process::Setup setup = VentilatorAt(kVentilatorHost, "ventilator",
                                      kRealDirectories + kVentilatorHost, plan.intake_bytes);
  setup.may_crash = faults.crash_ventilator;
  return setup;
}

Process::Setup SinkSetup(const ClusterPlan& plan, const Faults& faults) {
  Process::Setup setup = SinkAt(kSinkHost, "sink", kRealDirectories + kSinkHost, plan.sink_memory);
  setup.may_crash = faults.crash_sink;
  setup.disk_bytes = plan.sink_disk;
  return setup;
}

Process::Setup WorkerSetup(const ClusterPlan& plan, uint32_t index, const Faults& faults) {
  const WorkerPlan& worker = plan.workers[index];
  const std::string name = "worker-" + std::to_string(index);
  Process::Setup setup{kFirstWorkerHost + index, name, pb::WORKER};
  setup.may_crash = faults.crash_workers;
  setup.comes_back = index == 0 || !faults.deaths_for_good;
  setup.make = [=, spool_bytes = plan.spool_bytes](uint64_t epoch, uint64_t seed) {
    auto options = OptionsOf<SessionOptions>(name, seed);
    options.incarnation = epoch;
    options.slots = worker.slots;
    options.handlers = {"noop", "sleep"};
    if (!worker.only_noop) options.handlers.push_back("exec");
    if (spool_bytes > 0) options.spool_bytes = spool_bytes;
    return std::make_unique<Session>(std::move(options));
  };
  return setup;
}

Process::Setup ClientSetup(const BatchPlan& plan, Checker& checker) {
  Process::Setup setup{kFirstClientHost + plan.index, "client-" + std::to_string(plan.index),
                       pb::CLIENT};
  setup.make = [&plan, &checker](uint64_t epoch, uint64_t seed) {
    return std::make_unique<Client>(
        ClientOptions{plan, checker, epoch, seed, ControllerEndpoint()});
  };
  return setup;
}

Process::Setup OperatorSetup(bool kill) {
  Process::Setup setup{kOperatorHost, "operator", pb::CLIENT};
  setup.make = [kill](uint64_t epoch, uint64_t) {
    return std::make_unique<Operator>(kill, epoch, ControllerEndpoint());
  };
  return setup;
}

Process::Setup ImpostorVentilatorSetup() {
  return VentilatorAt(kImpostorVentilatorHost, "impostor-ventilator",
                      kImpostorDirectories + kImpostorVentilatorHost, 0);
}

Process::Setup ImpostorSinkSetup() {
  return SinkAt(kImpostorSinkHost, "impostor-sink", kImpostorDirectories + kImpostorSinkHost, 0);
}

}  // namespace fanmill::sim
