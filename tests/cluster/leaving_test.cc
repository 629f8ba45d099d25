// Workers that come late and leave early, and clusters that are shut down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/cluster/batches.h"
#include "tests/process/marked.h"

namespace fanmill {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Coming, ALateWorkerGetsWork) {
  LocalCluster cluster({.workers = 1, .slots = 1});
  cluster.StartAll();
  const std::string batch = SubmitSleeps(cluster, 150, 20);
  ASSERT_TRUE(AwaitOk(cluster, batch, 1));
  cluster.StartWorker();
  EXPECT_EQ(ExpectEachOnce(cluster, batch, 150), (std::set<int>{1, 2}));
}

// R100, R103: no task is started twice, so what ran was let end, and what did not was given back.
TEST(Leaving, AWorkerThatDrainsEndsWhatRunsAndReturnsTheRest) {
  constexpr int kTasks = 30;
  LocalCluster cluster({.workers = 2, .slots = 2});
  cluster.StartAll();
  const std::string begun = cluster.folder() + "/begun";
  const std::string ended = cluster.folder() + "/ended";
  const std::string batch =
      Submit(cluster, {"--array", "1-" + std::to_string(kTasks), "--shell", "--",
                       "echo {} >> " + begun + "; sleep 0.1; echo {} >> " + ended});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(ended) >= 6; }));
  cluster.worker(0).Signal(SIGTERM);
  ASSERT_TRUE(cluster.worker(0).WaitUntilEnded(Seconds(20)));
  EXPECT_EQ(cluster.worker(0).exit_code(), 0) << cluster.worker(0).LastLines(20);
  EXPECT_LT(LinesOf(ended), kTasks) << "it left after the batch";
  ExpectEachOnce(cluster, batch, kTasks);
  EXPECT_EQ(LinesOf(begun), kTasks);
  EXPECT_EQ(LinesOf(ended), kTasks);
}

// R103
TEST(Leaving, ASecondSignalKills) {
  LocalCluster cluster({.workers = 1, .slots = 1});
  cluster.StartAll();
  const std::string begun = cluster.folder() + "/begun";
  const std::string batch =
      Submit(cluster, {"--array", "1-3", "--shell", "--",
                       ": {}; test -e " + begun + " || { echo {} > " + begun + "; sleep 1000; }"});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(begun) == 1; }));
  cluster.worker(0).Signal(SIGTERM);
  ASSERT_TRUE(WaitUntil([&] {
    return cluster.worker(0).LastLines(50).find("second signal") != std::string::npos;
  })) << cluster.worker(0).LastLines(50);
  EXPECT_TRUE(cluster.worker(0).Running()) << "it waits for the task that runs";
  cluster.worker(0).Signal(SIGINT);
  ASSERT_TRUE(cluster.worker(0).WaitUntilEnded(Seconds(20)));
  EXPECT_EQ(cluster.worker(0).exit_code(), 128 + SIGINT);
  cluster.StartWorker();
  ExpectEachOnce(cluster, batch, 3);
}

// R92: also on a worker where nothing of the batch is in a slot any more.
TEST(Cancel, EndsWhatEndedTasksLeftBehindBeforeItIsConfirmed) {
  const Mark left("FANMILL_TEST_LEFT");
  LocalCluster cluster({.workers = 2, .slots = 1});
  cluster.StartAll();
  // Returns when the one that is left behind is in a session of its own.
  const std::string leave = "x=$(" + left.entry() +
                            " setsid sh -c 'trap \"\" TERM; exec >/dev/null 2>&1; "
                            "while :; do sleep 1000; done' &)";
  const std::string batch = Submit(
      cluster, {"--array", "1-2", "--shell", "--", "test {} = 2 && exec sleep 1000; " + leave});
  ASSERT_TRUE(AwaitOk(cluster, batch, 1));
  ASSERT_TRUE(WaitUntil([&] { return left.Bearers().size() == 2; })) << left.Bearers().size();
  ASSERT_EQ(cluster.Fanmill({"cancel", batch}).exit_code, 0);
  EXPECT_EQ(cluster.Fanmill({"wait", batch}).exit_code, 3);
  EXPECT_EQ(left.Bearers().size(), 0u) << "its receipts are there";
}

