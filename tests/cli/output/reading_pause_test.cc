#include "controller/cli/output/reading_pause.h"

#include <gtest/gtest.h>

namespace fanmill::cli {
namespace {

using Seen = ReadingPause::Seen;

constexpr Instant kStart = Instant() + Seconds(100);

TEST(ReadingPause, HoldsWhileSomethingRuns) {
  ReadingPause pause;
  EXPECT_FALSE(pause.ReadsOn());
  pause.OnFull(kStart, Seen{true, 500});
  pause.OnFull(kStart + Seconds(29), Seen{true, 500});
  EXPECT_FALSE(pause.ReadsOn());
}

TEST(ReadingPause, ReadsWhatIsThereOnceNothingRuns) {
  ReadingPause pause;
  pause.OnTaken();
  pause.OnFull(kStart, Seen{false, 3});
  EXPECT_TRUE(pause.ReadsOn());
  pause.OnTaken();
  EXPECT_TRUE(pause.ReadsOn());
  pause.OnTaken();
  EXPECT_FALSE(pause.ReadsOn()) << "more is handed out meanwhile";
}

TEST(ReadingPause, ReadsAtLeastOneForWhatWasSeenMayBeOld) {
  ReadingPause pause;
  for (int i = 0; i < 5; ++i) pause.OnTaken();
  pause.OnFull(kStart, Seen{false, 2});
  EXPECT_TRUE(pause.ReadsOn());
  pause.OnTaken();
  EXPECT_FALSE(pause.ReadsOn());
}

TEST(ReadingPause, ReadsALittleNowAndThenWhereItCannotBeSeenWhatRuns) {
  for (const std::optional<Seen> seen : {std::optional<Seen>(), std::optional(Seen{true, 500})}) {
    ReadingPause pause;
    pause.OnFull(kStart, seen);
    EXPECT_FALSE(pause.ReadsOn());
    pause.OnFull(kStart + ReadingPause::kReadOnAfter, seen);
    EXPECT_TRUE(pause.ReadsOn());
    pause.OnTaken();
    EXPECT_FALSE(pause.ReadsOn());
    pause.OnFull(kStart + ReadingPause::kReadOnAfter * 2 - Micros(1), seen);
    EXPECT_FALSE(pause.ReadsOn());
    pause.OnFull(kStart + ReadingPause::kReadOnAfter * 2, seen);
    EXPECT_TRUE(pause.ReadsOn());
  }
}

TEST(ReadingPause, BeginsAnewAfterThereWasRoom) {
  ReadingPause pause;
  pause.OnFull(kStart, Seen{false, 500});
  pause.OnRoom();
  EXPECT_FALSE(pause.ReadsOn());
  pause.OnFull(kStart + ReadingPause::kReadOnAfter, Seen{true, 500});
  EXPECT_FALSE(pause.ReadsOn());
}

}  // namespace
}  // namespace fanmill::cli
