// The whole cluster leaves, in stages, with receipts.
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

using ShutdownTest = ControllerTest;

// R100, R102
TEST_F(ShutdownTest, GoesInStagesAndEndsWhenAPersonWasTold) {
  Assemble(2);
  EXPECT_EQ(Give(9, Command(pb::Command::SHUTDOWN)),
            (Lines{"row wish", "signal all DRAIN 1", "9 CommandReply"}));
  EXPECT_FALSE(Answer().done());
  EXPECT_EQ(State().wish(), pb::DRAIN);
  EXPECT_EQ(State().leave_stage(), 1u);
  Give(101, Leaving(Receipt(101, 0, 1)));
  EXPECT_EQ(State().leave_stage(), 1u);
  EXPECT_EQ(Give(102, Leaving(Receipt(102, 0, 1))),
            (Lines{"row receipt", "row left", "signal all ASK 0", "102 HeartbeatReply"}));
  EXPECT_EQ(State().leave_stage(), 2u);
  EXPECT_EQ(Give(1, Leaving(Beat(pb::VENTILATOR, 1))),
            (Lines{"row left", "signal all ASK 0", "1 HeartbeatReply"}));
  EXPECT_EQ(State().leave_stage(), 3u);
  EXPECT_FALSE(Ask(pb::Command::SHUTDOWN).done());
  EXPECT_EQ(Give(2, Leaving(Beat(pb::SINK, 1))),
            (Lines{"row left", "signal all ASK 0", "row wish", "2 HeartbeatReply"}));
  EXPECT_FALSE(controller_->Done());
  const pb::CommandReply reply = Ask(pb::Command::SHUTDOWN);
  EXPECT_TRUE(reply.done());
  ASSERT_EQ(reply.members_size(), 4);
  for (const pb::Member& member : reply.members()) {
    EXPECT_TRUE(member.gone());
    EXPECT_TRUE(member.confirmed());
  }
  Wait(Millis(199));
  EXPECT_FALSE(controller_->Done()) << "the reply must get out";
  Wait(Millis(1));
  EXPECT_TRUE(controller_->Done());
  for (const std::string& notice : controller_->TakeNotices()) {
    EXPECT_TRUE(notice.find(" joined") != notice.npos || notice.find(" leaves") != notice.npos)
        << notice;
  }
}

TEST_F(ShutdownTest, LeavesAfterTwoSecondsIfNobodyAsks) {  // R102
  Assemble(0);
  Give(9, Command(pb::Command::SHUTDOWN_NOW));
  Give(1, Leaving(Beat(pb::VENTILATOR, 1)));
  Give(2, Leaving(Beat(pb::SINK, 1)));
  Wait(Millis(1999));
  EXPECT_FALSE(controller_->Done());
  Wait(Millis(1));
  EXPECT_TRUE(controller_->Done());
}

TEST_F(ShutdownTest, NamesWhoLeftWithoutAReceipt) {  // R101, R102
  Assemble(2);
  EXPECT_EQ(Give(9, Command(pb::Command::SHUTDOWN_NOW))[1], "signal all KILL 1");
  EXPECT_EQ(State().wish(), pb::KILL);
  Give(101, Leaving(Receipt(101, 0, 1)));
  for (int i = 0; i < 10; ++i) {  // worker 102 is dead
    VentilatorBeats();
    State();
    Wait(Millis(500));
  }
  EXPECT_EQ(State().leave_stage(), 2u);
  Give(1, Leaving(Beat(pb::VENTILATOR, 1)));
  Give(2, Leaving(Beat(pb::SINK, 1)));
  const pb::CommandReply reply = Ask(pb::Command::SHUTDOWN_NOW);
  EXPECT_TRUE(reply.done());
  const pb::Member& dead = reply.members(3);
  EXPECT_EQ(dead.incarnation(), 102u);
  EXPECT_TRUE(dead.gone());
  EXPECT_FALSE(dead.confirmed());
  Wait(Seconds(2));
  EXPECT_EQ(controller_->TakeNotices().back(),
            "worker 2 (box:102) has not confirmed that nothing of it runs any more");
}

