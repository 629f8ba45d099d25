// What the simulated batches are made of, and what each of their tasks does when it runs.
#ifndef FANMILL_TESTS_SIM_PLAN_H_
#define FANMILL_TESTS_SIM_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/instant.h"
#include "lib/core/random.h"

namespace fanmill::sim {

enum class Fate : uint8_t { kOk, kFails, kFlaky, kPoison };

struct BatchPlan {
  uint32_t index = 0;
  uint64_t seed = 0;
  uint64_t tasks = 0;
  bool plain = false;          // no output at all: the fast path
  bool range = false;          // values from a range, not payloads
  bool costs = false;          // costs declared
  Duration run_min{0};
  Duration run_max{0};
  uint32_t fails_percent = 0;
  uint32_t flaky_percent = 0;  // fails at its first attempt of an epoch
  uint32_t poison = 0;         // this many tasks kill their worker
  uint32_t large_percent = 0;  // output larger than a result chunk takes
  uint32_t retries = 0;
  uint32_t min_workers = 1;
  bool hold = false;
  std::optional<Duration> cancel_after;

  std::string name() const { return "plan-" + std::to_string(index); }
  std::string Payload(uint64_t task) const;
  Duration Run(uint64_t task) const;
  Fate FateOf(uint64_t task) const;
  uint64_t LargeBytes(uint64_t task) const;  // 0: small

  static BatchPlan Draw(uint32_t index, Random& random);
};

struct ClusterPlan {
  uint32_t workers = 1;
  std::vector<uint32_t> slots;  // per worker
  std::vector<BatchPlan> batches;

  static ClusterPlan Draw(Random& random);
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_PLAN_H_
