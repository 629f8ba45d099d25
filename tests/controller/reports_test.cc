// The report of a batch: the sink's summary, the workers' accounts, and when it is complete.
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

using ReportsTest = ControllerTest;

pb::BatchProgress ClosedProgress(pb::BatchProgress progress) {
  progress.set_closed(true);
  progress.set_started(true);
  progress.set_expected_us(900);
  return progress;
}

// R95
TEST_F(ReportsTest, ABatchLeavesTheStateWithItsSummaryAndEveryAccount) {
  RunBatch(2);
  EXPECT_EQ(Tell(ClosedProgress(Progress(1))), (Lines{"facts SummaryRequest", "1 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "running") << "only the sink says that it is closed";
  pb::BatchSummary summary = Closed(1, 10);
  summary.set_end_age_us(300);
  for (const uint32_t number : {1u, 2u}) {
    summary.add_workers()->set_number(number);
    summary.mutable_workers(static_cast<int>(number) - 1)->set_tasks(4 + number);
  }
  EXPECT_EQ(Summary(summary), (Lines{"signal all ASK 0", "row end"}));
  EXPECT_EQ(PhaseOf(1), "done");
  EXPECT_TRUE(State().batches(0).ended());
  EXPECT_EQ(State().batches(0).end_age_us(), 300u);
  EXPECT_EQ(Give(101, Account(101, 1)), (Lines{"101 HeartbeatReply"}));
  EXPECT_FALSE(Ask(pb::Command::REPORT, 1).report().complete());
  EXPECT_FALSE(Answer().report().final());
  EXPECT_EQ(Give(102, Account(102, 1)), (Lines{"row report", "102 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "absent");
  const pb::BatchReport report = Ask(pb::Command::REPORT, 1).report();
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.final());
  EXPECT_EQ(report.phase(), pb::DONE);
  EXPECT_EQ(report.name(), "night");
  EXPECT_EQ(report.expected_us(), 900u);
  ASSERT_EQ(report.workers_size(), 2);
  EXPECT_EQ(report.workers(0).tasks(), 5u);
  EXPECT_EQ(report.workers(1).tasks(), 6u);
  EXPECT_EQ(report.workers(1).account().slots(), 4u);
  EXPECT_EQ(report.missing_size(), 0);
  EXPECT_EQ(VentilatorBeats(), (Lines{"1 HeartbeatReply"})) << "told again, it stays ended";
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST_F(ReportsTest, TheBatchStaysInTheStateUntilItsReportIsDurable) {  // R95
  RunBatch(1);
  Summary(Closed(1, 10));
  slow_disk_ = true;
  EXPECT_EQ(Give(101, Account(101, 1)), (Lines{"row report", "101 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "done");
  Sync();
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST_F(ReportsTest, AFailedTaskMakesTheBatchFailed) {
  RunBatch(1);
  Summary(Closed(1, 9, 1));
  EXPECT_EQ(PhaseOf(1), "failed");
}

TEST_F(ReportsTest, ALostWorkersMissingAccountIsNamed) {  // R95
  RunBatch(2);
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  for (int i = 0; i < 10; ++i) {
    VentilatorBeats();
    Give(101, Account(101, 1));
    Wait(Millis(500));
  }
  const pb::BatchReport report = Ask(pb::Command::REPORT, 1).report();
  EXPECT_FALSE(report.complete());
  EXPECT_TRUE(report.final()) << "nobody need wait for it";
  ASSERT_EQ(report.missing_size(), 1);
  EXPECT_EQ(report.missing(0), "worker 2 (box:102)");
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST_F(ReportsTest, TheReportIsFinalOnceWhoOwesAnAccountIsDead) {  // R95, R104
  RunBatch(2);
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  EXPECT_FALSE(Ask(pb::Command::REPORT, 1).report().final());
  pb::Envelope death = Leaving(Beat(pb::GUARDIAN, 102));
  Give(500, death);
  const pb::BatchReport report = Ask(pb::Command::REPORT, 1).report();
  EXPECT_TRUE(report.final());
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(report.missing_size(), 1);
}

TEST_F(ReportsTest, AWorkerThatLeavesGivesItsAccountFirst) {  // R95, R103
  RunBatch(2);
  Give(102, Leaving(Account(102, 1)));
  Summary(Closed(1, 10));
  EXPECT_EQ(Give(101, Account(101, 1)), (Lines{"row report", "101 HeartbeatReply"}));
  EXPECT_TRUE(Ask(pb::Command::REPORT, 1).report().complete());
  EXPECT_EQ(Answer().report().workers_size(), 2);
}

TEST_F(ReportsTest, AnAccountFromBeforeTheEndIsNotFinal) {  // R95
  RunBatch(1);
  Give(101, Account(101, 1));
  Summary(Closed(1, 10));
  EXPECT_EQ(PhaseOf(1), "done") << "it is asked for another";
  Give(101, Account(101, 1));
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST_F(ReportsTest, ALiveWorkerThatGivesNoAccountIsNotWaitedForForEver) {
  RunBatch(1);
  Summary(Closed(1, 10));
  for (int i = 0; i < 19; ++i) {
    Wait(Millis(500));
    Give(101, Beat(pb::WORKER, 101));
  }
  EXPECT_FALSE(Ask(pb::Command::REPORT, 1).report().workers(0).has_account());
  EXPECT_FALSE(Answer().report().final());
  EXPECT_EQ(Counted("R95"), 0u);
  Wait(Millis(500));
  EXPECT_EQ(Counted("R95"), 1u);
  EXPECT_EQ(Ask(pb::Command::REPORT, 1).report().missing(0), "worker 1 (box:101)");
  EXPECT_TRUE(Answer().report().final()) << "it is given up";
}

TEST_F(ReportsTest, AWorkerThatOnlyTheSinkKnowsIsMissingToo) {
  RunBatch(1);
  pb::BatchSummary summary = Closed(1, 10);
  summary.add_workers()->set_number(6);
  Summary(summary);
  Give(101, Account(101, 1));
  EXPECT_EQ(Ask(pb::Command::REPORT, 1).report().missing(0), "worker 6");
}

TEST_F(ReportsTest, StrayAccountsChangeNothing) {
  RunBatch(1);
  Give(105, WorkerHello(105));
  Summary(Closed(1, 10));
  Give(106, WorkerHello(106));  // came after the end: it owes nothing
  Give(106, Account(106, 1));
  Give(101, Account(101, 8));
  EXPECT_EQ(Counted("stray_account"), 2u);
  Give(101, Account(101, 1));
  Give(105, Account(105, 1));
  EXPECT_EQ(Ask(pb::Command::REPORT, 1).report().workers_size(), 2);
}

TEST_F(ReportsTest, TheReportOfARunningBatchAsksTheSinkFirst) {
  RunBatch(1);
  EXPECT_EQ(Give(9, Command(pb::Command::REPORT, 1, 5)), (Lines{"facts SummaryRequest"}));
  pb::BatchSummary summary = Closed(1, 3);
  summary.set_closed(false);
  EXPECT_EQ(Summary(summary), (Lines{"9 CommandReply"}));
  EXPECT_EQ(Answer().request(), 5u);
  EXPECT_EQ(Answer().report().summary().ok(), 3u);
  EXPECT_EQ(Answer().report().phase(), pb::RUNNING);
  EXPECT_FALSE(Answer().report().complete());
  EXPECT_EQ(PhaseOf(1), "running");
}

TEST_F(ReportsTest, ASilentSinkDelaysTheReportOnlyForAWhile) {
  RunBatch(1);
  Give(9, Command(pb::Command::REPORT, 1, 5));
  EXPECT_EQ(Wait(Seconds(1)),
            (Lines{"facts SummaryRequest", "facts SummaryRequest", "9 CommandReply"}));
  EXPECT_FALSE(Answer().report().summary().known());
}

TEST_F(ReportsTest, TheStateNamesTheHighestBatchEverHeardOf) {  // R17
  RunBatch(1);
  EXPECT_EQ(State().batches_through(), 1u);
  Tell(ClosedProgress(Progress(1)));
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  EXPECT_EQ(PhaseOf(1), "absent");
  EXPECT_EQ(State().batches_through(), 1u);
  Boot();
  Give(2, Beat(pb::SINK, 1));
  EXPECT_EQ(heard_.state().batches_through(), 1u) << "also after a restart";
}

TEST_F(ReportsTest, AsksAgainUntilAnsweredAndConnectsAnewAfterALease) {
  RunBatch(1);
  Tell(ClosedProgress(Progress(1)));
  EXPECT_EQ(Wait(Millis(500)), (Lines{"facts SummaryRequest"}));
  Lines lines;
  for (int i = 0; i < 10; ++i) {
    VentilatorBeats();
    State();
    Give(101, Beat(pb::WORKER, 101));
    for (std::string& line : Wait(Millis(500))) lines.push_back(std::move(line));
  }
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "connect facts tcp://127.0.0.1:21005"), 1);
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST_F(ReportsTest, ANewSinkIsAskedAtOnce) {
  RunBatch(1);
  Tell(ClosedProgress(Progress(1)));
  EXPECT_EQ(Give(2, Hello(pb::SINK, 2)),
            (Lines{"row member", "signal all ASK 0", "connect facts tcp://127.0.0.1:21005",
                   "facts SummaryRequest", "2 Welcome"}));
}

TEST_F(ReportsTest, ManyWhoWaitForAReportAreBounded) {
  options_.report_waiters_max = 2;
  Boot();
  RunBatch(1);
  EXPECT_EQ(Give(20, Command(pb::Command::REPORT, 1)), (Lines{"facts SummaryRequest"}));
  EXPECT_EQ(Give(21, Command(pb::Command::REPORT, 1)), (Lines{"facts SummaryRequest"}));
  EXPECT_EQ(Give(22, Command(pb::Command::REPORT, 1)), (Lines{"22 CommandReply"}));
}

TEST_F(ReportsTest, KeepsTheNewestReportsAndRemembersThatTheOthersEnded) {
  options_.reports_max = 2;
  Boot();
  Assemble(0);
  for (uint32_t batch = 1; batch <= 3; ++batch) {
    pb::BatchProgress progress = Progress(batch);
    progress.set_started(true);
    Tell(progress);
    Summary(Closed(batch, 10));
  }
  EXPECT_NE(Ask(pb::Command::REPORT, 1).error().find("no longer kept"), std::string::npos);
  EXPECT_TRUE(Ask(pb::Command::REPORT, 2).report().complete());
  EXPECT_TRUE(Ask(pb::Command::REPORT, 3).report().complete());
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).error(), "batch 1 has ended long ago");
  EXPECT_EQ(VentilatorBeats(), (Lines{"1 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST(Reports, AreBoundedInBytesToo) {
  control::Reports reports(1000, 300);
  for (uint32_t batch = 1; batch <= 5; ++batch) {
    pb::BatchReport report;
    report.set_batch(batch);
    report.set_name(std::string(100, 'n'));
    reports.Keep(report, {});
  }
  EXPECT_LT(reports.kept().size(), 3u);
  EXPECT_NE(reports.Find(5), nullptr);
  EXPECT_TRUE(reports.HasEnded(1));
}

TEST(Reports, ASummaryWithEndlessColumnsIsCut) {
  pb::BatchSummary summary;
  for (int i = 0; i <= control::kSketchBucketsMax; ++i) summary.mutable_task_us()->add_bucket(1);
  for (int i = 0; i <= control::kSummaryWorkersMax; ++i) summary.add_workers()->set_number(1);
  const pb::BatchSummary kept = control::Bounded(summary);
  EXPECT_FALSE(kept.has_task_us());
  EXPECT_EQ(kept.workers_size(), control::kSummaryWorkersMax);
}

}  // namespace
}  // namespace fanmill
