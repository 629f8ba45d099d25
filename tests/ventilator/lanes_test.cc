// Opening lanes, readiness, the window.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

TEST(Lanes, GrantsALaneOnceTheNetHasOpenedIt) {  // R20
  Rig rig;
  rig.Tell();
  const pb::LeaseGrant grant = rig.Hello(1);
  EXPECT_NE(grant.lane(), 0u);
  EXPECT_EQ(grant.endpoint(), "tcp://127.0.0.1:21100");
  EXPECT_EQ(grant.lease_us(), 5'000'000u);
}

TEST(Lanes, GrantsTheSameLaneAgainWhileNothingWasSentOnIt) {  // R21
  Rig rig;
  rig.Tell();
  const uint64_t lane = rig.Hello(1).lane();
  EXPECT_EQ(rig.Hello(1).lane(), lane);
}

TEST(Lanes, ClosesTheOldLaneWhenItsWorkerSaysHelloAnew) {  // R21
  Rig rig;
  rig.Tell();
  const uint64_t lane = rig.Ready(1);
  rig.Batch(1);
  ASSERT_EQ(rig.Chunks().size(), 1u);
  rig.sent.clear();
  const pb::LeaseGrant grant = rig.Hello(1);
  EXPECT_NE(grant.lane(), lane);
  bool closed = false;
  for (const Outgoing& outgoing : rig.sent) {
    const auto* close = std::get_if<CloseLane>(&outgoing.message);
    closed = closed || (close != nullptr && close->lane == lane);
  }
  EXPECT_TRUE(closed);
  EXPECT_EQ(rig.Counted("redelivered"), 1u);  // it did not come with the hello
}

TEST(Lanes, GivesNothingBeforeTheProbeCameRound) {  // R23
  Rig rig;
  rig.Tell();
  rig.Batch(10);
  const uint64_t lane = rig.Hello(1).lane();
  rig.Pass(Seconds(1));
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_GE(rig.Sent(pb::Envelope::kProbe).size(), 4u);
  pb::Ack wrong;
  wrong.add_probes()->set_lane(lane);
  rig.Ack(wrong);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(200));
  rig.Echo(lane);
  rig.Pass(Millis(200));
  rig.Echo(lane);
  EXPECT_FALSE(rig.Chunks().empty());
  EXPECT_TRUE(rig.Reply().ready());
}

TEST(Lanes, SendsOnlyWhileTheLanesWindowHasRoom) {  // R24
  Rig rig;
  rig.Tell();
  rig.Ready(1, 3);
  rig.Batch(100);
  const auto chunks = rig.Chunks();
  ASSERT_EQ(chunks.size(), 3u);       // of unknown cost: one for each slot
  rig.Finish(1, chunks[0], 100'000);  // long ones: no prefetch; freed before the disk is
  EXPECT_EQ(rig.Chunks().size(), 1u);
  rig.Finish(1, chunks[0], 100'000);  // said twice: still a set
  EXPECT_TRUE(rig.Chunks().empty());
  rig.AckWhole({chunks[0].chunk()});
  EXPECT_TRUE(rig.Chunks().empty());
}

TEST(Lanes, GivesNothingToAWorkerWhoseSpoolIsFull) {  // R41
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Report(1, [](pb::LeaseReport& report) { report.set_spool_room_bytes(0); });
  rig.Batch(10);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Report(1, [](pb::LeaseReport& report) { report.set_spool_room_bytes(1); });
  EXPECT_EQ(rig.Chunks().size(), 2u);
}

TEST(Lanes, TellsHowFarTheChunksOfALaneAreDurable) {  // R41
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Batch(10);
  const auto chunks = rig.Chunks();
  ASSERT_EQ(chunks.size(), 2u);
  rig.AckWhole({chunks[1].chunk()});
  EXPECT_EQ(rig.Chunks().at(0).durable_through(), chunks[0].chunk() - 1);
  rig.AckWhole({chunks[0].chunk()});
  EXPECT_EQ(rig.Chunks().at(0).durable_through(), chunks[1].chunk());
}

TEST(Lanes, AnswersASpecRequestAndSaysWhenTheBatchIsUnknown) {  // R25
  Rig rig;
  rig.Tell();
  rig.Hello(1);
  const uint32_t batch = rig.Open("exec");
  for (const uint32_t asked : {batch, batch + 1}) {
    rig.FromWorker(1, [&](pb::Envelope& e) { e.mutable_spec_request()->set_batch(asked); });
  }
  rig.CancelBatch(batch);
  rig.FromWorker(1, [&](pb::Envelope& e) { e.mutable_spec_request()->set_batch(batch); });
  const auto replies = rig.Sent(pb::Envelope::kSpecReply);
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(replies[0].spec_reply().spec().handler(), "exec");
  EXPECT_TRUE(replies[1].spec_reply().unknown());
  EXPECT_TRUE(replies[2].spec_reply().unknown());
}

TEST(Lanes, TellsAStrangerThatItHasNoLane) {  // R20
  Rig rig;
  rig.Tell();
  rig.Report(9, [](pb::LeaseReport&) {});
  EXPECT_TRUE(rig.Reply().unknown());
}

TEST(Lanes, OpensNoMoreLanesThanItsLimit) {
  DispatcherOptions options = RigOptions();
  options.lanes_max = 2;
  Rig rig(options);
  rig.Tell();
  EXPECT_NE(rig.Hello(1).lane(), 0u);
  EXPECT_NE(rig.Hello(2).lane(), 0u);
  EXPECT_EQ(rig.Hello(3).lane(), 0u);
  EXPECT_EQ(rig.Counted("too_many_lanes"), 1u);
  EXPECT_NE(rig.dispatcher->TakeNotices().back().find("2 workers are connected"),
            std::string::npos);
}

TEST(Lanes, SaysWhenNoPortIsFree) {
  Rig rig;
  rig.Tell();
  const uint64_t lane = rig.Hello(1).lane();
  rig.dispatcher->TakeNotices();
  rig.Handle(PeerId{Channel::kNet}, LaneFailed{lane, "no port is free"});
  EXPECT_NE(rig.dispatcher->TakeNotices().at(0).find("no port is free"), std::string::npos);
  EXPECT_NE(rig.Hello(1).lane(), 0u);
}

TEST(Lanes, PingsBusyLanesOftenAndIdleOnesSeldom) {
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  rig.worker_answers = true;
  rig.Pass(Seconds(3));
  rig.worker_answers = false;
  rig.Sent(pb::Envelope::kLeaseReply);
  rig.Pass(Millis(2000));
  EXPECT_LE(rig.Sent(pb::Envelope::kLeaseReply).size(), 1u);
  rig.Batch(1);
  rig.Sent(pb::Envelope::kLeaseReply);
  rig.Pass(Millis(1000));
  EXPECT_EQ(rig.Sent(pb::Envelope::kLeaseReply).size(), 10u);
}

TEST(Lanes, StopsFeedingAWorkerThatDrainsOrIsToldTo) {  // R100
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  rig.Ready(2);
  rig.Report(1, [](pb::LeaseReport& report) { report.set_draining(true); });
  pb::WorkerWish& wish = *rig.state.add_workers();
  wish.set_number(2);
  wish.set_wish(pb::DRAIN);
  rig.Batch(10);
  EXPECT_TRUE(rig.Chunks().empty());
  wish.set_wish(pb::RUN);
  rig.Tell();
  EXPECT_EQ(rig.Chunks().size(), 2u);
}

}  // namespace
}  // namespace fanmill
