// The sink as a member of the cluster, and over its restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/core/wire.h"
#include "tests/sink/rig.h"

namespace fanmill {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Life, SaysHelloUntilWelcomedThenConnectsToTheVentilator) {  // R10
  Rig rig;
  rig.Start();
  EXPECT_THAT(rig.Sent(),
              ElementsAre("connect control tcp://127.0.0.1:21000", HasSubstr("control hello {")));
  rig.Tick(Millis(500));
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("results: \"tcp://127.0.0.1:21002\" facts:")));
  pb::Envelope welcome = NewEnvelope({pb::CONTROLLER, 1, kCluster});
  welcome.mutable_welcome()->set_cluster(kCluster);
  welcome.mutable_welcome()->set_heartbeat_us(1'000'000);
  welcome.mutable_welcome()->set_signal("tcp://127.0.0.1:21001");
  *welcome.mutable_welcome()->mutable_state() = rig.state();
  rig.Say(Channel::kControl, welcome);
  EXPECT_THAT(rig.Sent(), ElementsAre("connect signal tcp://127.0.0.1:21001",
                                      "connect acks tcp://127.0.0.1:21003"));
}

TEST(Life, FollowsTheVentilatorWhenItIsAnother) {  // R12
  Rig rig;
  rig.Join();
  rig.SayState();  // nothing new about the ventilator
  EXPECT_THAT(rig.Sent(), IsEmpty());
  rig.state().set_ventilator_epoch(2);
  rig.SayState();
  EXPECT_THAT(rig.Sent(), ElementsAre("connect acks tcp://127.0.0.1:21003"));
}

TEST(Life, HeartbeatsAtOnceOnASignal) {  // R13
  Rig rig;
  rig.Join();
  rig.Tick(Duration{0});
  rig.Sent();
  rig.Tick(Millis(1));
  EXPECT_THAT(rig.Sent(), IsEmpty());
  rig.Give({Channel::kSignal}, Signal{});
  rig.Tick(Duration{0});
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("control heartbeat {")));
}

TEST(Life, LeavesAtTheThirdStageOfAShutdown) {  // R102
  Rig rig;
  rig.Join();
  rig.state().set_wish(pb::DRAIN);
  rig.state().set_leave_stage(2);
  rig.SayState();
  rig.Tick(Millis(1));
  EXPECT_THAT(rig.Sent(), Not(Contains(HasSubstr("leaving"))));
  rig.state().set_leave_stage(3);
  rig.SayState();
  rig.Tick(Duration{0});
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("leaving: true")));
  EXPECT_FALSE(rig.ledger().Done());
  rig.SayState();  // the answer
  EXPECT_TRUE(rig.ledger().Done());
  EXPECT_EQ(rig.ledger().ExitCode(), 0);
}

TEST(Life, LeavesUnansweredAfterASecond) {  // R102
  Rig rig;
  rig.Join();
  rig.state().set_wish(pb::KILL);
  rig.state().set_leave_stage(3);
  rig.SayState();
  rig.Tick(Millis(999));
  EXPECT_FALSE(rig.ledger().Done());
  rig.Tick(Millis(1));
  EXPECT_TRUE(rig.ledger().Done());
}

TEST(Life, EndsAtOnceWhenAPersonAsksAndSaysWhatThatMeans) {
  Rig rig;
  rig.Join();
  rig.Give({Channel::kPerson}, StopAsked{1});
  EXPECT_TRUE(rig.ledger().Done());
  EXPECT_THAT(rig.ledger().TakeNotices(),
              ElementsAre(AllOf(HasSubstr("batches wait until it is started again"),
                                HasSubstr("workers keep what was not acknowledged"))));
}

TEST(Life, EndsWhenRefusedAndSaysWhy) {  // R14
  Rig rig;
  rig.Start();
  pb::Envelope refused = NewEnvelope({pb::CONTROLLER, 1, kCluster});
  refused.mutable_refused()->set_reason("another sink has this place");
  rig.Say(Channel::kControl, refused);
  rig.Say(Channel::kControl, refused);
  EXPECT_TRUE(rig.ledger().Done());
  EXPECT_EQ(rig.ledger().ExitCode(), 5);
  EXPECT_THAT(rig.ledger().TakeNotices(), ElementsAre(HasSubstr("another sink has this place")));
}

TEST(Recovery, KnowsWhatWasDurableAndNothingElse) {  // R60 R61
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Opens());
  rig.Say(Channel::kResults, Oks(0, 100));
  rig.Say(Channel::kResults, Failed(100, 1, ChunkId(1, 2)));
  rig.Say(Channel::kFacts, Facts(Finalise(100)), 1);
  rig.Say(Channel::kResults, Oks(50, 60, ChunkId(1, 3)));
  rig.Sync();
  const pb::BatchSummary before = rig.Summary();
  rig.Say(Channel::kResults, Oks(200, 5, ChunkId(1, 4)));  // not durable
  rig.Restart();
  EXPECT_THAT(rig.Sent(), IsEmpty());
  pb::BatchSummary after = rig.Summary();
  after.set_elapsed_us(before.elapsed_us());  // the clock is the controller's to set
  after.set_end_age_us(before.end_age_us());
  EXPECT_EQ(after.ShortDebugString(), before.ShortDebugString());
  rig.Say(Channel::kResults, Oks(200, 5, ChunkId(1, 4)));  // rows go on where they ended
  rig.Sync();
  EXPECT_EQ(rig.Summary().ok(), before.ok() + 5);
}

TEST(Recovery, ClosesABatchWhoseLastResultWasDurableAndItsClosingNot) {  // R77
  Rig rig;
  rig.Join();
  rig.Say(Channel::kFacts, Facts(Sealed(2)), 1);
  rig.Say(Channel::kResults, Oks(0, 2));
  rig.Sync();  // CLOSED is written by now, and lost
  rig.Restart();
  rig.Sync();
  EXPECT_TRUE(rig.Summary().closed());
}

TEST(Recovery, IsWaitedForBeforeAnythingElseIsDone) {
  LedgerOptions options;
  Ledger ledger(options);
  Outbox outbox;
  const Instant now{Seconds(1)};
  ledger.Start(now, outbox);
  outbox.Take();
  const Frame frame = Encode(Wire{std::make_shared<const pb::Envelope>(Oks(0, 1)), {}});
  ledger.Handle(now, {Channel::kResults}, Decode(Channel::kResults, frame), outbox);
  ledger.Handle(now, {Channel::kJournal}, JournalRecovered{{}, false}, outbox);
  ledger.Handle(now, {Channel::kResults}, Decode(Channel::kResults, frame), outbox);
  EXPECT_TRUE(outbox.empty());
  ledger.Handle(now, {Channel::kJournal}, JournalRecovered{{}, true}, outbox);
  ledger.Handle(now, {Channel::kResults}, Decode(Channel::kResults, frame), outbox);
  EXPECT_EQ(outbox.sent().size(), 1u);
}

TEST(Recovery, PassesOverADamagedRowAndNamesIt) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  rig.Sync();
  rig.rows()[0].bytes = Frame::Own("damaged");
  rig.Restart();
  EXPECT_EQ(rig.Summary().ok(), 1u);
  EXPECT_THAT(rig.ledger().TakeNotices(), ElementsAre(HasSubstr("row 1 of the ledger")));
}

}  // namespace
}  // namespace fanmill
