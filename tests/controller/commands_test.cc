// What a person asks, and what is answered: whole sentences, no harm in asking again.
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

using CommandsTest = ControllerTest;

TEST_F(CommandsTest, EndpointsAreToldWhenBothAreKnown) {
  EXPECT_FALSE(Ask(pb::Command::ENDPOINTS).done());
  Assemble(0);
  const pb::CommandReply reply = Ask(pb::Command::ENDPOINTS);
  EXPECT_TRUE(reply.done());
  EXPECT_EQ(reply.state().ventilator().intake(), "tcp://127.0.0.1:21006");
  EXPECT_EQ(reply.state().sink().facts(), "tcp://127.0.0.1:21005");
}

TEST_F(CommandsTest, StatusShowsWhoIsThereAndEveryBatch) {
  RunBatch(2);
  TellReady({101});
  pb::Envelope beat = Beat(pb::WORKER, 101);
  beat.mutable_heartbeat()->set_running(3);
  Give(101, beat);
  Wait(Millis(250));
  const pb::CommandReply reply = Ask(pb::Command::STATUS);
  ASSERT_EQ(reply.members_size(), 4);
  EXPECT_EQ(reply.members(0).role(), pb::VENTILATOR);
  EXPECT_EQ(reply.members(1).role(), pb::SINK);
  const pb::Member& worker = reply.members(2);
  EXPECT_EQ(worker.number(), 1u);
  EXPECT_EQ(worker.slots(), 4u);
  EXPECT_EQ(worker.running(), 3u);
  EXPECT_TRUE(worker.ready());
  EXPECT_EQ(worker.silent_us(), 250'000u);
  EXPECT_FALSE(reply.members(3).ready());
  ASSERT_EQ(reply.batches_size(), 1);
  EXPECT_EQ(reply.batches(0).name(), "night");
  EXPECT_EQ(reply.states(0).phase(), pb::RUNNING);
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches_size(), 1);
}

TEST_F(CommandsTest, StatusTellsTheLeastDurabilityOfThoseWhoKeepSomething) {
  options_.durability = pb::DURABLE_ON_DISK;
  Boot();
  pb::Envelope ventilator = Hello(pb::VENTILATOR, 1);
  ventilator.mutable_hello()->set_durability(pb::DURABLE_ON_DISK);
  Give(1, ventilator);
  EXPECT_EQ(Ask(pb::Command::STATUS).durability(), pb::DURABILITY_UNKNOWN);
  pb::Envelope sink = Hello(pb::SINK, 1);
  sink.mutable_hello()->set_durability(pb::DURABLE_IN_OS);
  Give(2, sink);
  EXPECT_EQ(Ask(pb::Command::STATUS).durability(), pb::DURABLE_IN_OS);
  sink.mutable_hello()->set_durability(pb::DURABLE_ON_DISK);
  sink.set_epoch(2);
  Give(2, sink);
  EXPECT_EQ(Ask(pb::Command::STATUS).durability(), pb::DURABLE_ON_DISK);
}

TEST_F(CommandsTest, UnknownBatchesAreSaidToBeUnknown) {
  for (const auto verb :
       {pb::Command::STATUS, pb::Command::START, pb::Command::CANCEL, pb::Command::REPORT}) {
    const pb::CommandReply early = Ask(verb, 4);
    EXPECT_FALSE(early.done());
    EXPECT_NE(early.error().find("has not heard from a ventilator"), std::string::npos);
    EXPECT_FALSE(early.no_such_batch()) << "there may be";
  }
  Assemble(0);
  for (const auto verb :
       {pb::Command::STATUS, pb::Command::START, pb::Command::CANCEL, pb::Command::REPORT}) {
    EXPECT_EQ(Ask(verb, 4).error(), "there is no batch 4: fanmill list shows those there are");
    EXPECT_TRUE(Answer().no_such_batch());
  }
  EXPECT_EQ(disk_.size(), durable_);
}

TEST_F(CommandsTest, ABatchThatIsNotHeldNeedsNoStart) {
  Assemble(1);
  Tell(Progress(1, 5));
  const pb::CommandReply reply = Ask(pb::Command::START, 1);
  EXPECT_FALSE(reply.done());
  EXPECT_NE(reply.error().find("is not held"), std::string::npos);
  TellReady({101, 102, 103, 104, 105});
  EXPECT_EQ(Ask(pb::Command::START, 1).error(),
            "batch 1 has started already: there is nothing to do");
}

TEST_F(CommandsTest, StartingTwiceIsSaidButARepeatedRequestIsTheSameRequest) {  // R4
  Assemble(1);
  pb::BatchProgress held = Progress(1);
  held.set_hold(true);
  Tell(held);
  EXPECT_TRUE(Ask(pb::Command::START, 1, 7).done());
  EXPECT_TRUE(Ask(pb::Command::START, 1, 7).done());
  EXPECT_TRUE(Answer().states(0).started());
  EXPECT_EQ(Ask(pb::Command::START, 1, 8).error(),
            "batch 1 has started already: there is nothing to do");
}

TEST_F(CommandsTest, ACancelledOrEndedBatchIsNotStarted) {
  Assemble(1);
  pb::BatchProgress held = Progress(1);
  held.set_hold(true);
  Tell(held);
  Ask(pb::Command::CANCEL, 1);
  EXPECT_NE(Ask(pb::Command::START, 1).error().find("being cancelled"), std::string::npos);
  pb::BatchSummary summary = Closed(1, 0);
  summary.set_cancelled(true);
  Summary(summary);
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(Ask(pb::Command::START, 1).error(), "batch 1 has ended (cancelled)");
}

TEST_F(CommandsTest, AnEndedBatchIsNotCancelled) {
  RunBatch(1);
  Summary(Closed(1, 10));
  EXPECT_EQ(Ask(pb::Command::CANCEL, 1).error(),
            "batch 1 has ended (done): there is nothing to cancel");
  Give(101, Account(101, 1));
  EXPECT_EQ(PhaseOf(1), "absent");
  EXPECT_EQ(Ask(pb::Command::CANCEL, 1).error(),
            "batch 1 has ended (done): there is nothing to cancel");
  EXPECT_FALSE(Answer().no_such_batch());
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).states(0).phase(), pb::DONE);
  EXPECT_EQ(Ask(pb::Command::STATUS).batches_size(), 1);
}

TEST_F(CommandsTest, AVerbOfAnotherVersionIsNotObeyed) {
  EXPECT_NE(Ask(pb::Command::NONE).error().find("does not know this command"), std::string::npos);
  EXPECT_NE(Ask(static_cast<pb::Command::Verb>(99)).error(), "");
}

TEST_F(CommandsTest, RequestsAboveTheLimitOfThoseThatWaitAreDropped) {
  RunBatch(1);
  options_.waiting_max = 2;
  durable_ = disk_.size();
  Boot();
  Give(1, Hello(pb::VENTILATOR, 1));
  VentilatorBeats();
  slow_disk_ = true;
  for (uint64_t i = 0; i < 3; ++i) Give(20 + i, Command(pb::Command::CANCEL, 1, i));
  EXPECT_EQ(Counted("waiting_full"), 1u);
  EXPECT_EQ(Sync(), (Lines{"signal b/1 KILL 1", "20 CommandReply", "21 CommandReply"}));
}

}  // namespace
}  // namespace fanmill
