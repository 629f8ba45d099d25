// How each role is set up in the simulator: the real machines, with the options they ship with.
#ifndef FANMILL_TESTS_SIM_ROLES_H_
#define FANMILL_TESTS_SIM_ROLES_H_

#include "tests/sim/process.h"

namespace fanmill::sim {

inline constexpr HostId kControllerHost = 0;
inline constexpr HostId kVentilatorHost = 1;
inline constexpr HostId kSinkHost = 2;
inline constexpr HostId kFirstWorkerHost = 10;
inline constexpr HostId kFirstClientHost = 1000;

Process::Setup ControllerSetup(bool may_crash);
Process::Setup VentilatorSetup(bool may_crash);
Process::Setup SinkSetup(bool may_crash);
Process::Setup WorkerSetup(uint32_t number, uint32_t slots, bool may_crash);
Process::Setup ClientSetup(const BatchPlan& plan, Checker& checker);

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_ROLES_H_
