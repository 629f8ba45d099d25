#include "lib/core/retry_on.h"

#include <gtest/gtest.h>

#include "lib/core/limits.h"

namespace fanmill {
namespace {

RetryOn Read(std::string_view text) {
  std::string why;
  const std::optional<RetryOn> on = RetryOn::Parse(text, &why);
  EXPECT_TRUE(on.has_value()) << text << ": " << why;
  return on.value_or(RetryOn());
}

std::string WhyNot(std::string_view text) {
  std::string why;
  EXPECT_FALSE(RetryOn::Parse(text, &why).has_value()) << text;
  return why;
}

TEST(RetryOn, CoversTheCodesItNamesAndNoOther) {  // R107
  const RetryOn on = Read("75,100-110");
  for (const int32_t code : {75, 100, 105, 110}) EXPECT_TRUE(on.Covers(v1::FAILED, code)) << code;
  for (const int32_t code : {-1, 1, 74, 76, 99, 111}) {
    EXPECT_FALSE(on.Covers(v1::FAILED, code)) << code;
  }
  EXPECT_FALSE(on.Covers(v1::SIGNALLED, 75));
  EXPECT_FALSE(on.Covers(v1::TIMED_OUT, 0));
  EXPECT_FALSE(on.Covers(v1::NOT_STARTED, 0));
}

TEST(RetryOn, CoversEachOtherEndThatHasAWord) {  // R107
  EXPECT_TRUE(Read("timeout").Covers(v1::TIMED_OUT, 0));
  EXPECT_TRUE(Read("not-started").Covers(v1::NOT_STARTED, 0));
  for (const int32_t number : {1, 9, 64}) {
    EXPECT_TRUE(Read("signal").Covers(v1::SIGNALLED, number)) << number;
  }
  for (const char* kill : {"signal:9", "signal:KILL", "signal:SIGKILL", "3,signal:15,signal:9"}) {
    EXPECT_TRUE(Read(kill).Covers(v1::SIGNALLED, 9)) << kill;
    EXPECT_FALSE(Read(kill).Covers(v1::SIGNALLED, 11)) << kill;
    EXPECT_FALSE(Read(kill).Covers(v1::FAILED, 9)) << kill;
  }
  for (const v1::Status status : {v1::FAILED, v1::SIGNALLED, v1::TIMED_OUT, v1::NOT_STARTED}) {
    EXPECT_TRUE(Read("any").Covers(status, 77));
    EXPECT_TRUE(Read("1,any").Covers(status, 77));
  }
}

TEST(RetryOn, SaysWhatItCannotReadWithAnExample) {
  for (const char* wrong : {"", "1,", "x", "-1", "256", "5-3", "0-3", "1-256", "1-", "signal:",
                            "signal:0", "signal:65", "signal:NONE", "Timeout", " 1", "1 2"}) {
    EXPECT_TRUE(WhyNot(wrong).ends_with("write words such as 75,100-110,timeout,signal:9"));
  }
  EXPECT_TRUE(WhyNot("75,tomorrow").starts_with("'tomorrow' is no exit code from 1 to 255"));
  EXPECT_TRUE(WhyNot("0").starts_with("with exit code 0 a task is ok"));
}

TEST(RetryOn, CrossesTheWire) {
  for (const char* text :
       {"any", "75,100-110", "timeout,signal", "signal:9,not-started", "1-255"}) {
    const RetryOn before = Read(text);
    v1::Spec spec;
    before.PackInto(spec);
    EXPECT_EQ(spec.has_retry_on(), !before.any) << text;
    EXPECT_TRUE(RetryOn::IsValid(spec.retry_on())) << text;
    const RetryOn after = RetryOn::Of(spec);
    EXPECT_EQ(after.any, before.any) << text;
    EXPECT_EQ(after.codes, before.codes) << text;
    EXPECT_EQ(after.signals, before.signals) << text;
    EXPECT_EQ(after.timed_out, before.timed_out) << text;
    EXPECT_EQ(after.not_started, before.not_started) << text;
  }
}

// However many words there are: a range is as long as the numbers that there can be.
TEST(RetryOn, IsAtMostAsLongAsThereAreCodes) {
  std::string every_second = "1";
  for (uint32_t code = 3; code <= kExitCodeMax; code += 2) {
    every_second += "," + std::to_string(code) + "," + std::to_string(code);
  }
  EXPECT_EQ(Read(every_second).codes.range_count(), (kExitCodeMax + 1) / 2);
}

}  // namespace
}  // namespace fanmill
