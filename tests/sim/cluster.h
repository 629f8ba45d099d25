// A whole cluster under one clock: built from a seed or by hand, run to its end or to the bound,
// checked.
#ifndef FANMILL_TESTS_SIM_CLUSTER_H_
#define FANMILL_TESTS_SIM_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/coverage.h"
#include "tests/sim/faults.h"
#include "tests/sim/plan.h"

namespace fanmill::sim {

struct Outcome {
  std::vector<std::string> failures;  // empty: all held
  Coverage coverage;
  uint64_t steps = 0;
  Instant ended{};
};

struct Scenario {
  ClusterPlan plan;
  Faults faults;
  uint64_t seed = 0;

  // Everything from the seed: plan, faults, network. Every fourth seed has no faults at all.
  static Scenario FromSeed(uint64_t seed);
};

// Runs it. With a transcript every message of every process is written there.
Outcome Simulate(const Scenario& run, std::vector<std::string>* transcript = nullptr);

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_CLUSTER_H_
