// The ventilator as a member of the cluster.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

TEST(Dispatcher, SaysHelloUntilWelcomed) {  // R10
  Rig rig;
  EXPECT_EQ(rig.Sent(pb::Envelope::kHello).size(), 1u);
  rig.Pass(Millis(1000));
  EXPECT_EQ(rig.Sent(pb::Envelope::kHello).size(), 2u);
  rig.Tell();
  rig.Pass(Millis(1000));
  EXPECT_TRUE(rig.Sent(pb::Envelope::kHello).empty());
  EXPECT_FALSE(rig.Sent(pb::Envelope::kHeartbeat).empty());
}

TEST(Dispatcher, SaysHelloAnewWhenUnknownAndGoesOn) {  // R11
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  rig.Batch(10);
  rig.Sent(pb::Envelope::kHello);
  rig.Say(PeerId{Channel::kControl}, pb::CONTROLLER, 1,
          [](pb::Envelope& e) { e.mutable_heartbeat_reply()->set_unknown(true); });
  EXPECT_EQ(rig.Sent(pb::Envelope::kHello).size(), 1u);
  const auto chunks = rig.Chunks();
  ASSERT_FALSE(chunks.empty());
  rig.AckWhole({chunks[0].chunk()});
  EXPECT_EQ(rig.Chunks().size(), 1u);
}

TEST(Dispatcher, TakesAnyOtherStateWholeAlsoAnOlderOne) {  // R12
  Rig rig;
  rig.Tell();
  rig.Batch(2);
  rig.state.set_version(40);
  rig.state.set_wish(pb::DRAIN);
  rig.Tell();
  rig.Ready(1);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.state.set_version(4);
  rig.state.set_wish(pb::RUN);
  rig.Tell();
  EXPECT_EQ(rig.Chunks().size(), 2u);
}

TEST(Dispatcher, OpensNoBatchBeforeItIsWelcomedAndNumbersAboveAllEverHeardOf) {  // R17
  Rig rig;
  const auto open = [](pb::Envelope& e) {
    e.mutable_open_batch()->set_token_high(9);
    e.mutable_open_batch()->set_token_low(9);
    e.mutable_open_batch()->mutable_spec()->set_handler("noop");
  };
  rig.Say(rig.client, pb::CLIENT, 1, open);
  EXPECT_TRUE(rig.Sent(pb::Envelope::kBatchOpened).empty());
  rig.state.set_batches_through(41);
  rig.Tell();
  rig.Say(rig.client, pb::CLIENT, 1, open);
  EXPECT_EQ(rig.Counted("R17"), 1u);
  const auto opened = rig.Sent(pb::Envelope::kBatchOpened);
  ASSERT_EQ(opened.size(), 1u);
  EXPECT_EQ(opened[0].batch_opened().batch(), 42u);
  EXPECT_EQ(rig.Open(), 43u);
}

TEST(Dispatcher, HeartbeatsAtOnceWhenASignalComes) {  // R13
  Rig rig;
  rig.Tell();
  rig.Pass(Millis(0));
  rig.Sent(pb::Envelope::kHeartbeat);
  rig.Pass(Millis(10));
  EXPECT_TRUE(rig.Sent(pb::Envelope::kHeartbeat).empty());
  rig.Handle(PeerId{Channel::kSignal}, Signal{});
  rig.Pass(Millis(0));
  EXPECT_EQ(rig.Sent(pb::Envelope::kHeartbeat).size(), 1u);
}

TEST(Dispatcher, LeavesWhenRefusedAgainAndSaysWhy) {  // R14
  Rig rig;
  const auto refuse = [&rig] {
    rig.Say(PeerId{Channel::kControl}, pb::CONTROLLER, 1, [](pb::Envelope& e) {
      e.mutable_refused()->set_reason("another directory is pinned");
    });
  };
  refuse();
  EXPECT_FALSE(rig.dispatcher->Done());
  refuse();
  EXPECT_TRUE(rig.dispatcher->Done());
  EXPECT_EQ(rig.dispatcher->ExitCode(), 5);
  const auto notices = rig.dispatcher->TakeNotices();
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_NE(notices[0].find("another directory is pinned"), std::string::npos);
}

TEST(Dispatcher, MakesTheControlSocketAnewAfterALeaseOfSilence) {  // R16
  Rig rig;
  rig.Tell();
  rig.sent.clear();
  rig.Pass(Seconds(6));
  int connects = 0;
  for (const Outgoing& outgoing : rig.sent) {
    const auto* connect = std::get_if<Connect>(&outgoing.message);
    if (connect != nullptr && connect->channel == Channel::kControl) ++connects;
  }
  EXPECT_EQ(connects, 1);
}

