#include "controller/cli/outage.h"

#include <gtest/gtest.h>

namespace fanmill::cli {
namespace {

TEST(Outage, IsToldOnceWhenItLastsAndOnceWhenItIsOver) {
  Outage outage("the sink", 3);
  const Instant begun{Seconds(10)};
  EXPECT_EQ(outage.OnAnswer(), "");
  EXPECT_EQ(outage.OnSilence(begun), "");
  EXPECT_EQ(outage.OnSilence(begun + Outage::kToldAfter - Micros(1)), "");
  EXPECT_EQ(outage.OnSilence(begun + Outage::kToldAfter),
            "batch 3: the sink does not answer; this command goes on asking until it does, or "
            "until Ctrl-C, which stops nothing else");
  EXPECT_EQ(outage.OnSilence(begun + Seconds(3600)), "");
  EXPECT_EQ(outage.OnAnswer(), "batch 3: the sink answers again");
  EXPECT_EQ(outage.OnAnswer(), "");
}

TEST(Outage, OfAMomentIsNotToldAtAll) {
  Outage outage("the sink", 3);
  EXPECT_EQ(outage.OnSilence(Instant{Seconds(10)}), "");
  EXPECT_EQ(outage.OnAnswer(), "");
  EXPECT_EQ(outage.OnSilence(Instant{Seconds(60)}), "") << "another one";
}

TEST(Outage, IsOfOneThatHasAnsweredBefore) {
  Outage outage("the sink", 3);
  EXPECT_FALSE(outage.known());
  outage.OnSilence(Instant{});
  EXPECT_FALSE(outage.known());
  outage.OnAnswer();
  EXPECT_TRUE(outage.known());
}

}  // namespace
}  // namespace fanmill::cli
