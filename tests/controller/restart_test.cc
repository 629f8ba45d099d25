// The controller dies and comes back, in every phase. R11
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

class RestartTest : public ControllerTest {
 protected:
  void Restart() {
    Boot();
    Give(1, Hello(pb::VENTILATOR, 1));
    Give(2, Hello(pb::SINK, 1));
  }
};

TEST_F(RestartTest, TellsAStateOfAnotherVersionThatIsOtherwiseTheSame) {  // R12
  RunBatch(1);
  const pb::ClusterState before = State();
  Boot();
  Give(2, Beat(pb::SINK, 1));
  EXPECT_FALSE(heard_.unknown()) << "members stand in the book";
  pb::ClusterState after = heard_.state();
  EXPECT_NE(after.version(), before.version());
  after.set_version(before.version());
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
}

TEST_F(RestartTest, WhenFormingItWaitsForTheBarrierAnew) {
  Assemble(1);
  pb::BatchProgress held = Progress(1, 2);
  held.set_hold(true);
  Tell(held);
  Ask(pb::Command::START, 1);
  Restart();
  Give(101, WorkerHello(101, 1));
  EXPECT_EQ(PhaseOf(1), "forming");
  EXPECT_EQ(TellReady({101, 102}), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}))
      << "its release is remembered";
}

TEST_F(RestartTest, SaysOfNoBatchThatItIsNotThereBeforeTheVentilatorSpoke) {
  Assemble(1);
  pb::BatchProgress held = Progress(1);
  held.set_hold(true);
  Tell(held);
  Restart();
  EXPECT_EQ(Give(9, Command(pb::Command::STATUS, 1)), Lines{}) << "whoever waits for it asks again";
  EXPECT_EQ(Counted("before_ventilator"), 1u);
  VentilatorBeats();
  EXPECT_EQ(PhaseOf(1), "forming");
  Restart();
  FallSilent({}, false, true);
  EXPECT_NE(Ask(pb::Command::STATUS, 1).error().find("has not heard from a ventilator"),
            std::string::npos);
  EXPECT_FALSE(Answer().no_such_batch()) << "there may be";
}

TEST_F(RestartTest, WhenReadyAndStartWasNotDurableItHasNotStarted) {  // R91
  Assemble(1);
  slow_disk_ = true;
  Tell(Progress(1));
  slow_disk_ = false;
  Restart();
  EXPECT_EQ(PhaseOf(1), "absent");
  EXPECT_EQ(VentilatorBeats(), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}));
}

TEST_F(RestartTest, WhenReadyAndStartWasDurableItRunsThoughNobodyWasTold) {  // R91
  Assemble(1);
  slow_disk_ = true;
  Tell(Progress(1));
  durable_ = disk_.size();  // the crash comes before the journal's word
  slow_disk_ = false;
  Restart();
  EXPECT_EQ(PhaseOf(1), "running");
}

TEST_F(RestartTest, WhenRunningItLearnsFromTheSinkWhenItStarted) {
  RunBatch(1);
  now_ += Seconds(3);
  EXPECT_EQ(Boot(), (Lines{"connect facts tcp://127.0.0.1:21005", "facts SummaryRequest"}));
  EXPECT_EQ(State().batches(0).start_age_us(), 0u);
  pb::BatchSummary summary = Closed(1, 3);
  summary.set_closed(false);
  summary.set_elapsed_us(3'000'000);
  Summary(summary);
  EXPECT_EQ(State().batches(0).start_age_us(), 3'000'000u);
  EXPECT_EQ(Wait(Seconds(1)), Lines{}) << "answered, it asks no more";
}

TEST_F(RestartTest, WhenDrainingItStillWaitsForThoseWhoOweReceipts) {  // R92
  RunBatch(2);
  Ask(pb::Command::CANCEL, 1);
  Restart();
  EXPECT_EQ(State().batches(0).generation(), 1u);
  pb::BatchSummary summary = Closed(1, 4);
  summary.set_cancelled(true);
  Summary(summary);
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(PhaseOf(1), "draining") << "worker 102 has not been heard since, but is no less owed";
  Give(102, Receipt(102, 1, 1));
  EXPECT_EQ(PhaseOf(1), "cancelled");
}

TEST_F(RestartTest, AKillThatWasNotDurableNeverWas) {  // R92
  RunBatch(1);
  slow_disk_ = true;
  Give(9, Command(pb::Command::CANCEL, 1));
  slow_disk_ = false;
  Restart();
  EXPECT_EQ(PhaseOf(1), "running");
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1))[1], "signal b/1 KILL 1");
}

TEST_F(RestartTest, GenerationsRiseOverRestarts) {
  RunBatch(1);
  Ask(pb::Command::CANCEL, 1);
  Tell(Progress(2));
  Restart();
  VentilatorBeats();
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 2))[1], "signal b/2 KILL 2");
}

TEST_F(RestartTest, WhenEndedButNotReportedItGathersTheReportAgain) {  // R95
  RunBatch(2);
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  Restart();
  EXPECT_EQ(Wait(Millis(0)), Lines{}) << "asked already, when the sink joined";
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  Give(102, Account(102, 1));
  EXPECT_TRUE(Ask(pb::Command::REPORT, 1).report().complete());
}