TEST_F(ShutdownTest, AWorkerIsAnsweredOnlyWhenItsReceiptIsDurable) {  // R101
  Assemble(1);
  Ask(pb::Command::SHUTDOWN);
  slow_disk_ = true;
  const pb::Envelope leaving = Leaving(Receipt(101, 0, 1));
  EXPECT_EQ(Give(101, leaving), (Lines{"row receipt", "row left", "signal all ASK 0"}));
  EXPECT_EQ(Give(101, leaving), Lines{});
  EXPECT_EQ(Sync(), (Lines{"101 HeartbeatReply", "101 HeartbeatReply"}));
}

TEST_F(ShutdownTest, AKillGoesOverADrainAndIsNotTakenBack) {
  Assemble(2);
  Ask(pb::Command::SHUTDOWN);
  Give(101, Leaving(Receipt(101, 0, 1)));
  EXPECT_EQ(Give(9, Command(pb::Command::SHUTDOWN_NOW)),
            (Lines{"row wish", "signal all KILL 2", "9 CommandReply"}));
  EXPECT_EQ(Give(9, Command(pb::Command::SHUTDOWN)), (Lines{"9 CommandReply"}));
  EXPECT_EQ(State().wish(), pb::KILL);
  EXPECT_EQ(State().generation(), 2u);
  EXPECT_TRUE(Answer().members(2).confirmed()) << "what it said of the drain holds for the kill";
}

TEST_F(ShutdownTest, AReceiptOfItsOwnAccordCountsOnlyWithLeaving) {  // R103
  Assemble(1);
  Give(101, Receipt(101, 0, 0));
  EXPECT_FALSE(Ask(pb::Command::STATUS).members(2).confirmed());
  Give(101, Leaving(Receipt(101, 0, 0)));
  EXPECT_TRUE(Ask(pb::Command::STATUS).members(2).confirmed());
}

TEST_F(ShutdownTest, NobodyWaitsForAWorkerWhoseGuardianSawItDie) {  // R104
  Assemble(2);
  Ask(pb::Command::SHUTDOWN_NOW);
  Give(101, Leaving(Receipt(101, 0, 1)));
  pb::Envelope death = Leaving(Receipt(102, 0, 0));
  death.set_role(pb::GUARDIAN);
  EXPECT_EQ(Give(500, death), (Lines{"row receipt", "row left", "signal all ASK 0"}))
      << "and no answer: the guardian is gone by now";
  EXPECT_EQ(State().leave_stage(), 2u);
  Give(102, WorkerHello(102));  // was under way when the worker died
  EXPECT_EQ(State().leave_stage(), 2u);
  EXPECT_EQ(Give(500, death), Lines{});
  const pb::Member dead = Ask(pb::Command::SHUTDOWN_NOW).members(3);
  EXPECT_EQ(dead.incarnation(), 102u);
  EXPECT_TRUE(dead.gone());
  EXPECT_TRUE(dead.confirmed());
}

TEST_F(ShutdownTest, NamesAWorkerThatWasSilentBefore) {  // R102
  RunBatch(3);
  Give(103, Leaving(Receipt(103, 0, 0)));
  ready_ = {101, 102};
  FallSilent({102});
  Ask(pb::Command::SHUTDOWN_NOW);
  Give(101, Leaving(Receipt(101, 0, 1)));
  Give(1, Leaving(Beat(pb::VENTILATOR, 1)));
  Give(2, Leaving(Beat(pb::SINK, 1)));
  const pb::CommandReply reply = Ask(pb::Command::SHUTDOWN_NOW);
  EXPECT_TRUE(reply.done()) << "nobody waits for it";
  ASSERT_EQ(reply.members_size(), 4) << "103 had confirmed before";
  EXPECT_TRUE(reply.members(2).confirmed());
  EXPECT_EQ(reply.members(3).incarnation(), 102u);
  EXPECT_FALSE(reply.members(3).confirmed());
}

