// Processes that stand still for a while.
#include <gtest/gtest.h>

#include <csignal>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

// R50, R55: its tasks were handed out again meanwhile, and its own results come late.
TEST(Pause, AWorkerThatSleptLongerThanItsLeaseHarmsNothing) {
  constexpr int kTasks = 40;
  LocalCluster cluster({.workers = 2, .slots = 1});
  cluster.StartAll();
  const WorkerProcesses worker(cluster.worker(0).pid());
  const std::string ended = cluster.folder() + "/ended";
  const std::string batch = Submit(cluster, {"--array", "1-" + std::to_string(kTasks), "--shell",
                                             "--", "sleep 0.2; echo {} >> " + ended});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(ended) >= 4; }));
  for (const pid_t pid : {worker.outer, worker.inner, worker.working}) kill(pid, SIGSTOP);
  ASSERT_TRUE(WaitUntil(
      [&] { return cluster.Fanmill({"status"}).out.find(" gone ") != std::string::npos; }));
  EXPECT_LT(LinesOf(ended), kTasks) << "the batch is over already";
  for (const pid_t pid : {worker.outer, worker.inner, worker.working}) kill(pid, SIGCONT);
  ExpectEachOnce(cluster, batch, kTasks);
  EXPECT_TRUE(cluster.AwaitReadyWorkers(2));
  ExpectWork(cluster);
}

}  // namespace
}  // namespace fanmill