TEST_F(RestartTest, AnEndThatWasToldStandsThoughTheSinkIsSilent) {  // R97
  RunBatch(1);
  EXPECT_EQ(Summary(Closed(1, 9, 1)), (Lines{"signal all ASK 0", "row end"}));
  ASSERT_EQ(PhaseOf(1), "failed");
  Restart();
  EXPECT_EQ(PhaseOf(1), "failed");
  EXPECT_EQ(Give(9, Command(pb::Command::CANCEL, 1)), (Lines{"9 CommandReply"}));
  EXPECT_EQ(Answer().error(), "batch 1 has ended (failed): there is nothing to cancel");
  const pb::CommandReply status = Ask(pb::Command::STATUS, 1);
  EXPECT_EQ(status.batches(0).ok(), 9u);
  EXPECT_EQ(status.batches(0).name(), "night");
}

TEST_F(RestartTest, AnEndThatWasNotDurableWasNotToldEither) {  // R97
  RunBatch(1);
  slow_disk_ = true;
  EXPECT_EQ(Summary(Closed(1, 10)), (Lines{"signal all ASK 0", "row end"}));
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).states(0).phase(), pb::RUNNING);
  slow_disk_ = false;
  Restart();
  EXPECT_EQ(PhaseOf(1), "running");
  Summary(Closed(1, 10));
  EXPECT_EQ(PhaseOf(1), "done");
}

TEST_F(RestartTest, ASinkThatLostItsLedgerTakesNoEndBack) {  // R97
  RunBatch(1);
  Summary(Closed(1, 10));
  Restart();
  pb::BatchSummary lost;
  lost.set_batch(1);
  Summary(lost);
  EXPECT_EQ(PhaseOf(1), "done");
  EXPECT_FALSE(State().batches(0).ended()) << "when it was, nobody has said yet";
  Wait(options_.account_wait);
  const pb::BatchReport report = Ask(pb::Command::REPORT, 1).report();
  EXPECT_EQ(report.phase(), pb::DONE);
  EXPECT_EQ(report.summary().ok(), 10u);
  EXPECT_TRUE(report.final());
}

TEST_F(RestartTest, ReportsOutliveIt) {
  RunBatch(1);
  Summary(Closed(1, 10));
  Give(101, Account(101, 1));
  const pb::BatchReport before = Ask(pb::Command::REPORT, 1).report();
  Restart();
  EXPECT_EQ(Ask(pb::Command::REPORT, 1).report().SerializeAsString(), before.SerializeAsString());
  const pb::CommandReply status = Ask(pb::Command::STATUS, 1);
  EXPECT_EQ(status.states(0).phase(), pb::DONE);
  EXPECT_EQ(status.batches(0).ok(), 10u);
  VentilatorBeats();
  EXPECT_EQ(PhaseOf(1), "absent");
}

TEST_F(RestartTest, AShutdownGoesOnWhereItWas) {  // R102
  Assemble(2);
  Ask(pb::Command::SHUTDOWN);
  Give(101, Leaving(Receipt(101, 0, 1)));
  Boot();
  EXPECT_EQ(controller_->TakeNotices().size(), 1u);
  EXPECT_EQ(State().wish(), pb::DRAIN);
  EXPECT_EQ(State().leave_stage(), 1u) << "worker 102 may still run";
  Give(102, Leaving(Receipt(102, 0, 1)));
  EXPECT_EQ(State().leave_stage(), 2u);
  const pb::CommandReply reply = Ask(pb::Command::SHUTDOWN);
  ASSERT_EQ(reply.members_size(), 4);
  EXPECT_TRUE(reply.members(2).confirmed());
  EXPECT_TRUE(reply.members(2).gone());
}

TEST_F(RestartTest, AfterAShutdownThatWasOverItBeginsAfresh) {  // R102
  Assemble(1);
  Ask(pb::Command::SHUTDOWN_NOW);
  Give(101, Leaving(Receipt(101, 0, 1)));
  Give(1, Leaving(Beat(pb::VENTILATOR, 1)));
  Give(2, Leaving(Beat(pb::SINK, 1)));
  Boot();
  Give(1, Hello(pb::VENTILATOR, 2));
  Give(2, Hello(pb::SINK, 2));
  EXPECT_EQ(welcome_.state().wish(), pb::RUN);
  EXPECT_EQ(welcome_.state().leave_stage(), 0u);
  EXPECT_EQ(welcome_.state().ventilator_epoch(), 2u);
  EXPECT_EQ(Ask(pb::Command::SHUTDOWN).members_size(), 2);
}

TEST_F(RestartTest, MembersHaveALeaseToSpeakAndAreGoneThen) {  // R16
  Assemble(1);
  Boot();
  Wait(Seconds(5) - Micros(1));
  EXPECT_FALSE(Ask(pb::Command::STATUS).members(2).gone());
  Wait(Micros(1));
  EXPECT_TRUE(Ask(pb::Command::STATUS).members(2).gone());
}

TEST_F(RestartTest, WorkersKeepTheirNumbersAndNewOnesGetOthers) {  // R15
  Assemble(2);
  Restart();
  Give(9, WorkerHello(109));
  EXPECT_EQ(welcome_.number(), 3u);
  Give(101, WorkerHello(101, 1));
  EXPECT_EQ(welcome_.number(), 1u);
}

TEST_F(RestartTest, ARowThatMakesNoSenseIsCountedAndSkipped) {
  RunBatch(1);
  disk_[0].bytes = Frame::Own("\xff\xff");
  Boot();
  EXPECT_EQ(Counted("bad_row"), 1u);
  Give(1, Beat(pb::VENTILATOR, 1));
  EXPECT_FALSE(heard_.unknown());
}

}  // namespace
}  // namespace fanmill
