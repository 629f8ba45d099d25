// Commands that wait for a batch, while the cluster they wait for goes away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/cluster/local_cluster.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

// Whoever waits for batch 1, which is held, and has said so.
class Waiting : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.StartAll();
    ASSERT_EQ(cluster_.Fanmill({"submit", "--hold", "echo"}, "now\n").out, "1\n");
  }
  RunningCommand Start(const Words& words) {
    RunningCommand command = cluster_.StartFanmill(words);
    EXPECT_TRUE(HasSaid(command, "it is held"));
    return command;
  }
  static bool HasSaid(const RunningCommand& command, const std::string& text) {
    return WaitUntil([&] { return command.Err().find(text) != std::string::npos; });
  }
  void Release() {
    EXPECT_TRUE(cluster_.AwaitReadyWorkers(1));
    EXPECT_EQ(cluster_.Fanmill({"start", "1"}).exit_code, 0);
  }

  LocalCluster cluster_{{.workers = 1}};
};

TEST_F(Waiting, IsToldThatTheClusterWasShutDownAndHowToGoOn) {
  RunningCommand wait = Start({"wait", "1"});
  RunningCommand results = Start({"results", "1"});
  RunningCommand submit = Start({"submit", "--hold", "--wait", "echo", ":::", "a", "b"});
  ASSERT_EQ(cluster_.Fanmill({"shutdown"}).exit_code, 0);
  const std::string words =
      "the cluster was shut down before batch 1 ended. When last heard of, it was forming: 0 of 1 "
      "tasks were ok, 0 had failed. To go on with it, start the cluster again with the same "
      "--state, then: fanmill ";
  const Finished waited = wait.Wait();
  EXPECT_EQ(waited.exit_code, 5);
  EXPECT_THAT(waited.err, HasSubstr(words + "wait 1\n"));
  const Finished read = results.Wait();
  EXPECT_EQ(read.exit_code, 5);
  EXPECT_THAT(read.err, HasSubstr(words + "results 1\n"));
  const Finished submitted = submit.Wait();
  EXPECT_EQ(submitted.exit_code, 5);
  EXPECT_THAT(submitted.err, AllOf(HasSubstr("shut down before batch 2 ended"),
                                   HasSubstr("0 of 2 tasks"), HasSubstr("fanmill results 2\n")));

  cluster_.StartController();
  cluster_.StartVentilator();
  cluster_.StartSink();
  cluster_.StartWorker();
  Release();
  EXPECT_EQ(cluster_.Fanmill({"results", "1"}).out, "now\n");
}

TEST_F(Waiting, OutlastsTheController) {
  RunningCommand wait = Start({"wait", "1"});
  RunningCommand timed = Start({"wait", "1", "--timeout", "3s"});
  RunningCommand stopped = Start({"wait", "1"});
  LocalCluster::KillHard(cluster_.controller());
  EXPECT_EQ(timed.Wait().exit_code, 4);
  EXPECT_TRUE(HasSaid(wait, "batch 1: the controller does not answer"));
  stopped.process().Signal(SIGINT);
  EXPECT_EQ(stopped.Wait().exit_code, 128 + SIGINT);
  cluster_.StartController();
  Release();
  const Finished waited = wait.Wait();
  EXPECT_EQ(waited.exit_code, 0) << waited.err;
  EXPECT_THAT(waited.err, HasSubstr("batch 1: the controller answers again\n"));
}

TEST_F(Waiting, OutlastsTheSink) {
  RunningCommand results = Start({"results", "1"});
  LocalCluster::KillHard(cluster_.sink());
  EXPECT_TRUE(HasSaid(results, "batch 1: the sink does not answer"));
  cluster_.StartSink();
  Release();
  const Finished read = results.Wait();
  EXPECT_EQ(read.exit_code, 0) << read.err;
  EXPECT_EQ(read.out, "now\n");
  EXPECT_THAT(read.err, HasSubstr("batch 1: the sink answers again\n"));
}

TEST_F(Waiting, DoesNotBeginWithoutAController) {
  LocalCluster::KillHard(cluster_.controller());
  const Finished none = cluster_.Fanmill({"wait", "1"});
  EXPECT_EQ(none.exit_code, 5);
  EXPECT_THAT(none.err, HasSubstr("no controller answered"));
}

}  // namespace
}  // namespace fanmill
