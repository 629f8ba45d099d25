// Cancel: durable, signalled, and certain by receipts.
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

using KillTest = ControllerTest;

// R92
TEST_F(KillTest, TheSignalIsTheFirstThingOnceTheKillIsDurable) {
  RunBatch(2);
  slow_disk_ = true;
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1)), (Lines{"row kill"}));
  EXPECT_EQ(PhaseOf(1), "running");
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1)), Lines{}) << "asked twice, written once";
  EXPECT_EQ(Sync(), (Lines{"signal b/1 KILL 1", "9 CommandReply", "9 CommandReply"}));
  EXPECT_FALSE(Answer().done());
  const pb::ClusterState state = State();
  EXPECT_EQ(state.batches(0).phase(), pb::DRAINING);
  EXPECT_EQ(state.batches(0).generation(), 1u);
}

TEST_F(KillTest, IsCancelledWhenTheSinkClosedItAndEveryReceiptIsIn) {  // R92
  RunBatch(2);
  Ask(pb::Command::CANCEL, 1);
  EXPECT_EQ(Give(101, Receipt(101, 1, 1)), (Lines{"101 HeartbeatReply"}));
  pb::BatchSummary summary = Closed(1, 4);
  summary.set_cancelled(true);
  summary.set_cancelled_tasks(6);
  EXPECT_EQ(Summary(summary), (Lines{"signal all ASK 0"}));
  EXPECT_EQ(PhaseOf(1), "draining");
  const pb::CommandReply reply = Ask(pb::Command::CANCEL, 1);
  EXPECT_FALSE(reply.done());
  ASSERT_EQ(reply.members_size(), 2);
  EXPECT_TRUE(reply.members(0).confirmed());
  EXPECT_FALSE(reply.members(1).confirmed());
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches(0).waiting(),
            "waits for the receipts of worker 2 (box:102)");
  EXPECT_EQ(Give(102, Receipt(102, 1, 1)), (Lines{"row end", "102 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "cancelled");
  EXPECT_TRUE(Ask(pb::Command::CANCEL, 1).done());
}

TEST_F(KillTest, ReceiptsFirstAndTheSinkLastIsAsGood) {  // R92
  RunBatch(1);
  Ask(pb::Command::CANCEL, 1);
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(PhaseOf(1), "draining");
  pb::BatchSummary summary = Closed(1, 4);
  summary.set_cancelled(true);
  Summary(summary);
  EXPECT_EQ(PhaseOf(1), "cancelled");
}

TEST_F(KillTest, AWorkerThatNeverConfirmsIsWaitedForUntilItIsGone) {  // R92, R16
  RunBatch(2);
  Ask(pb::Command::CANCEL, 1);
  pb::BatchSummary summary = Closed(1, 4);
  summary.set_cancelled(true);
  Summary(summary);
  for (int i = 0; i < 40; ++i) {
    Wait(Millis(500));
    VentilatorBeats();
    State();
    Give(101, Receipt(101, 1, 1));
    Give(102, Beat(pb::WORKER, 102));  // alive, but never a receipt
  }
  EXPECT_EQ(PhaseOf(1), "draining");
  for (int i = 0; i < 10; ++i) {
    Wait(Millis(500));
    VentilatorBeats();
    State();
    Give(101, Receipt(101, 1, 1));
  }
  EXPECT_TRUE(Ask(pb::Command::CANCEL, 1).done());
  EXPECT_EQ(Ask(pb::Command::REPORT, 1).report().missing(0), "worker 1 (box:101)");
}

TEST_F(KillTest, AWorkerThatCameAfterTheKillOwesItsReceiptToo) {  // R92
  RunBatch(1);
  Ask(pb::Command::CANCEL, 1);
  Give(105, WorkerHello(105));  // perhaps one that was thought gone
  Give(101, Receipt(101, 1, 1));
  pb::BatchSummary summary = Closed(1, 4);
  summary.set_cancelled(true);
  Summary(summary);
  EXPECT_EQ(PhaseOf(1), "draining");
  Give(105, Receipt(105, 1, 1));
  EXPECT_EQ(PhaseOf(1), "cancelled");
}

TEST_F(KillTest, ReceiptsOfAnotherGenerationOrBatchConfirmNothing) {  // R92
  RunBatch(1);
  Tell(Progress(2));
  Ask(pb::Command::CANCEL, 1);
  Ask(pb::Command::CANCEL, 2);
  pb::BatchSummary summary = Closed(2, 4);
  summary.set_cancelled(true);
  Summary(summary);
  for (const auto& [batch, generation] :
       std::vector<std::pair<uint32_t, uint64_t>>{{2, 1}, {2, 3}, {1, 2}, {7, 2}, {2, 0}}) {
    Give(101, Receipt(101, batch, generation));
  }
  EXPECT_EQ(PhaseOf(2), "draining");
  EXPECT_EQ(Counted("stray_receipt"), 5u);
  Give(101, Receipt(101, 2, 2));
  EXPECT_EQ(PhaseOf(2), "cancelled");
}

TEST_F(KillTest, ABatchThatHasNotStartedIsCancelledToo) {  // R92
  Assemble(1);
  Tell(Progress(1, 5));
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1)),
            (Lines{"row kill", "signal b/1 KILL 1", "9 CommandReply"}));
  EXPECT_EQ(TellReady({101, 102, 103, 104, 105}), (Lines{"1 HeartbeatReply"}))
      << "nor does it start any more";
  pb::BatchSummary summary = Closed(1, 0);
  summary.set_opened(false);
  summary.set_cancelled(true);
  Summary(summary);
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(PhaseOf(1), "absent");
  const pb::BatchReport report = Ask(pb::Command::REPORT, 1).report();
  EXPECT_EQ(report.phase(), pb::BATCH_CANCELLED);
  EXPECT_TRUE(report.complete()) << "nobody owes an account of what never ran";
}

