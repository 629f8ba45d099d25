#include "tests/sim/plan.h"

#include <algorithm>

#include "lib/core/limits.h"

namespace fanmill::sim {
namespace {

// A number that belongs to the task for ever.
uint64_t TaskHash(uint64_t seed, uint64_t task, uint64_t salt) {
  return Random(seed ^ (task * 0x9e3779b97f4a7c15ULL) ^ salt).Next();
}

Duration DrawMillis(Random& random, uint64_t most) {
  return Millis(static_cast<int64_t>(random.Uniform(most)));
}

bool OneIn(Random& random, uint64_t n) { return random.Uniform(n) == 0; }

void DrawRetries(BatchPlan& plan) {
  Random random(plan.seed);
  plan.hopeless = OneIn(random, 3);
  if (OneIn(random, 3)) return;
  plan.retry_delay = DrawMillis(random, OneIn(random, 2) ? 20 : 1'000);
  if (OneIn(random, 2)) plan.retry_delay_max = plan.retry_delay * 3;
}

WorkerPlan DrawWorker(uint32_t index, Random& random) {
  WorkerPlan worker;
  worker.slots = 1 + static_cast<uint32_t>(random.Uniform(4));
  // The first one offers everything and never leaves for good: somebody must do the work.
  worker.only_noop = index > 0 && OneIn(random, 6);
  worker.arrives = DrawMillis(random, OneIn(random, 4) ? 8'000 : 2'000);
  if (OneIn(random, 4)) worker.leaves = Millis(1'000) + DrawMillis(random, 8'000);
  worker.impatient = OneIn(random, 2);
  return worker;
}

}  // namespace

std::string BatchPlan::Payload(uint64_t task) const {
  if (range) return std::to_string(100 + 3 * static_cast<int64_t>(task));
  return "p" + std::to_string(index) + "-" + std::to_string(task);
}

Duration BatchPlan::Run(uint64_t task) const {
  const uint64_t span = static_cast<uint64_t>((run_max - run_min).count());
  return run_min + Micros(static_cast<int64_t>(TaskHash(seed, task, 1) % (span + 1)));
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
  plan.tasks = OneIn(random, 8) ? random.Uniform(3) : 1 + random.Uniform(250);
  plan.range = OneIn(random, 3);
  plan.costs = OneIn(random, 2);
  plan.plain = OneIn(random, 3);
  if (plan.plain) {
    plan.tasks *= 20;
    plan.run_max = Micros(static_cast<int64_t>(random.Uniform(50)));
  } else {
    plan.run_min = Micros(static_cast<int64_t>(random.Uniform(5'000)));
    plan.run_max = plan.run_min + Micros(static_cast<int64_t>(random.Uniform(100'000)));
    if (OneIn(random, 3)) plan.fails_percent = static_cast<uint32_t>(random.Uniform(20));
    if (OneIn(random, 3)) plan.flaky_percent = static_cast<uint32_t>(random.Uniform(30));
    if (OneIn(random, 8)) plan.poison = static_cast<uint32_t>(std::min<uint64_t>(1, plan.tasks));
    if (OneIn(random, 10)) plan.large_percent = 4;
    plan.retries = static_cast<uint32_t>(random.Uniform(4));
    DrawRetries(plan);
  }
  plan.min_workers = 1 + static_cast<uint32_t>(random.Uniform(2));
  plan.hold = OneIn(random, 4);
  plan.clumsy = OneIn(random, 3);
  plan.opens = DrawMillis(random, 2'000);
  if (OneIn(random, 6)) plan.cancel_after = DrawMillis(random, 3'000);
  return plan;
}

// As the executables are today: their journals live in memory.
void ClusterPlan::Forgetful() {
  forgetful = true;
  for (BatchPlan& batch : batches) {
    batch.may_be_lost = true;
    batch.clumsy = false;
  }
}

ClusterPlan ClusterPlan::Draw(Random& random) {
  ClusterPlan plan;
  const uint32_t workers = 2 + static_cast<uint32_t>(random.Uniform(4));
  for (uint32_t i = 0; i < workers; ++i) plan.workers.push_back(DrawWorker(i, random));
  const uint32_t batches = 1 + static_cast<uint32_t>(random.Uniform(3));
  for (uint32_t i = 0; i < batches; ++i) plan.batches.push_back(BatchPlan::Draw(i, random));
  constexpr Ending kEndings[] = {Ending::kNone,      Ending::kNone,        Ending::kDrainAfter,
                                 Ending::kKillAfter, Ending::kDrainMidway, Ending::kKillMidway};
  plan.ending = kEndings[random.Uniform(std::size(kEndings))];
  plan.ends = Millis(2'500) + DrawMillis(random, 5'000);
  const bool large = std::any_of(plan.batches.begin(), plan.batches.end(),
                                 [](const BatchPlan& batch) { return batch.large_percent > 0; });
  const uint64_t little = large ? 4 << 20 : 16 << 10;  // yet room for the largest frame
  if (OneIn(random, 3)) plan.sink_memory = little + random.Uniform(little);
  // A batch may hold half: a little above 64 KiB, the least room that a client is told of.
  if (OneIn(random, 4)) plan.intake_bytes = 2 * ((65 << 10) + random.Uniform(8 << 10));
  if (OneIn(random, 4)) plan.spool_bytes = little + random.Uniform(little);
  if (OneIn(random, 4)) plan.sink_disk = 4 * (little + random.Uniform(little));
  plan.impostors = OneIn(random, 8);
  if (OneIn(random, 12)) plan.Forgetful();
  return plan;
}

}  // namespace fanmill::sim
