// What the simulated batches are made of, what each of their tasks does when it runs, who works on
// them, and how the cluster ends.
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
  bool plain = false;  // no output at all: the fast path
  bool range = false;  // values from a range, not payloads
  bool costs = false;  // costs declared
  Duration run_min{0};
  Duration run_max{0};
  uint32_t fails_percent = 0;
  uint32_t flaky_percent = 0;  // fails at its first attempt of an epoch
  uint32_t poison = 0;         // this many tasks kill their worker
  uint32_t large_percent = 0;  // output larger than a result chunk takes
  uint32_t retries = 0;
  bool hopeless = false;  // what fails at each attempt is not worth a second one
  Duration retry_delay{0};
  Duration retry_delay_max{0};
  uint32_t min_workers = 1;
  bool hold = false;
  bool may_be_lost = false;  // journals are forgetful: it may end without all its results
  bool clumsy = false;       // its client repeats itself, at wrong offsets too
  Duration opens{0};         // when it is submitted
  std::optional<Duration> cancel_after;

  std::string name() const { return "plan-" + std::to_string(index); }
  const char* handler() const { return plain ? "noop" : "exec"; }
  std::string Payload(uint64_t task) const;
  Duration Run(uint64_t task) const;
  Fate FateOf(uint64_t task) const;
  static constexpr int kFailsCode = 3;
  static constexpr int kFlakyCode = 4;
  uint64_t LargeBytes(uint64_t task) const;  // 0: small

  static BatchPlan Draw(uint32_t index, Random& random);
};

struct WorkerPlan {
  uint32_t slots = 1;
  bool only_noop = false;  // offers no exec
  Duration arrives{0};
  std::optional<Duration> leaves;  // a person asks it to stop then; a new one comes later
  bool impatient = false;          // ... and asks once more soon after
};

// How the cluster is told to end.
enum class Ending : uint8_t {
  kNone,        // it is not: the run stops when all batches ended
  kDrainAfter,  // SHUTDOWN when all batches ended
  kKillAfter,
  kDrainMidway,  // SHUTDOWN while they may still run
  kKillMidway,
};

struct ClusterPlan {
  std::vector<WorkerPlan> workers;
  std::vector<BatchPlan> batches;
  Ending ending = Ending::kNone;
  Duration ends{0};           // when, of a midway ending
  uint64_t sink_memory = 0;   // 0: as shipped
  uint64_t sink_disk = 0;     // bytes that the ledger has room for; 0: no end of them
  uint64_t intake_bytes = 0;  // as sink_memory
  uint64_t spool_bytes = 0;   // of each worker; 0: as shipped
  bool forgetful = false;     // ventilator's and sink's journals do not survive a crash
  bool impostors = false;     // a second ventilator and a second sink try to join
  void Forgetful();           // makes it so
  bool midway() const { return ending == Ending::kDrainMidway || ending == Ending::kKillMidway; }

  static ClusterPlan Draw(Random& random);
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_PLAN_H_
