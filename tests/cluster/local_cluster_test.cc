// What tests of whole processes rely on: each role can be killed and started anew, and the cluster
// is whole again.
#include "tests/cluster/local_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace fanmill {
namespace {

// Each time with another output: what an earlier batch left must not pass for it.
void ExpectWork(LocalCluster& cluster) {
  static int times = 0;
  const std::string value = std::to_string(++times) + "\n";
  const Finished work = cluster.Fanmill({"submit", "--wait", "--", "echo"}, value);
  EXPECT_EQ(work.exit_code, 0) << work.err;
  EXPECT_EQ(work.out, value);
}

TEST(LocalCluster, KnowsEachOfItsProcesses) {
  LocalCluster cluster;
  cluster.StartAll();
  const std::vector<pid_t> processes = cluster.Processes();
  for (const pid_t pid : {cluster.controller().pid(), cluster.ventilator().pid(),
                          cluster.sink().pid(), cluster.worker(0).pid(), cluster.worker(1).pid()}) {
    EXPECT_NE(std::find(processes.begin(), processes.end(), pid), processes.end()) << pid;
  }
  ExpectWork(cluster);
}

TEST(LocalCluster, IsWholeAgainAfterAnyRoleWasKilledAndStartedAnew) {
  LocalCluster cluster;
  cluster.StartAll();
  LocalCluster::KillHard(cluster.worker(0));
  cluster.StartWorker();
  EXPECT_TRUE(cluster.AwaitReadyWorkers(2));
  ExpectWork(cluster);
  LocalCluster::KillHard(cluster.controller());
  cluster.StartController();
  EXPECT_TRUE(cluster.AwaitReadyWorkers(2));
  ExpectWork(cluster);
  LocalCluster::KillHard(cluster.ventilator());
  cluster.StartVentilator();
  EXPECT_TRUE(cluster.AwaitReadyWorkers(2));
  ExpectWork(cluster);
}

TEST(LocalCluster, IsWholeAgainAfterItsSinkWasKilledAndStartedAnew) {
  LocalCluster cluster;
  cluster.StartAll();
  LocalCluster::KillHard(cluster.sink());
  cluster.StartSink();
  EXPECT_TRUE(cluster.AwaitReadyWorkers(2));
  ExpectWork(cluster);
}

}  // namespace
}  // namespace fanmill
