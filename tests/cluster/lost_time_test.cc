// Where the time of a batch went, on schedules that force one cause each. A test holds what forces
// it for a span that it measures itself, so a slow machine only makes the time longer that must be
// found again; half of it is demanded, since words about starts and ends take their time too.
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lib/io/clock.h"
#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using nlohmann::json;

constexpr Duration kSpan = Millis(700);

int64_t Us(const json& seconds) { return std::llround(seconds.get<double>() * 1e6); }

int64_t SumOf(const json& lost) {
  int64_t sum = 0;
  for (const auto& [cause, seconds] : lost.items()) sum += Us(seconds);
  return sum;
}

class LostTime : public ::testing::Test {
 protected:
  // A batch of one task that runs until its gate is opened. Returns when it runs.
  std::string SubmitGated(const std::string& gate) {
    const std::string path = cluster_.folder() + "/" + gate;
    const std::string batch = Submit(cluster_, {"--array", "1-1", "--shell", "--",
                                                ": {}; echo >> " + path + ".begun; until test -e " +
                                                    path + "; do sleep 0.02; done"});
    EXPECT_TRUE(WaitUntil([&] { return LinesOf(path + ".begun") == 1; }));
    return batch;
  }
  void Open(const std::string& gate) { std::ofstream(cluster_.folder() + "/" + gate) << ""; }

  bool AwaitStatus(const std::string& batch, const std::string& text) {
    return WaitUntil([&] {
      return cluster_.Fanmill({"status", batch}).out.find(text) != std::string::npos;
    });
  }
  // Lets the time go on, and tells how much of it did.
  static Duration Hold() {
    const Instant begun = Now();
    EXPECT_TRUE(WaitUntil([&] { return Now() - begun >= kSpan; }));
    return Now() - begun;
  }

  // The whole report of a batch, once it has ended; its parts add up, in all and for each worker.
  json ReportOf(const std::string& batch, int end = 0) {
    const Finished waited = cluster_.Fanmill({"wait", batch});
    EXPECT_EQ(waited.exit_code, end) << waited.err;
    const Finished printed = cluster_.Fanmill({"report", batch, "--json"});
    json report = json::parse(printed.out);
    EXPECT_TRUE(report["complete"].get<bool>()) << printed.err << printed.out;
    EXPECT_EQ(Us(report["run_s"]) + SumOf(report["lost"]), Us(report["capacity_s"])) << printed.out;
    for (const json& worker : report["per_worker"]) {
      EXPECT_EQ(Us(worker["run_s"]) + SumOf(worker["lost"]), Us(worker["capacity_s"])) << worker;
    }
    return report;
  }
  // At least half of `span` went to the cause, more than to all others together; nothing at all to
  // those that had no reason.
  static void ExpectMostly(const json& lost, const std::string& cause, Duration span,
                           const std::vector<std::string>& none) {
    const int64_t us = Us(lost[cause]);
    EXPECT_GE(us, span.count() / 2) << lost;
    EXPECT_GT(2 * us, SumOf(lost)) << lost;
    for (const std::string& never : none) EXPECT_EQ(Us(lost[never]), 0) << never << " " << lost;
  }
  static const json& Worker(const json& report, int number) {
    for (const json& worker : report["per_worker"]) {
      if (worker["number"] == number) return worker;
    }
    static const json none;
    ADD_FAILURE() << "no worker " << number << " in " << report;
    return none;
  }

  void Start(int workers, uint32_t slots, const std::vector<std::string>& flags = {}) {
    cluster_.StartController();
    cluster_.StartVentilator();
    cluster_.StartSink();
    for (int i = 0; i < workers; ++i) {
      std::vector<std::string> all = {"--slots", std::to_string(slots)};
      all.insert(all.end(), flags.begin(), flags.end());
      cluster_.StartWorker(all);
      ASSERT_TRUE(cluster_.AwaitReadyWorkers(i + 1));
    }
    ExpectWork(cluster_);  // what every word of a first batch costs is paid
  }

  LocalCluster cluster_;
};

// Without the sink a worker cannot become ready, and no batch can end.
TEST_F(LostTime, IsStartingWhileALateWorkerIsNotReady) {
  Start(1, 1);
  const std::string batch = SubmitGated("gate");
  ASSERT_TRUE(AwaitStatus(batch, "running"));
  cluster_.sink().Signal(SIGSTOP);
  cluster_.StartWorker({"--slots", "2"});
  EXPECT_TRUE(WaitUntil(
      [&] { return cluster_.Fanmill({"status"}).out.find("joining") != std::string::npos; }));
  const Duration held = Hold();
  cluster_.sink().Signal(SIGCONT);
  Open("gate");
  const json report = ReportOf(batch);
  const json& late = Worker(report, 2)["lost"];
  EXPECT_GE(Us(late["starting"]), held.count()) << late;  // of two slots
  EXPECT_LT(Us(Worker(report, 1)["lost"]["starting"]), held.count() / 2) << report;
  for (const char* never : {"retrying", "other_batch", "draining"}) {
    EXPECT_EQ(Us(report["lost"][never]), 0) << never << " " << report;
  }
}

TEST_F(LostTime, IsWaitingWhereThereAreTasksThatAWorkerDoesNotGet) {
  Start(1, 1);
  cluster_.StartWorker({"--slots", "1", "--handler", "noop"});
  ASSERT_TRUE(cluster_.AwaitReadyWorkers(2));
  const std::string gate = cluster_.folder() + "/gate";
  const std::string batch = Submit(cluster_, {"--array", "1-200", "--shell", "--",
                                              ": {}; echo >> " + gate + ".begun; until test -e " +
                                                  gate + "; do sleep 0.02; done"});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(gate + ".begun") == 1; }));
  ASSERT_TRUE(AwaitStatus(batch, "running"));
  const Duration held = Hold();
  Open("gate");
  const json report = ReportOf(batch);
  ExpectMostly(Worker(report, 2)["lost"], "waiting", held,
               {"retrying", "other_batch", "draining", "handling"});
  EXPECT_LT(Us(Worker(report, 1)["lost"]["waiting"]), held.count() / 2) << report;
}

