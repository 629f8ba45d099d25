#include "tests/sim/plan.h"

#include <algorithm>

#include "lib/core/limits.h"

namespace fanmill::sim {
namespace {

// A number that belongs to the task for ever: splitmix64 of the plan's seed and the task.
uint64_t TaskHash(uint64_t seed, uint64_t task, uint64_t salt) {
  return Random(seed ^ (task * 0x9e3779b97f4a7c15ULL) ^ salt).Next();
}

}  // namespace

std::string BatchPlan::Payload(uint64_t task) const {
  if (range) return std::to_string(100 + 3 * static_cast<int64_t>(task));
  return "p" + std::to_string(index) + "-" + std::to_string(task);
}

Duration BatchPlan::Run(uint64_t task) const {
  const int64_t span = (run_max - run_min).count();
  return run_min + Micros(static_cast<int64_t>(
                       TaskHash(seed, task, 1) % static_cast<uint64_t>(span + 1)));
}

Fate BatchPlan::FateOf(uint64_t task) const {
  if (task < poison) return Fate::kPoison;
  const uint64_t draw = TaskHash(seed, task, 2) % 100;
  if (draw < fails_percent) return Fate::kFails;
  if (draw < fails_percent + flaky_percent) return Fate::kFlaky;
  return Fate::kOk;
}

uint64_t BatchPlan::LargeBytes(uint64_t task) const {
  if (TaskHash(seed, task, 3) % 100 >= large_percent) return 0;
  return kOutputPartBytesMax + TaskHash(seed, task, 4) % kOutputPartBytesMax;
}

BatchPlan BatchPlan::Draw(uint32_t index, Random& random) {
  BatchPlan plan;
  plan.index = index;
  plan.seed = random.Next();
  plan.tasks = random.Uniform(8) == 0 ? random.Uniform(3) : 1 + random.Uniform(300);
  plan.range = random.Uniform(3) == 0;
  plan.costs = random.Uniform(2) == 0;
  plan.plain = random.Uniform(3) == 0;
  if (plan.plain) {
    plan.tasks *= 10;
    plan.run_max = Micros(static_cast<int64_t>(random.Uniform(50)));
  } else {
    plan.run_min = Micros(static_cast<int64_t>(random.Uniform(5'000)));
    plan.run_max = plan.run_min + Micros(static_cast<int64_t>(random.Uniform(100'000)));
    if (random.Uniform(3) == 0) plan.fails_percent = static_cast<uint32_t>(random.Uniform(20));
    if (random.Uniform(3) == 0) plan.flaky_percent = static_cast<uint32_t>(random.Uniform(30));
    if (random.Uniform(8) == 0) plan.poison = std::min<uint32_t>(1, plan.tasks);
    if (random.Uniform(16) == 0) plan.large_percent = 2;
    plan.retries = static_cast<uint32_t>(random.Uniform(4));
  }
  plan.min_workers = 1 + static_cast<uint32_t>(random.Uniform(2));
  plan.hold = random.Uniform(4) == 0;
  if (random.Uniform(6) == 0) {
    plan.cancel_after = Millis(static_cast<int64_t>(random.Uniform(3'000)));
  }
  return plan;
}

ClusterPlan ClusterPlan::Draw(Random& random) {
  ClusterPlan plan;
  plan.workers = 2 + static_cast<uint32_t>(random.Uniform(4));
  for (uint32_t i = 0; i < plan.workers; ++i) {
    plan.slots.push_back(1 + static_cast<uint32_t>(random.Uniform(4)));
  }
  const uint64_t batches = 1 + random.Uniform(3);
  for (uint32_t i = 0; i < batches; ++i) plan.batches.push_back(BatchPlan::Draw(i, random));
  return plan;
}

}  // namespace fanmill::sim
