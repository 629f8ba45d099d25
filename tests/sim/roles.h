// How each role is set up in the simulator: the real machines, with the options they ship with.
#ifndef FANMILL_TESTS_SIM_ROLES_H_
#define FANMILL_TESTS_SIM_ROLES_H_

#include "tests/sim/process.h"

namespace fanmill::sim {

inline constexpr HostId kControllerHost = 0;
inline constexpr HostId kVentilatorHost = 1;
inline constexpr HostId kSinkHost = 2;
inline constexpr HostId kImpostorVentilatorHost = 3;
inline constexpr HostId kImpostorSinkHost = 4;
inline constexpr HostId kFirstWorkerHost = 10;
inline constexpr HostId kFirstClientHost = 1000;
inline constexpr HostId kOperatorHost = 2000;

Process::Setup ControllerSetup(const Faults& faults);
Process::Setup VentilatorSetup(const ClusterPlan& plan, const Faults& faults);
Process::Setup SinkSetup(const ClusterPlan& plan, const Faults& faults);
Process::Setup WorkerSetup(const ClusterPlan& plan, uint32_t index, const Faults& faults);
Process::Setup ClientSetup(const BatchPlan& plan, Checker& checker);
Process::Setup OperatorSetup(bool kill);
// Others that claim to be the cluster's ventilator or sink, from state directories of their own.
Process::Setup ImpostorVentilatorSetup();
Process::Setup ImpostorSinkSetup();

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_ROLES_H_