// It may be alive, though nothing of it runs.
TEST_F(ShutdownTest, NamesWhoeverWasSilentBeforeToo) {  // R102
  Assemble(2);
  FallSilent({101}, true);
  const pb::CommandReply reply = Ask(pb::Command::SHUTDOWN_NOW);
  ASSERT_EQ(reply.members_size(), 4);
  for (const pb::Member& member : reply.members()) {
    EXPECT_EQ(member.gone(), member.role() == pb::SINK || member.number() == 1) << member.number();
    EXPECT_FALSE(member.confirmed());
  }
}

TEST_F(ShutdownTest, SaysThatNoSinkTakesTheResults) {  // R102
  RunBatch(1);
  FallSilent({}, true);
  EXPECT_EQ(
      Ask(pb::Command::SHUTDOWN).batches(0).waiting().find("the sink has been silent for 6 s"), 0u);
  EXPECT_EQ(Ask(pb::Command::SHUTDOWN_NOW).batches_size(), 0) << "nobody waits for a sink then";
}

TEST_F(ShutdownTest, AGuardianThatCouldNotEndEverythingGivesNoReceipt) {  // R104
  Assemble(1);
  Ask(pb::Command::SHUTDOWN_NOW);
  pb::Envelope death = Leaving(Beat(pb::WORKER, 101));
  death.set_role(pb::GUARDIAN);
  EXPECT_EQ(Give(500, death), (Lines{"row left", "signal all ASK 0"}));
  EXPECT_FALSE(Ask(pb::Command::SHUTDOWN_NOW).members(2).confirmed());
}

TEST_F(ShutdownTest, TheDeathOfAStrangerIsStray) {  // R104
  Assemble(1);
  pb::Envelope death = Leaving(Receipt(777, 0, 0));
  death.set_role(pb::GUARDIAN);
  EXPECT_EQ(Give(500, death), Lines{});
  EXPECT_EQ(Counted("stray_death"), 1u);
}

TEST_F(ShutdownTest, AReceiptOfAWishThatNeverWasIsStray) {  // R101
  Assemble(1);
  Ask(pb::Command::SHUTDOWN);
  Give(101, Receipt(101, 0, 5));
  EXPECT_EQ(Counted("stray_receipt"), 1u);
  EXPECT_FALSE(Ask(pb::Command::SHUTDOWN).members(2).confirmed());
}

TEST_F(ShutdownTest, OnlyThoseWhoWereThereAreAskedToConfirm) {
  Assemble(1);
  Give(101, Leaving(Beat(pb::WORKER, 101)));  // long ago, without a receipt
  Ask(pb::Command::SHUTDOWN);
  EXPECT_EQ(Ask(pb::Command::SHUTDOWN).members_size(), 2);
  Give(105, WorkerHello(105));  // comes into the shutdown: it is told, and must leave too
  EXPECT_EQ(welcome_.state().wish(), pb::DRAIN);
  EXPECT_EQ(Ask(pb::Command::SHUTDOWN).members_size(), 3);
  Give(1, Leaving(Beat(pb::VENTILATOR, 1)));
  Give(2, Leaving(Beat(pb::SINK, 1)));
  EXPECT_FALSE(Ask(pb::Command::SHUTDOWN).done());
  Give(105, Leaving(Receipt(105, 0, 1)));
  EXPECT_TRUE(Ask(pb::Command::SHUTDOWN).done());
}

TEST_F(ShutdownTest, NoBatchStartsAnyMore) {
  Assemble(1);
  Ask(pb::Command::SHUTDOWN);
  EXPECT_EQ(Tell(Progress(1)), (Lines{"1 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "forming");
}

TEST_F(ShutdownTest, AnEmptyClusterIsDownAtOnce) { EXPECT_TRUE(Ask(pb::Command::SHUTDOWN).done()); }

TEST_F(ShutdownTest, ASignalOfAPersonEndsTheControllerAlone) {
  RunBatch(1);
  EXPECT_EQ(Give(PeerId{Channel::kPerson}, StopAsked{1}), Lines{});
  EXPECT_TRUE(controller_->Done());
  EXPECT_EQ(controller_->TakeNotices().back().find("the controller stops: what runs goes on"), 0u);
  Boot();
  Give(1, Hello(pb::VENTILATOR, 1));
  EXPECT_EQ(PhaseOf(1), "running");
}

}  // namespace
}  // namespace fanmill
