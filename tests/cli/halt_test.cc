// --halt: what it understands, and when it is time.
#include "controller/cli/halt.h"

#include <gtest/gtest.h>

namespace fanmill::cli {
namespace {

using How = Halt::How;

TEST(Halt, CountsOnlyTheTasksThatItIsAbout) {
  Halt halt = *Halt::Parse("soon,fail=2");
  EXPECT_EQ(halt.OnEnd(false), How::kNever);
  EXPECT_EQ(halt.OnEnd(true), How::kNever);
  EXPECT_EQ(halt.OnEnd(false), How::kSoon);
  EXPECT_EQ(halt.Why(), "2 tasks failed");
  EXPECT_EQ(halt.OnEnd(true), How::kSoon) << "it stays so";
}

TEST(Halt, IsAboutSuccessesToo) {
  Halt halt = *Halt::Parse("now,success=1");
  EXPECT_EQ(halt.OnEnd(false), How::kNever);
  EXPECT_EQ(halt.OnEnd(true), How::kNow);
  EXPECT_EQ(halt.Why(), "1 task succeeded");
}

TEST(Halt, TakesAPercentageOfWhatHasEndedOnceThereAreThree) {
  Halt halt = *Halt::Parse("now,fail=50%");
  EXPECT_EQ(halt.OnEnd(false), How::kNever);
  EXPECT_EQ(halt.OnEnd(false), How::kNever);
  EXPECT_EQ(halt.OnEnd(false), How::kNow);
  EXPECT_EQ(halt.Why(), "3 tasks failed, of 3 that ended");

  Halt rarer = *Halt::Parse("soon,fail=10%");
  for (int i = 0; i < 28; ++i) EXPECT_EQ(rarer.OnEnd(true), How::kNever);
  EXPECT_EQ(rarer.OnEnd(false), How::kNever);
  EXPECT_EQ(rarer.OnEnd(false), How::kNever);
  EXPECT_EQ(rarer.OnEnd(false), How::kNever) << "3 of 31 are less than 10 %";
  EXPECT_EQ(rarer.OnEnd(false), How::kSoon);
}

TEST(Halt, IsNeverDueWhenNothingWasAsked) {
  Halt halt;
  Halt never = *Halt::Parse("never");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(halt.OnEnd(false), How::kNever);
    EXPECT_EQ(never.OnEnd(false), How::kNever);
  }
}

TEST(Halt, RefusesWhatItDoesNotUnderstandAndSaysHowItIsWritten) {
  for (const char* text : {"", "fail=1", "now", "now,", "now,fail", "now,fail=", "now,fail=0",
                           "now,fail=-1", "soon,fail=x", "later,fail=1", "now,fail=101%",
                           "now,fail=0%", "now,done=3", "now,fail=1 "}) {
    const absl::StatusOr<Halt> halt = Halt::Parse(text);
    ASSERT_FALSE(halt.ok()) << text;
    EXPECT_NE(halt.status().message().find("soon,fail=1"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace fanmill::cli
