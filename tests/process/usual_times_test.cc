// Timeouts that are told as a share of what is usual.
#include "worker/handlers/usual_times.h"

#include "tests/process/executor_rig.h"

namespace fanmill {
namespace {

TEST(UsualTimes, AreKnownFromAFewTasksOn) {
  UsualTimes times;
  times.Add(1, Seconds(1));
  times.Add(1, Seconds(2));
  times.Add(2, Seconds(50));
  EXPECT_EQ(times.Share(1, 100), std::nullopt);
  EXPECT_EQ(times.Share(3, 100), std::nullopt);
  times.Add(1, Seconds(9));
  const auto median = times.Share(1, 100);
  ASSERT_TRUE(median.has_value());
  EXPECT_NEAR(static_cast<double>(median->count()), 2e6, 2e4);  // as exact as a sketch is
  EXPECT_NEAR(static_cast<double>(times.Share(1, 250)->count()), 5e6, 5e4);
  EXPECT_EQ(times.Share(2, 100), std::nullopt);
}

TEST(UsualTimes, AShareIsNeitherTooShortToMeanAnythingNorTooLongToCount) {
  UsualTimes times;
  for (int i = 0; i < 3; ++i) times.Add(1, Micros(10));
  EXPECT_EQ(times.Share(1, 200), UsualTimes::kShareMin);
  for (int i = 0; i < 9; ++i) times.Add(1, Duration::max());
  EXPECT_GT(*times.Share(1, UINT32_MAX), Seconds(1'000'000'000));
}

TEST(UsualTimes, OfTheOldestBatchAreForgottenAtTheLimit) {
  UsualTimes times;
  for (uint32_t batch = 1; batch <= UsualTimes::kBatchesMax + 1; ++batch) {
    for (int i = 0; i < 3; ++i) times.Add(batch, Seconds(1));
  }
  EXPECT_EQ(times.Share(1, 100), std::nullopt);
  EXPECT_TRUE(times.Share(2, 100).has_value());
  EXPECT_TRUE(times.Share(UsualTimes::kBatchesMax + 1, 100).has_value());
}

TEST(RelativeTimeout, EndsATaskThatBeganWhenNobodyKnewWhatIsUsual) {
  Rig rig(2);
  pb::Spec spec = ExecSpec({"sleep", "{}"});
  spec.set_timeout_percent(200);
  const uint32_t hangs = rig.Run(0, 1, spec, {{"1000"}});
  const uint32_t first = rig.Run(1, 1, spec, {{"0", "0", "0"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(hangs).status, pb::TIMED_OUT);
  for (uint32_t i = first; i < first + 3; ++i) EXPECT_EQ(rig.ended.at(i).status, pb::OK);
}

TEST(RelativeTimeout, EndsATaskThatBeganLater) {
  Rig rig(1);
  pb::Spec spec = ExecSpec({"sleep", "{}"});
  spec.set_timeout_percent(200);
  spec.set_timeout_us(3'600'000'000);  // the shorter one holds
  const uint32_t first = rig.Run(0, 1, spec, {{"0", "0", "0", "1000", "1000"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(first + 3).status, pb::TIMED_OUT);
  EXPECT_EQ(rig.ended.at(first + 4).status, pb::TIMED_OUT);  // what hung is not what is usual
}

}  // namespace
}  // namespace fanmill
