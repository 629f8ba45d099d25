#include "controller/cli/array_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanmill::cli {
namespace {

using ::testing::HasSubstr;

TEST(ArrayRange, CountsFromTheFirstToTheLast) {
  const auto range = ParseArray("1-1000000");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->first, 1);
  EXPECT_EQ(range->step, 1);
  EXPECT_EQ(range->count, 1'000'000u);
}

TEST(ArrayRange, StopsAtTheLastStepThatIsNotAboveTheEnd) {
  const auto range = ParseArray("0-100:30");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->first, 0);
  EXPECT_EQ(range->step, 30);
  EXPECT_EQ(range->count, 4u);  // 0, 30, 60, 90
}

TEST(ArrayRange, MayHaveOneNumber) {
  const auto range = ParseArray("7-7");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->count, 1u);
}

TEST(ArrayRange, RefusesWhatIsNoRangeAndShowsOne) {
  for (const char* text : {"", "7", "1-", "-5", "1--5", "a-b", "1-10:", "1-10:x", "1-10 ", " 1-10",
                           "1-10:2:3", "1,2,3", "+1-5", "1-99999999999999999999"}) {
    const auto range = ParseArray(text);
    ASSERT_FALSE(range.ok()) << text;
    EXPECT_THAT(range.status().message(), HasSubstr("such as 1-1000")) << text;
  }
}

TEST(ArrayRange, SaysWhyARangeIsEmptyOrEndless) {
  EXPECT_THAT(ParseArray("10-1").status().message(), HasSubstr("first number is above its last"));
  EXPECT_THAT(ParseArray("1-10:0").status().message(), HasSubstr("STEP must be 1 or more"));
}

TEST(ArrayRange, EndsAtTheMostTasksThatABatchMayHave) {
  EXPECT_TRUE(ParseArray("1-1099511627776").ok());
  const auto above = ParseArray("0-1099511627776");
  ASSERT_FALSE(above.ok());
  EXPECT_THAT(above.status().message(), HasSubstr("at most 1099511627776"));
  EXPECT_FALSE(ParseArray("0-9223372036854775807").ok());
}

}  // namespace
}  // namespace fanmill::cli