// Without the sink nothing is durable, and one output fills the worker's spool: it begins no other
// chunk that it holds.
TEST_F(LostTime, IsTransferringWhileATaskIsHeldThatMayNotStart) {  // R41
  Start(1, 1, {"--spool-bytes", "20000"});
  const std::string gate = cluster_.folder() + "/gate";
  const std::string batch =
      Submit(cluster_,
             {"--array", "1-9", "--shell", "--",
              ": {}; echo >> " + gate + ".begun; until test -e " + gate +
                  "; do sleep 0.02; done; head -c 40000 /dev/zero; echo >> " + gate + ".written"});
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(gate + ".begun") == 1; }));
  ASSERT_TRUE(AwaitStatus(batch, "running"));
  cluster_.sink().Signal(SIGSTOP);
  Open("gate");
  EXPECT_TRUE(WaitUntil([&] { return LinesOf(gate + ".written") == 1; }));
  const Duration held = Hold();
  EXPECT_EQ(LinesOf(gate + ".begun"), 1);
  cluster_.sink().Signal(SIGCONT);
  const json report = ReportOf(batch);
  ExpectMostly(report["lost"], "transferring", held,
               {"starting", "retrying", "other_batch", "draining"});
}

TEST_F(LostTime, IsStoppedWhatRanOfATaskWhoseBatchWasCancelled) {
  Start(1, 1);
  const std::string batch = SubmitGated("gate");
  ASSERT_TRUE(AwaitStatus(batch, "running"));
  const Duration held = Hold();
  EXPECT_EQ(cluster_.Fanmill({"cancel", batch}).exit_code, 0);
  const json report = ReportOf(batch, 3);
  ExpectMostly(report["lost"], "stopped", held,
               {"starting", "retrying", "other_batch", "draining"});
  EXPECT_EQ(Us(report["run_s"]), 0) << report;
}

TEST_F(LostTime, IsTailOfASlotThatFindsNothingLeft) {
  Start(1, 2);
  const std::string batch = SubmitGated("gate");
  ASSERT_TRUE(AwaitStatus(batch, "running"));
  const Duration held = Hold();
  Open("gate");
  const json report = ReportOf(batch);
  ExpectMostly(report["lost"], "tail", held, {"retrying", "other_batch", "draining"});
  EXPECT_GE(Us(report["run_s"]), held.count()) << report;
}

TEST_F(LostTime, IsOtherBatchWhileAnotherHasTheSlot) {
  Start(1, 1);
  const std::string first = SubmitGated("first");
  const std::string second = Submit(cluster_, {"--handler", "noop", "--array", "1-1"});
  ASSERT_TRUE(AwaitStatus(second, "running"));
  const Duration held = Hold();
  Open("first");
  const json report = ReportOf(second);
  ExpectMostly(report["lost"], "other_batch", held, {"retrying", "draining"});
  EXPECT_LT(Us(ReportOf(first)["lost"]["other_batch"]), held.count() / 2);
}

// Each attempt says itself how long it ran, so this is exact.
TEST_F(LostTime, IsRetryingWhatAttemptsRanThatFailed) {
  Start(1, 1);
  const std::string tries = cluster_.folder() + "/tries";
  const std::string batch = Submit(
      cluster_, {"--array", "1-1", "--retries", "2", "--shell", "--",
                 ": {}; echo >> " + tries + "; sleep 0.4; test $(wc -l < " + tries + ") = 3"});
  const json report = ReportOf(batch);
  EXPECT_GE(Us(report["lost"]["retrying"]), 2 * 400'000) << report;
  EXPECT_GE(Us(report["run_s"]), 400'000) << report;
  EXPECT_LT(Us(report["run_s"]), Us(report["lost"]["retrying"])) << report;
  for (const char* never : {"other_batch", "draining"}) {
    EXPECT_EQ(Us(report["lost"][never]), 0) << never << " " << report;
  }
}

// Two slots, and for the whole delay at least.
TEST_F(LostTime, IsBackingOffWhileAllThatIsLeftWaitsToBeTriedAgain) {  // R108
  Start(1, 2);
  const std::string tried = cluster_.folder() + "/tried";
  const std::string batch =
      Submit(cluster_, {"--array", "1-1", "--retries", "1", "--retry-delay", "2s", "--shell", "--",
                        ": {}; test -e " + tried + " || { touch " + tried + "; exit 1; }"});
  EXPECT_TRUE(AwaitStatus(batch, "1 task waits to be tried again, the first in"));
  const json report = ReportOf(batch);
  ExpectMostly(report["lost"], "backing_off", 2 * Seconds(2), {"other_batch", "draining"});
}

TEST_F(LostTime, IsDrainingOfAWorkerThatWasToldToTakeNoMore) {
  Start(1, 2);
  const std::string batch = SubmitGated("gate");
  ASSERT_TRUE(AwaitStatus(batch, "running"));
  cluster_.worker(0).Signal(SIGTERM);
  ASSERT_TRUE(WaitUntil([&] {
    return cluster_.worker(0).LastLines(50).find("takes no more") != std::string::npos;
  })) << cluster_.worker(0).LastLines(50);
  const Duration held = Hold();
  Open("gate");
  const json report = ReportOf(batch);
  ExpectMostly(report["lost"], "draining", held, {"retrying", "other_batch"});
}

}  // namespace
}  // namespace fanmill