TEST_F(KillTest, AKillOvertakesAStartThatIsNotDurableYet) {
  Assemble(1);
  slow_disk_ = true;
  Tell(Progress(1));
  Give(9, Command(pb::Command::CANCEL, 1));
  EXPECT_EQ(Sync(), (Lines{"signal b/1 START 0", "signal b/1 KILL 1", "9 CommandReply"}));
  EXPECT_EQ(PhaseOf(1), "draining");
}

TEST_F(KillTest, ACancelThatComesTooLateTellsHowItEnded) {
  RunBatch(1);
  Ask(pb::Command::CANCEL, 1);
  Summary(Closed(1, 9, 1));  // the sink had closed it before
  Give(101, Receipt(101, 1, 1));
  const pb::CommandReply reply = Ask(pb::Command::CANCEL, 1);
  EXPECT_FALSE(reply.done());
  EXPECT_EQ(reply.error(), "batch 1 has ended (failed): there is nothing to cancel");
}

TEST_F(KillTest, ACancelOfABatchWhoseEndIsNotDurableYetKillsNothing) {  // R97
  RunBatch(1);
  slow_disk_ = true;
  Summary(Closed(1, 10));
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1)), Lines{});
  EXPECT_EQ(Sync(), (Lines{"9 CommandReply"}));
  EXPECT_EQ(Answer().error(), "batch 1 has ended (done): there is nothing to cancel");
}

TEST_F(KillTest, AnEndThatComesAfterTheKillWasAskedWaitsForTheReceipts) {  // R92
  RunBatch(1);
  slow_disk_ = true;
  Give(9, Command(pb::Command::CANCEL, 1));
  EXPECT_EQ(Summary(Closed(1, 10)), (Lines{"signal all ASK 0"}));
  Sync();
  EXPECT_EQ(PhaseOf(1), "draining");
  slow_disk_ = false;
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(PhaseOf(1), "done");
}

TEST_F(KillTest, EveryKillHasAGenerationOfItsOwn) {
  RunBatch(1);
  Tell(Progress(2));
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1))[1], "signal b/1 KILL 1");
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 2))[1], "signal b/2 KILL 2");
}

TEST_F(KillTest, EndsABatchThatItsVentilatorForgotForGood) {
  RunBatch(1);
  told_.clear();
  VentilatorBeats();
  EXPECT_NE(Ask(pb::Command::STATUS, 1).batches(0).waiting().find("does not know it any more"),
            std::string::npos);
  Ask(pb::Command::CANCEL, 1);
  for (int i = 0; i < 11; ++i) {
    Wait(Millis(500));
    VentilatorBeats();
    State();
    Give(101, Receipt(101, 1, 1));
  }
  EXPECT_TRUE(Ask(pb::Command::CANCEL, 1).done());
}