TEST(Dispatcher, DropsWhatIsOfAnotherCluster) {  // R3
  Rig rig;
  rig.Tell();
  pb::Envelope envelope;
  envelope.set_role(pb::CLIENT);
  envelope.set_cluster(kCluster + 1);
  envelope.mutable_open_batch()->set_token_low(1);
  envelope.mutable_open_batch()->mutable_spec()->set_handler("noop");
  rig.Handle(rig.client, Wire{std::make_shared<const pb::Envelope>(envelope), {}});
  EXPECT_TRUE(rig.Sent(pb::Envelope::kBatchOpened).empty());
  EXPECT_EQ(rig.Counted("R3"), 1u);
}

TEST(Dispatcher, CountsGarbageAndBodiesOfOtherChannels) {  // R1
  Rig rig;
  rig.Tell();
  rig.sent.clear();
  rig.Handle(PeerId{Channel::kLease, 3}, BadFrame{"no envelope", 0});
  rig.Say(PeerId{Channel::kIntake, 3}, pb::SINK, 1, [](pb::Envelope& e) { e.mutable_ack(); });
  rig.Say(PeerId{Channel::kLease, 3}, pb::CLIENT, 1, [](pb::Envelope& e) { e.mutable_seal(); });
  EXPECT_EQ(rig.Counted("bad_frame"), 1u);
  EXPECT_EQ(rig.Counted("unexpected"), 2u);
  EXPECT_TRUE(rig.sent.empty());
}

TEST(Dispatcher, TellsProgressAndReadyWorkersInHeartbeatsAtOnce) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 3);
  rig.Pass(Millis(0));
  const pb::Heartbeat ready = rig.Heartbeat();
  ASSERT_EQ(ready.ready_size(), 1);
  EXPECT_EQ(ready.ready(0).incarnation(), 1u);
  EXPECT_EQ(ready.ready(0).slots(), 3u);
  EXPECT_EQ(ready.ready(0).handlers_size(), 3);
  const uint32_t batch = rig.Open();
  rig.Pass(Millis(0));
  ASSERT_EQ(rig.Heartbeat().batches_size(), 1);
  rig.Append(batch, 0, 5);
  rig.Seal(batch, 5);
  rig.Pass(Millis(0));
  const pb::Heartbeat sealed = rig.Heartbeat();
  ASSERT_EQ(sealed.batches_size(), 1);
  EXPECT_TRUE(sealed.batches(0).sealed());
  EXPECT_EQ(sealed.batches(0).tasks(), 5u);
  rig.StartBatch(batch);
  rig.Close(batch, false, 5);
  rig.Pass(Millis(0));
  EXPECT_TRUE(rig.Heartbeat().batches(0).closed());
}

TEST(Dispatcher, LeavesAtStageTwoOfAClusterWish) {  // R102
  Rig rig;
  rig.Tell();
  rig.state.set_wish(pb::DRAIN);
  rig.state.set_leave_stage(1);
  rig.Tell();
  rig.Pass(Millis(0));
  EXPECT_FALSE(rig.Heartbeat().leaving());
  rig.state.set_leave_stage(2);
  rig.Tell();
  rig.Pass(Millis(0));
  EXPECT_TRUE(rig.Heartbeat().leaving());
  EXPECT_FALSE(rig.dispatcher->Done());
  rig.Tell();
  EXPECT_TRUE(rig.dispatcher->Done());
  EXPECT_EQ(rig.dispatcher->ExitCode(), 0);
}

TEST(Dispatcher, LeavesUnansweredAfterASecond) {  // R102
  Rig rig;
  rig.Tell();
  rig.state.set_wish(pb::KILL);
  rig.state.set_leave_stage(2);
  rig.Tell();
  rig.Pass(Millis(900));
  EXPECT_FALSE(rig.dispatcher->Done());
  rig.Pass(Millis(200));
  EXPECT_TRUE(rig.dispatcher->Done());
}

TEST(Dispatcher, StopsAtOnceWhenAPersonAsksAndSaysWhatThatMeans) {
  Rig rig;
  rig.Tell();
  rig.Batch(10);
  rig.dispatcher->TakeNotices();
  rig.Handle(PeerId{Channel::kPerson}, StopAsked{1});
  EXPECT_TRUE(rig.dispatcher->Done());
  const std::string notice = rig.dispatcher->TakeNotices().at(0);
  EXPECT_EQ(notice,
            "the ventilator stops: live batches wait until it is started again with the same "
            "--state (there are 1); workers finish what they hold meanwhile");
}

}  // namespace
}  // namespace fanmill
