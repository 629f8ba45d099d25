// The line of progress: what it tells, and what it leaves out where there is little room.
#include "controller/cli/progress_line.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanmill::cli {
namespace {

ProgressFacts HalfDone() {
  ProgressFacts facts;
  facts.done = 50;
  facts.total = 100;
  facts.running = 4;
  facts.slots = 4;
  facts.elapsed = Seconds(25);
  for (int i = 0; i < 25; ++i) {
    facts.run_seconds.Add(1);
    facts.run_seconds.Add(3);
  }
  return facts;
}

TEST(ProgressLine, TellsCountsRateAndWhenItWillBeOver) {
  EXPECT_EQ(ProgressLine(HalfDone(), 80), "50/100  50%  4 running  2/s  ETA 25s  (20s to 30s)");
}

TEST(ProgressLine, LeavesOutWhatMattersLeastFirst) {
  ProgressFacts facts = HalfDone();
  facts.failed = 2;
  for (int columns = 0; columns < 80; ++columns) {
    EXPECT_LE(ProgressLine(facts, columns).size(), static_cast<size_t>(columns));
  }
  EXPECT_EQ(ProgressLine(facts, 41), "50/100  2 failed  4 running  2/s  ETA 25s");
  EXPECT_EQ(ProgressLine(facts, 40), "50/100  2 failed  4 running  ETA 25s");
  EXPECT_EQ(ProgressLine(facts, 25), "50/100  2 failed  ETA 25s");
  EXPECT_EQ(ProgressLine(facts, 6), "50/100");
  EXPECT_EQ(ProgressLine(facts, 3), "50/");
}

TEST(ProgressLine, ColoursWhatIsWrongAndCountsNoColumnForThat) {
  ProgressFacts facts = HalfDone();
  facts.failed = 2;
  EXPECT_EQ(ProgressLine(facts, 40, Colours::kAnsi),
            "50/100  \033[31m2 failed\033[0m  4 running  ETA 25s");
  EXPECT_EQ(ProgressLine(facts, 3, Colours::kAnsi), "50/");
}

TEST(ProgressLine, PromisesNothingWhileItCannotKnow) {
  ProgressFacts facts = HalfDone();
  facts.total.reset();
  EXPECT_EQ(ProgressLine(facts, 80), "50 done  4 running  2/s");
  EXPECT_FALSE(EtaOf(facts).has_value());
  EXPECT_EQ(ProgressLine(ProgressFacts(), 80), "0 done  0 running");
}

TEST(ProgressLine, SaysWhyNothingIsHandedOut) {
  ProgressFacts facts = HalfDone();
  facts.waiting = "waits for task 1: its output is the next";
  EXPECT_NE(ProgressLine(facts, 120).find("waits for task 1"), std::string::npos);
}

// 50 tasks are left for 4 slots, each 2 s on average with a deviation of 1 s: 25 s. The sum of 50
// such has a deviation of sqrt(50), and the mean of the 50 known adds as much again.
TEST(Eta, HasABandThatTheSpreadOfTheTasksGives) {
  const std::optional<Eta> eta = EtaOf(HalfDone());
  ASSERT_TRUE(eta.has_value());
  const double variance = 50.0 / 49;  // of 25 times 1 and 25 times 3
  const double band = 2 * std::sqrt(variance * 50 * 2) / 4;
  EXPECT_NEAR(double(eta->likely.count()) / 1e6, 25, 0.01);
  EXPECT_NEAR(double(eta->most.count()) / 1e6, 25 + band, 0.01);
  EXPECT_NEAR(double(eta->least.count()) / 1e6, 25 - band, 0.01);
}

TEST(Eta, OfEqualTasksHasNoBand) {
  ProgressFacts facts = HalfDone();
  facts.run_seconds = {};
  for (int i = 0; i < 50; ++i) facts.run_seconds.Add(2);
  const std::optional<Eta> eta = EtaOf(facts);
  ASSERT_TRUE(eta.has_value());
  EXPECT_EQ(eta->least, eta->most);
  EXPECT_EQ(ProgressLine(facts, 80), "50/100  50%  4 running  2/s  ETA 25s");
}

TEST(ClockText, IsReadAtAGlance) {
  EXPECT_EQ(ClockText(Millis(400)), "0s");
  EXPECT_EQ(ClockText(Seconds(59)), "59s");
  EXPECT_EQ(ClockText(Seconds(245)), "4:05");
  EXPECT_EQ(ClockText(Seconds(3723)), "1:02:03");
}

}  // namespace
}  // namespace fanmill::cli
