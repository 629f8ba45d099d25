#include "lib/io/process.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

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

TEST(Process, TellsErrorsAsTheyStandInsideASentence) {
  EXPECT_EQ(ErrorText(EADDRINUSE), "address already in use");
  EXPECT_EQ(ErrorText(ENOSPC), "no space left on device");
}

}  // namespace
}  // namespace fanmill
