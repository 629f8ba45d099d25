// Random numbers and latency sketches.
#include <gtest/gtest.h>

#include <vector>

#include "lib/core/instant.h"
#include "lib/core/random.h"
#include "lib/core/sketch.h"

namespace fanmill {
namespace {

TEST(Random, GivesTheSameNumbersForTheSameSeedForEver) {
  Random random(0);
  EXPECT_EQ(random.Next(), 0x99ec5f36cb75f2b4u);  // xoshiro256** seeded by splitmix64(0)
  Random one(7);
  Random two(7);
  Random other(8);
  EXPECT_EQ(one.Next(), two.Next());
  EXPECT_NE(one.Next(), other.Next());
}

TEST(Random, StaysBelowItsBoundAndReachesEveryNumber) {
  Random random(3);
  std::vector<int> times(10);
  for (int i = 0; i < 10'000; ++i) ++times.at(random.Uniform(10));
  for (const int n : times) {
    EXPECT_GT(n, 800);
    EXPECT_LT(n, 1200);
  }
  EXPECT_EQ(random.Uniform(1), 0u);
}

void ExpectWithinOnePercent(uint64_t value, uint64_t exact) {
  const double error = std::abs(static_cast<double>(value) - static_cast<double>(exact));
  EXPECT_LE(error, 0.01 * static_cast<double>(exact) + 0.5) << value << " for " << exact;
}

TEST(Sketch, IsWithinOnePercentOverTheWholeRange) {
  for (uint64_t value = 1; value < UINT64_MAX / 3; value = value * 3 + 1) {
    Sketch sketch;
    sketch.Add(value);
    ExpectWithinOnePercent(sketch.Quantile(0.5), value);
  }
  Sketch largest;
  largest.Add(UINT64_MAX);
  ExpectWithinOnePercent(largest.Quantile(1), UINT64_MAX);
}

TEST(Sketch, FindsPercentiles) {
  Sketch sketch;
  for (uint64_t i = 1; i <= 1000; ++i) sketch.Add(i * 1000);
  EXPECT_EQ(sketch.count(), 1000u);
  ExpectWithinOnePercent(sketch.Quantile(0), 1000);
  ExpectWithinOnePercent(sketch.Quantile(0.5), 500'000);
  ExpectWithinOnePercent(sketch.Quantile(0.99), 990'000);
  ExpectWithinOnePercent(sketch.Quantile(1), 1'000'000);
}

TEST(Sketch, KnowsZeroAndEmptiness) {
  Sketch sketch;
  EXPECT_EQ(sketch.Quantile(0.5), 0u);
  sketch.Add(0, 3);
  sketch.Add(5, 0);
  EXPECT_EQ(sketch.count(), 3u);
  EXPECT_EQ(sketch.Quantile(1), 0u);
}

TEST(Sketch, IsTheSameAfterPackingAndUnpacking) {
  Sketch sketch;
  for (const uint64_t value : {0, 1, 5, 5, 1'000'000}) sketch.Add(value);
  const Sketch again = Sketch::Unpack(sketch.Pack());
  EXPECT_EQ(again.count(), 5u);
  EXPECT_EQ(again.Pack().SerializeAsString(), sketch.Pack().SerializeAsString());
}

TEST(Sketch, TakesGarbageWithoutHarm) {
  v1::LatencySketch packed;
  for (int i = 0; i < 5; ++i) packed.add_bucket(UINT32_MAX);
  packed.add_count(UINT64_MAX);
  packed.add_count(UINT64_MAX);
  const Sketch sketch = Sketch::Unpack(packed);
  EXPECT_GT(sketch.Quantile(0.5), 0u);
  Sketch::Unpack({}).Quantile(0.5);
}

TEST(Instant, NeverOverflows) {
  EXPECT_EQ(After(kNever, Micros(1)), kNever);
  EXPECT_EQ(After(Instant(Micros(5)), Duration::max()), kNever);
  EXPECT_EQ(After(Instant(Micros(5)), Micros(2)), Instant(Micros(7)));
  EXPECT_EQ(After(Instant(Micros(5)), Micros(-2)), Instant(Micros(3)));
}

}  // namespace
}  // namespace fanmill
