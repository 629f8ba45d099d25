#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/cli/task_source.h"

namespace fanmill::cli {
namespace {

using ::testing::HasSubstr;

TEST(SleepValue, IsMicrosecondsWhenItHasNoUnit) {
  EXPECT_EQ(*SleepValue("0"), "0");
  EXPECT_EQ(*SleepValue("1500"), "1500");
}

TEST(SleepValue, BecomesMicrosecondsWhenItHasOne) {
  EXPECT_EQ(*SleepValue("50ms"), "50000");
  EXPECT_EQ(*SleepValue("1.5s"), "1500000");
  EXPECT_EQ(*SleepValue("300us"), "300");
  EXPECT_EQ(*SleepValue("2m"), "120000000");
}

TEST(SleepValue, SaysWhatItTakesWhenItIsNeither) {
  for (const char* text : {"", "soon", "1.5", "-3", "50 ms", "5x", "9999999999999999", "ms"}) {
    const auto value = SleepValue(text);
    ASSERT_FALSE(value.ok()) << text;
    EXPECT_THAT(value.status().message(), HasSubstr("a duration (50ms, 1.5s, 2m)")) << text;
  }
}

}  // namespace
}  // namespace fanmill::cli
