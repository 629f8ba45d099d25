// Scenarios on the simulator: what a cluster promises, one promise per test, and the bugs that
// seeds have found, each by its name. The simulator's own cruelty and its checkers are tested too:
// a checker that cannot fail proves nothing.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/checker.h"
#include "tests/sim/cluster.h"
#include "tests/sim/network.h"

namespace fanmill::sim {
namespace {

BatchPlan Batch(uint64_t tasks) {
  BatchPlan batch;
  batch.seed = 7;
  batch.tasks = tasks;
  batch.run_min = Millis(5);
  batch.run_max = Millis(20);
  return batch;
}

WorkerPlan Worker(uint32_t slots) {
  WorkerPlan worker;
  worker.slots = slots;
  return worker;
}

Scenario Quiet(uint64_t tasks) {
  Scenario run;
  run.seed = 1;
  run.plan.workers = {Worker(2), Worker(2)};
  run.plan.batches = {Batch(tasks)};
  return run;
}

// No message goes lost, but everything that is set in `faults` happens until `seconds`.
Scenario Faulty(uint64_t tasks, int64_t seconds) {
  Scenario run = Quiet(tasks);
  run.faults.until = Instant{} + Seconds(seconds);
  return run;
}

Outcome Holds(const Scenario& run) {
  const Outcome outcome = Simulate(run);
  for (const std::string& failure : outcome.failures) ADD_FAILURE() << failure;
  return outcome;
}

// ---- Promises ----------------------------------------------------------------------------------

TEST(Cluster, RunsEveryTaskOnceWhenNothingGoesWrong) {
  const Outcome outcome = Holds(Quiet(200));
  EXPECT_EQ(outcome.coverage.Of("seen.done"), 1u);
  EXPECT_EQ(outcome.coverage.Of("node.redelivered"), 0u);
  EXPECT_EQ(outcome.coverage.Of("seen.complete_report"), 1u);
}

TEST(Cluster, EndsAnEmptyBatch) { EXPECT_EQ(Holds(Quiet(0)).coverage.Of("seen.done"), 1u); }

TEST(Cluster, LosesNoTaskWhenWorkersDie) {
  Scenario run = Faulty(300, 10);
  run.faults.crash_workers = run.faults.silent_deaths = true;
  run.faults.crash_per_send = 20'000;
  EXPECT_GT(Holds(run).coverage.Of("fault.crash.worker"), 3u);
}

TEST(Cluster, LosesNothingWhenTheVentilatorDies) {
  Scenario run = Faulty(300, 10);
  run.faults.crash_ventilator = true;
  run.faults.crash_per_send = 20'000;
  run.faults.crash_per_write = 20'000;
  EXPECT_GT(Holds(run).coverage.Of("fault.crash.ventilator"), 1u);
}

TEST(Cluster, LosesNoResultThatWasReadWhenTheSinkDies) {
  Scenario run = Faulty(300, 10);
  run.faults.crash_sink = true;
  run.faults.crash_per_send = 5'000;
  run.faults.crash_per_write = 50'000;
  EXPECT_GT(Holds(run).coverage.Of("fault.crash.sink"), 1u);
}

TEST(Cluster, StopsNothingWhenTheControllerDies) {
  Scenario run = Faulty(300, 10);
  run.faults.crash_controller = true;
  run.faults.crash_per_send = 100'000;
  EXPECT_GT(Holds(run).coverage.Of("fault.crash.controller"), 1u);
}

TEST(Cluster, QuarantinesATaskThatKillsItsWorkers) {
  Scenario run = Faulty(20, 10);
  run.plan.batches[0].poison = 1;
  EXPECT_EQ(Holds(run).coverage.Of("seen.quarantine"), 1u);
}

TEST(Cluster, RetriesWhatFailsAndGivesUpInTheEnd) {
  Scenario run = Quiet(60);
  run.plan.batches[0].fails_percent = 20;
  run.plan.batches[0].flaky_percent = 30;
  run.plan.batches[0].retries = 2;
  EXPECT_GT(Holds(run).coverage.Of("seen.final_failed"), 3u);
}

// R92: the kill reaches workers although not one PUB frame does.
TEST(Cluster, CancelsAlthoughEverySignalIsLost) {
  Scenario run = Faulty(300, 30);
  run.faults.signal_loss = 1'000'000;
  run.plan.batches[0].cancel_after = Millis(1'000);
  const Outcome outcome = Holds(run);
  EXPECT_EQ(outcome.coverage.Of("seen.cancelled"), 1u);
  EXPECT_GT(outcome.coverage.Of("seen.receipt"), 0u);
}

TEST(Cluster, StartsAHeldBatchOnlyWhenAsked) {
  Scenario run = Quiet(20);
  run.plan.batches[0].hold = true;
  EXPECT_EQ(Holds(run).coverage.Of("seen.done"), 1u);
}

TEST(Cluster, GivesALateWorkerWork) {
  Scenario run = Quiet(600);
  run.plan.workers = {Worker(1), Worker(1)};
  run.plan.workers[1].arrives = Seconds(3);
  const Outcome late = Holds(run);
  run.plan.workers.pop_back();
  EXPECT_LT(late.ended, Holds(run).ended);
}

TEST(Cluster, LeavesNobodyBehindWhenItIsShutDown) {
  for (const Ending ending : {Ending::kDrainAfter, Ending::kKillAfter}) {
    Scenario run = Quiet(50);
    run.plan.ending = ending;
    EXPECT_EQ(Holds(run).coverage.Of("seen.receipt_of_all"), 2u);
  }
}

TEST(Cluster, IsShutDownWhileABatchRuns) {
  for (const Ending ending : {Ending::kDrainMidway, Ending::kKillMidway}) {
    Scenario run = Quiet(3000);
    run.plan.ending = ending;
    run.plan.ends = Seconds(3);
    EXPECT_EQ(Holds(run).coverage.Of("seen.receipt_of_all"), 2u);
  }
}

TEST(Cluster, RefusesASecondVentilatorAndASecondSink) {  // R14
  Scenario run = Quiet(300);
  run.plan.impostors = true;
  run.plan.ending = Ending::kDrainAfter;
  EXPECT_EQ(Holds(run).coverage.Of("seen.impostor_refused"), 2u);
}

TEST(Cluster, ForgetsEndedBatchesWhenTheLedgerIsFullAndNoneThatLives) {  // R68
  Scenario run = Quiet(150);
  run.plan.batches = {Batch(150), Batch(150), Batch(150)};
  for (uint32_t i = 0; i < 3; ++i) run.plan.batches[i].index = i;
  run.plan.batches[1].opens = Seconds(4);
  run.plan.batches[2].opens = Seconds(8);
  run.plan.sink_disk = 64 << 10;
  EXPECT_GT(Holds(run).coverage.Of("node.forgotten_batches"), 0u);
}

TEST(Cluster, BringsLargeOutputsOverASlowLink) {  // R42, R64
  Scenario run = Faulty(60, 20);
  run.plan.batches[0].large_percent = 20;
  run.faults.results_kib_per_s = 2'048;
  EXPECT_GT(Holds(run).coverage.Of("fault.slow_large_output"), 10u);
}

TEST(Cluster, EndsEveryBatchThoughTheJournalsAreLost) {  // R96
  Scenario run = Faulty(300, 10);
  run.plan.Forgetful();
  run.faults.crash_ventilator = run.faults.crash_sink = true;
  run.faults.crash_per_send = 3'000;
  Coverage met;
  for (run.seed = 1; run.seed <= 10; ++run.seed) met.Merge(Holds(run).coverage);
  EXPECT_GT(met.Of("fault.journal_lost"), 0u);
  EXPECT_GT(met.Of("node.R96"), 0u);
  EXPECT_GT(met.Of("seen.given_up"), 0u);
}

TEST(Cluster, BelievesNoVentilatorOfAnEarlierStart) {  // R76
  Scenario run = Faulty(300, 10);
  run.faults.crash_ventilator = true;
  run.faults.crash_per_write = 50'000;
  run.faults.noise_per_message = 300'000;
  Coverage met;
  for (run.seed = 1; run.seed <= 10; ++run.seed) met.Merge(Holds(run).coverage);
  EXPECT_GT(met.Of("fault.noise_of_an_old_ventilator"), 0u);
  EXPECT_GT(met.Of("node.R76"), 0u);
}

// ---- Bugs that seeds found ---------------------------------------------------------------------

// A lane whose connection never came back refused every chunk for ever, while its worker answered
// every ping. Now it is not ready any more, and the worker makes its sockets anew. R23
TEST(Cluster, GivesAWorkerANewLaneWhenItsConnectionNeverComesBack) {
  Scenario run = Faulty(600, 6);
  run.faults.sever_per_message = 10'000;
  run.faults.forever_per_sever = 1'000'000;
  for (run.seed = 1; run.seed <= 5; ++run.seed) Holds(run);
}

// A controller that came back took a batch for running whose end it had told, and cancelled it. R97
TEST(Cluster, TakesNoEndBackWhenTheControllerDies) {
  Scenario run = Faulty(20, 20);
  run.plan.batches[0].cancel_after = Millis(700);
  run.faults.crash_controller = run.faults.crash_sink = true;
  run.faults.crash_workers = run.faults.silent_deaths = true;
  run.faults.crash_per_send = 30'000;
  run.faults.sever_per_message = 20'000;
  run.faults.forever_per_sever = run.faults.unnoticed_per_sever = 500'000;
  Coverage met;
  for (run.seed = 50; run.seed <= 90; ++run.seed) met.Merge(Holds(run).coverage);
  EXPECT_GT(met.Of("node.R97"), 0u);
}

// ---- The simulator itself ----------------------------------------------------------------------

TEST(Simulator, ReplaysASeedExactly) {
  const uint64_t seed = 7;
  std::vector<std::string> one;
  std::vector<std::string> two;
  Simulate(Scenario::FromSeed(seed), &one);
  Simulate(Scenario::FromSeed(seed), &two);
  EXPECT_GT(one.size(), 100u);
  EXPECT_EQ(one, two);
}

class Checks : public testing::Test {
 protected:
  Checks() {
    plan_.batches = {Batch(3)};
    checker_.OnBatchIs(1, 0);
    checker_.OnStartDurable(1);
  }
  v1::TerminalRow Row(uint64_t task) {
    v1::TerminalRow row;
    row.set_task(task);
    row.set_value(plan_.batches[0].Payload(task));
    return row;
  }
  std::string Failure() { return checker_.failures().empty() ? "" : checker_.failures().front(); }

  ClusterPlan plan_;
  Coverage coverage_;
  Checker checker_{plan_, coverage_};
};

TEST_F(Checks, FailNothingThatIsFine) {
  for (uint64_t task = 0; task < 3; ++task) {
    checker_.OnTaskStarts(9, 1, 0, task);
    checker_.OnRow(0, Row(task));
  }
  v1::BatchClosed closed;
  closed.set_ok(3);
  checker_.OnClosed(0, closed);
  v1::BatchReport report;
  report.mutable_summary()->set_ok(3);
  checker_.OnReport(0, report);
  checker_.CheckEnd();
  EXPECT_EQ(Failure(), "");
}

TEST_F(Checks, FailATaskWithTwoEnds) {
  checker_.OnTaskStarts(9, 1, 0, 1);
  checker_.OnRow(0, Row(1));
  checker_.OnRow(0, Row(1));
  EXPECT_EQ(Failure(), "plan 0: task 1 has two terminal results");
}

TEST_F(Checks, FailAResultOfNothing) {
  checker_.OnRow(0, Row(1));
  EXPECT_EQ(Failure(), "plan 0: task 1 has a result but never ran");
}

TEST_F(Checks, FailAStartBeforeSTARTWasDurable) {
  checker_.OnTaskStarts(9, 2, 0, 1);
  EXPECT_EQ(Failure(), "plan 0: a task ran before START was durable");
}

TEST_F(Checks, FailAStartAfterTheReceipt) {
  checker_.OnReceipt(9, 1);
  checker_.OnTaskStarts(9, 1, 0, 1);
  EXPECT_EQ(Failure(), "plan 0: a task started after its worker's receipt");
}

TEST_F(Checks, FailAReceiptWhileTasksRun) {
  checker_.OnRuns(9, 1, 2);
  checker_.OnReceipt(9, 0);
  EXPECT_EQ(Failure(), "a worker gave its receipt while 2 tasks of batch 1 ran");
}

TEST_F(Checks, FailAForgottenAppend) {
  checker_.OnAppendAcked(0, 2);
  checker_.OnAppendAcked(0, 1);
  EXPECT_EQ(Failure(), "plan 0: acknowledged tasks were forgotten");
}

TEST_F(Checks, FailABatchThatNeverEnds) {
  checker_.CheckEnd();
  EXPECT_EQ(Failure(), "plan 0: never ended");
}

TEST_F(Checks, FailAResultThatIsAnotherLater) {
  checker_.OnTaskStarts(9, 1, 0, 1);
  checker_.OnRow(0, Row(1));
  checker_.OnRowAgain(0, 0, Row(2));
  EXPECT_EQ(Failure(), "plan 0: result 0 is another when read again");
}

TEST_F(Checks, FailASecondRunWithoutAFault) {
  checker_.OnTaskStarts(9, 1, 0, 1);
  checker_.OnTaskStarts(8, 1, 0, 1);
  checker_.CheckFaultFree(0);
  EXPECT_EQ(Failure(), "plan 0: without a fault task 1 ran 2 times");
}

TEST_F(Checks, FailAnAccountThatDoesNotAddUp) {
  v1::BatchClosed closed;
  checker_.OnClosed(0, closed);
  v1::BatchReport report;
  v1::SlotAccount& account = *report.add_workers()->mutable_account();
  account.set_slots(2);
  account.set_window_us(100);
  account.set_run_us(199);
  checker_.OnReport(0, report);
  EXPECT_EQ(Failure(), "plan 0: the parts of worker 0's slot account are 199 us, not 200");
}

}  // namespace
}  // namespace fanmill::sim
