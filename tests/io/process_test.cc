#include "lib/io/process.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "lib/io/flags.h"

namespace fanmill {
namespace {

TEST(ExitWatchdog, EndsAProcessWhoseClosingHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const ExitWatchdog watchdog(7, Millis(1));
        WaitFor(Seconds(60));
      },
      testing::ExitedWithCode(7), "closing the sockets hangs");
}

TEST(ExitWatchdog, LetsAProcessGoThatClosesInTime) {
  EXPECT_EXIT(
      {
        { const ExitWatchdog watchdog(7, Seconds(60)); }
        std::exit(3);
      },
      testing::ExitedWithCode(3), "");
}

// A worker's main thread may just begin when the one that watches its guardian has a death to tell.
TEST(Logging, MayBeStartedByManyThreadsAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        for (int round = 0; round < 100; ++round) {
          CommonFlags flags;
          flags.program = "round-" + std::to_string(round);
          std::latch begin(4);
          std::vector<std::jthread> threads;
          for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
              begin.arrive_and_wait();
              StartLogging(flags);
            });
          }
        }
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Process, TellsErrorsAsTheyStandInsideASentence) {
  EXPECT_EQ(ErrorText(EADDRINUSE), "address already in use");
  EXPECT_EQ(ErrorText(ENOSPC), "no space left on device");
}

}  // namespace
}  // namespace fanmill