TEST_F(KillTest, ABatchThatItsVentilatorForgotIsCancelledAfterALease) {  // R96
  RunBatch(1);
  told_.clear();
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(State().batches(0).generation(), 0u);
    VentilatorBeats();
    Give(101, Beat(pb::WORKER, 101));
    Wait(Millis(500));
  }
  EXPECT_EQ(State().batches(0).generation(), 1u);
  EXPECT_EQ(Counted("R96"), 1u);
  EXPECT_EQ(controller_->TakeNotices().back(),
            "batch 1 is cancelled: the ventilator has lost its tasks");
  Give(101, Receipt(101, 1, 1));
  VentilatorBeats();
  const pb::CommandReply reply = Ask(pb::Command::STATUS, 1);
  EXPECT_EQ(reply.states(0).phase(), pb::BATCH_CANCELLED);
  EXPECT_EQ(reply.batches(0).waiting(), "the ventilator has lost its tasks");
}

TEST_F(KillTest, ABatchThatItsVentilatorForgotAfterTheSinkClosedItIsDone) {  // R96
  RunBatch(1);
  told_.clear();
  EXPECT_EQ(VentilatorBeats(), (Lines{"facts SummaryRequest", "1 HeartbeatReply"}));
  Summary(Closed(1, 10));
  EXPECT_NE(PhaseOf(1), "running");
  EXPECT_EQ(Counted("R96"), 0u);
}

class LostLedgerTest : public ControllerTest {
 protected:
  // A sink begins anew; the ventilator, which was told of `terminal` tasks, speaks a lease later.
  Lines NewSink(uint64_t terminal) {
    RunBatch(1);
    Give(2, Hello(pb::SINK, 2));
    pb::BatchProgress progress = Progress(1);
    progress.set_ok(terminal);
    for (int i = 0; i < 10; ++i) {
      Tell(progress);
      Give(2, Beat(pb::SINK, 2));
      Give(101, Beat(pb::WORKER, 101));
      Wait(Millis(500));
    }
    return Tell(progress);
  }
  Lines Knows(uint64_t ok) {
    pb::BatchSummary summary;
    summary.set_batch(1);
    summary.set_known(ok > 0);
    summary.set_ok(ok);
    return Summary(summary);
  }
};

TEST_F(LostLedgerTest, ASinkThatLostResultsEndsTheBatch) {  // R96
  EXPECT_EQ(NewSink(7), (Lines{"facts SummaryRequest", "1 HeartbeatReply"}));
  EXPECT_EQ(Knows(6), (Lines{"row kill", "signal b/1 KILL 1"}));
  EXPECT_EQ(controller_->TakeNotices().back(),
            "batch 1 is cancelled: the sink has lost results of it");
}

TEST_F(LostLedgerTest, ASinkThatLostNothingDoesNot) {
  NewSink(7);
  EXPECT_EQ(Knows(7), Lines{});
  EXPECT_EQ(Knows(6), Lines{}) << "was under way for long";
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).states(0).phase(), pb::RUNNING);
}

TEST_F(LostLedgerTest, ABatchThatWasClosedBeforeEndsAsTheVentilatorSays) {  // R96
  NewSink(7);
  pb::BatchProgress progress = Progress(1);
  progress.set_closed(true);
  progress.set_tasks(9);
  progress.set_ok(9);
  Tell(progress);
  Knows(0);
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).states(0).phase(), pb::DONE);
}

// The sink gained more between the ventilator's word and its own than it had lost.
TEST_F(LostLedgerTest, ALossThatIsHiddenAtFirstIsFoundALeaseLater) {  // R96
  NewSink(7);
  EXPECT_EQ(Knows(8), Lines{});
  pb::BatchProgress progress = Progress(1);
  progress.set_ok(10);
  for (int i = 0; i < 10; ++i) {
    Give(2, Beat(pb::SINK, 2));
    Give(101, Beat(pb::WORKER, 101));
    Wait(Millis(500));
    Tell(progress);
  }
  EXPECT_EQ(Knows(9), (Lines{"row kill", "signal b/1 KILL 1"}));
}

}  // namespace
}  // namespace fanmill