// R92: what stands still confirms nothing, and its tasks are still there.
TEST(Cancel, NamesAWorkerThatIsSilentAndSoDoesAShutdown) {
  const Mark left("FANMILL_TEST_LEFT");
  LocalCluster cluster({.workers = 2, .slots = 1});
  cluster.StartAll();
  const WorkerProcesses still(cluster.worker(0).pid());
  const std::string batch =
      Submit(cluster, {"--array", "1-2", "--shell", "--", left.entry() + " sleep 1000; : {}"});
  ASSERT_TRUE(WaitUntil([&] { return left.Bearers().size() == 2; })) << left.Bearers().size();
  for (const pid_t pid : {still.outer, still.inner, still.working}) kill(pid, SIGSTOP);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"cancel", batch}, {"cancel", batch}, {"shutdown", "--now"}}) {
    const Finished told = cluster.Fanmill(words);
    EXPECT_EQ(told.exit_code, 6) << words[0];
    EXPECT_THAT(told.err, ContainsRegex("worker [12] \\(.*\\) did NOT confirm, last heard .* ago; "
                                        "what it ran may still run"))
        << words[0];
    EXPECT_THAT(told.err, Not(HasSubstr("is cancelled: nothing of it runs"))) << words[0];
    EXPECT_EQ(left.Bearers().size(), 1u) << "this is why";
  }
  kill(still.working, SIGKILL);
  for (const pid_t pid : {still.outer, still.inner}) kill(pid, SIGCONT);
  EXPECT_TRUE(WaitUntil([&] { return left.Bearers().empty(); })) << "its guardian ends it";
}

void ExpectGoneAfterShutdown(LocalCluster& cluster, std::vector<std::string> words) {
  const Finished shutdown = cluster.Fanmill(words);
  EXPECT_EQ(shutdown.exit_code, 0) << shutdown.err;
  EXPECT_THAT(shutdown.err, Not(HasSubstr("NOT confirm")));
  EXPECT_TRUE(WaitUntil([&] { return cluster.Processes().empty(); })) << "a process is left";
}

// R100, R102
TEST(Shutdown, LeavesNoProcess) {
  LocalCluster cluster;
  cluster.StartAll();
  const std::string ended = cluster.folder() + "/ended";
  Submit(cluster, {"--array", "1-40", "--shell", "--", "sleep 0.05; echo {} >> " + ended});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(ended) >= 4; }));
  ExpectGoneAfterShutdown(cluster, {"shutdown"});
  EXPECT_LT(LinesOf(ended), 40) << "it waits for tasks that run, not for those that wait";
}

// R101, R102
TEST(Shutdown, NowStopsWhatRunsToo) {
  LocalCluster cluster;
  cluster.StartAll();
  const std::string begun = cluster.folder() + "/begun";
  Submit(cluster, {"--array", "1-10", "--shell", "--", "echo {} >> " + begun + "; sleep 1000"});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(begun) == 4; }));
  ExpectGoneAfterShutdown(cluster, {"shutdown", "--now"});
}

// R104: its guardian has said so.
TEST(Shutdown, DoesNotWaitForAWorkerThatWasKilledBefore) {
  for (const auto victim : {&WorkerProcesses::working, &WorkerProcesses::outer}) {
    LocalCluster cluster;
    cluster.StartAll();
    kill(WorkerProcesses(cluster.worker(0).pid()).*victim, SIGKILL);
    ASSERT_TRUE(cluster.AwaitReadyWorkers(1));
    ExpectGoneAfterShutdown(cluster, {"shutdown"});
  }
}

}  // namespace
}  // namespace fanmill
