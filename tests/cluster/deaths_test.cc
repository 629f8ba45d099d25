// kill -9 of a worker's processes in mid-batch: every result there once, and nothing left of it.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using Victims = std::vector<pid_t WorkerProcesses::*>;

struct Killing {
  const char* name;
  Victims one_after_the_other;
};

class Deaths : public ::testing::TestWithParam<Killing> {};

// Each of the first tasks leaves two behind: a child in its group, and a double-forked one in a
// session of its own; neither minds TERM.
constexpr char kTask[] = R"(case {} in [1-8])
  sh -c 'trap "" TERM; while :; do sleep 1000; done' >/dev/null 2>&1 &
  (setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' >/dev/null 2>&1 &) ;;
esac
sleep 0.05; echo {} >> )";

// R53, R104
TEST_P(Deaths, LeaveEveryResultOnceAndNoDescendant) {
  constexpr int kTasks = 60;
  LocalCluster cluster({.workers = 1});
  cluster.StartAll();
  const Mark victim("FANMILL_TEST_VICTIM");
  setenv("FANMILL_TEST_VICTIM", victim.entry().c_str() + victim.entry().find('=') + 1, 1);
  cluster.StartWorker();
  unsetenv("FANMILL_TEST_VICTIM");
  ASSERT_TRUE(cluster.AwaitReadyWorkers(2));
  const WorkerProcesses worker(cluster.worker(1).pid());

  const std::string ended = cluster.folder() + "/ended";
  const std::string batch =
      Submit(cluster, {"--array", "1-" + std::to_string(kTasks), "--shell", "--", kTask + ended});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(ended) >= kTasks / 4; }));
  EXPECT_GT(victim.Bearers().size(), 5u) << "it has three processes, and its tasks more";
  for (const auto process : GetParam().one_after_the_other) kill(worker.*process, SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return victim.Bearers().empty(); })) << "a descendant is left";
  ASSERT_LT(LinesOf(ended), kTasks) << "it was not in mid-batch";
  EXPECT_TRUE(cluster.worker(1).WaitUntilEnded(Seconds(20)));
  ExpectEachOnce(cluster, batch, kTasks);
}

INSTANTIATE_TEST_SUITE_P(
    Worker, Deaths,
    ::testing::Values(Killing{"OfItsWorkingChild", {&WorkerProcesses::working}},
                      Killing{"OfItsOuterGuardian", {&WorkerProcesses::outer}},
                      Killing{"OfItsInnerGuardian", {&WorkerProcesses::inner}},
                      Killing{"OfBothItsGuardians",
                              {&WorkerProcesses::outer, &WorkerProcesses::inner}},
                      Killing{"OfItsWorkingChildThenAGuardian",
                              {&WorkerProcesses::working, &WorkerProcesses::inner}},
                      Killing{"OfAGuardianThenItsWorkingChild",
                              {&WorkerProcesses::outer, &WorkerProcesses::working}}),
    [](const auto& info) { return std::string(info.param.name); });

// 200 tasks of 20 ms on 4 slots take 1 s; a slot less in mid-batch, 1.2 s. How long it really takes
// depends on what else this machine does, so it is told, not judged.
TEST(Deaths, OneWorkerOfFourCostsLittleMoreThanItsSlot) {
  LocalCluster cluster({.workers = 4, .slots = 1});
  cluster.StartAll();
  const std::string batch = SubmitSleeps(cluster, 200, 20);
  ASSERT_TRUE(AwaitOk(cluster, batch, 60));
  LocalCluster::KillHard(cluster.worker(3));
  EXPECT_EQ(cluster.Fanmill({"wait", batch}).exit_code, 0);
  ExpectEachOnce(cluster, batch, 200);
  const Finished report = cluster.Fanmill({"report", batch, "--json"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  const nlohmann::json told = nlohmann::json::parse(report.out);
  std::printf("200 x 20 ms on 4 slots, one killed in mid-batch: %.3f s\n",
              told["elapsed_s"].get<double>());
}

}  // namespace
}  // namespace fanmill
