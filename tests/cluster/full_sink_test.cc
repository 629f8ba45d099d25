// A batch with more results than the sink may keep: everybody who asks is told, and what to do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using ::testing::HasSubstr;

TEST(FullSink, HasALimitWithinLimits) {
  LocalCluster cluster;
  for (const char* bytes : {"16777215", "1099511627777", "much", "-1"}) {
    const Finished refused =
        StartCommand({Executable("fanmill-sink"), "--disk", bytes}, cluster.folder() + "/sink", "")
            .Wait();
    EXPECT_EQ(refused.exit_code, 2) << bytes;
    EXPECT_THAT(refused.err, HasSubstr("from 16M to 1T")) << bytes;
  }
}

// R65, R68
TEST(FullSink, IsNamedToWhoeverWaitsAndHasRoomAgainAfterACancel) {
  LocalCluster cluster;
  cluster.StartController();
  cluster.StartVentilator();
  cluster.StartSink({"--disk", "16M"});
  cluster.StartWorker();
  ASSERT_TRUE(cluster.AwaitReadyWorkers(1));
  const std::string why =
      "the sink is full (16 MiB: fanmill-sink --disk), most of it by batch 1: "
      "`fanmill cancel 1` makes room";
  RunningCommand submit = cluster.StartFanmill(
      {"submit", "--wait", "--array", "1-500", "--shell", "--", ": {}; head -c 60000 /dev/zero"});
  ASSERT_TRUE(WaitUntil([&] { return submit.Err().find(why) != std::string::npos; }))
      << submit.Err();
  EXPECT_THAT(cluster.Fanmill({"status", "1"}).out, HasSubstr(why));
  RunningCommand wait = cluster.StartFanmill({"wait", "1"});
  ASSERT_TRUE(WaitUntil([&] { return wait.Err().find(why) != std::string::npos; })) << wait.Err();
  EXPECT_EQ(cluster.Fanmill({"cancel", "1"}).exit_code, 0);
  EXPECT_EQ(submit.Wait().exit_code, 3);
  EXPECT_EQ(wait.Wait().exit_code, 3);
  ExpectWork(cluster);
}

}  // namespace
}  // namespace fanmill
