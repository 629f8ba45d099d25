// How long tasks wait before they are tried again.
#include "ventilator/back_off.h"

#include <gtest/gtest.h>

#include <set>

namespace fanmill::ventilator {
namespace {

constexpr Instant kNow{Seconds(100)};

pb::Spec Delays(Duration first, Duration most) {
  pb::Spec spec;
  spec.set_retry_delay_us(static_cast<uint64_t>(first.count()));
  spec.set_retry_delay_max_us(static_cast<uint64_t>(most.count()));
  return spec;
}

// How long task 7 waits after so many failures.
Duration Waits(BackOff& back_off, uint64_t failures) {
  EXPECT_FALSE(back_off.Add(kNow, 7, failures).has_value());
  const Duration wait = back_off.due() - kNow;
  EXPECT_TRUE(back_off.Remove(7));
  return wait;
}

void ExpectAbout(Duration wait, Duration delay) {
  EXPECT_GE(wait, delay);
  EXPECT_LE(wait, delay + delay / 2);
}

TEST(BackOff, WaitsTwiceAsLongEachTimeUpToTheLongest) {  // R108
  BackOff back_off(Delays(Millis(100), Seconds(1)), 1);
  ExpectAbout(Waits(back_off, 1), Millis(100));
  ExpectAbout(Waits(back_off, 2), Millis(200));
  ExpectAbout(Waits(back_off, 4), Millis(800));
  ExpectAbout(Waits(back_off, 5), Seconds(1));
  ExpectAbout(Waits(back_off, 1000), Seconds(1));
}

TEST(BackOff, WaitsTheSameEachTimeWhereNoLongestIsSaid) {  // R108
  BackOff back_off(Delays(Millis(100), Duration{0}), 1);
  ExpectAbout(Waits(back_off, 1), Millis(100));
  ExpectAbout(Waits(back_off, 9), Millis(100));
}

TEST(BackOff, DoesNotOverflowHoweverLongTheDelaysAre) {  // R108
  constexpr Duration kTenYears = Seconds(int64_t{10} * 365 * 86400);
  BackOff back_off(Delays(kTenYears / 3 * 2, kTenYears), 1);
  ExpectAbout(Waits(back_off, 1000), kTenYears);
}

TEST(BackOff, SpreadsWhatFailedTogether) {  // R108
  BackOff back_off(Delays(Seconds(1), Seconds(1)), 1);
  std::set<Duration> waits;
  for (int i = 0; i < 100; ++i) waits.insert(Waits(back_off, 1));
  EXPECT_GT(waits.size(), 90u);
  EXPECT_GT(*waits.rbegin() - *waits.begin(), Millis(300));
}

TEST(BackOff, LetsATaskGoAtOnceWhereThereIsNoDelay) {  // R108
  BackOff back_off(Delays(Duration{0}, Seconds(10)), 1);
  EXPECT_EQ(back_off.Add(kNow, 7, 1), 7u);
  EXPECT_TRUE(back_off.empty());
  EXPECT_EQ(back_off.due(), kNever);
}

TEST(BackOff, GivesEachTaskBackWhenItsTimeHasComeTheFirstFirst) {  // R108
  BackOff back_off(Delays(Millis(100), Seconds(10)), 1);
  back_off.Add(kNow, 1, 4);
  back_off.Add(kNow, 2, 1);
  EXPECT_FALSE(back_off.TakeDue(kNow + Millis(99)).has_value());
  EXPECT_EQ(back_off.TakeDue(kNow + Millis(150)), 2u);
  EXPECT_FALSE(back_off.TakeDue(kNow + Millis(150)).has_value());
  EXPECT_TRUE(back_off.Contains(1));
  EXPECT_EQ(back_off.TakeDue(back_off.due()), 1u);
  EXPECT_TRUE(back_off.empty());
}

TEST(BackOff, LetsTheFirstGoWhenMoreWaitThanMay) {  // R108
  BackOff back_off(Delays(Millis(100), Seconds(10)), 1);
  back_off.Add(kNow, 0, 1);
  for (uint64_t task = 1; task < BackOff::kTasksMax; ++task) {
    ASSERT_FALSE(back_off.Add(kNow, task, 3).has_value());
  }
  EXPECT_EQ(back_off.Add(kNow, BackOff::kTasksMax, 3), 0u);
  EXPECT_EQ(back_off.size(), BackOff::kTasksMax);
}

}  // namespace
}  // namespace fanmill::ventilator
