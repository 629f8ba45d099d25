// What is held, reported, dropped, resent and given back.
#include "tests/worker/stage.h"

namespace fanmill {
namespace {

// Two slots run tasks 0 and 1 of chunk 1; the rest waits.
class SessionHolding : public ::testing::Test {
 protected:
  void SetUp() override {
    stage_.Join();
    stage_.HearChunk(1, 0, 4);
    stage_.HearSpec(1);
  }
  Stage stage_;
};

TEST_F(SessionHolding, ReportsWhatItHoldsAndWhatRuns) {  // R30
  stage_.now += Micros(250);
  EXPECT_EQ(stage_.AskReport(), "held 1; runs 1/0 for 250; runs 1/1 for 250; through 1");
  stage_.HearRan(0, 1, 0, 1, Seconds(1));
  EXPECT_EQ(stage_.AskReport(),
            "held 1 unfinished [1,4); runs 1/2 for 0; runs 1/1 for 250; through 1");
  EXPECT_EQ(stage_.Said(pb::Envelope::kLeaseReport).lease_report().sequence(), 3u);
}

TEST_F(SessionHolding, ReportsAFinishedChunkUntilItIsDropped) {  // R31 R33 R36
  for (const uint32_t index : {0u, 1u, 2u, 3u}) stage_.HearRan(index % 2, 1, index, 1, Seconds(1));
  EXPECT_EQ(stage_.AskReport(), "held 1 finished; through 1");
  EXPECT_EQ(stage_.HearVerdict(1, pb::DROP), Lines{});
  EXPECT_EQ(stage_.AskReport(), "through 1");
}

TEST_F(SessionHolding, SaysWhichChunkCameLastOverThisLane) {  // R33 R34
  stage_.HearChunk(3, 9, 1);
  EXPECT_EQ(stage_.AskReport().substr(0, 16), "held 1; held 3; ");
  EXPECT_EQ(stage_.Said(pb::Envelope::kLeaseReport).lease_report().lane_through(), Chunk(3));
  stage_.HearReply([](pb::LeaseReply& reply) { reply.set_unknown(true); });
  stage_.HearGrant(51);
  stage_.AskReport();
  EXPECT_EQ(stage_.Said(pb::Envelope::kLeaseReport).lease_report().lane_through(), 0u);
}

TEST_F(SessionHolding, NamesAllItHoldsWithTasksInALeaseHello) {  // R37 R38 R39
  stage_.HearChunk(2, 10, 2, [](pb::TaskChunk& chunk) {
    chunk.add_attempt(1);
    chunk.add_attempt(2);
  });
  stage_.HearRan(0, 1, 0, 1, Seconds(1));
  stage_.HearReply([](pb::LeaseReply& reply) { reply.set_unknown(true); });
  EXPECT_EQ(stage_.Tick()[0], "LeaseHello number=4 slots=2 held=2");
  const pb::LeaseHello hello = stage_.Said(pb::Envelope::kLeaseHello).lease_hello();
  EXPECT_EQ(hello.held(0).tasks().count(), 4u);
  EXPECT_EQ(hello.held(0).unfinished().step_size(), 2);
  EXPECT_EQ(hello.held(1).tasks().first(), 10u);
  EXPECT_EQ(hello.held(1).attempt(1), 2u);
}

TEST_F(SessionHolding, StartsNothingWithoutALaneAndGoesOnWhenAdopted) {  // R39
  stage_.HearReply([](pb::LeaseReply& reply) { reply.set_unknown(true); });
  for (const std::string& line : stage_.HearRan(0, 1, 0, 1, Seconds(1))) {
    EXPECT_NE(line.substr(0, 8), "RunTasks");
  }
  pb::Verdict adopt;
  adopt.set_chunk(Chunk(1));
  adopt.set_kind(pb::ADOPT);
  EXPECT_EQ(stage_.HearGrant(51, {adopt}),
            (Lines{"Connect channel=lane to=\"tcp://v:21151\"", "RunTasks slot=0 tasks=1"}));
}

TEST_F(SessionHolding, ForgetsWhatWaitsWhenToldDropAndStillSendsWhatRuns) {  // R40
  EXPECT_EQ(stage_.HearVerdict(1, pb::DROP), Lines{});
  EXPECT_EQ(stage_.AskReport(), "runs 1/0 for 0; runs 1/1 for 0; through 1");
  EXPECT_EQ(stage_.HearRan(1, 1, 1, 1, Seconds(1)), Lines{});
  EXPECT_EQ(stage_.HearRan(0, 1, 0, 1, Seconds(1)),
            Lines{"ResultChunk chunk=7:1 batch=1 tasks=0..1"});
  EXPECT_EQ(stage_.AskReport(), "through 1");
}

TEST_F(SessionHolding, KeepsResultsUntilTheirLaneIsDurableThroughThem) {  // R41
  stage_.HearChunk(2, 4, 1, [](pb::TaskChunk& chunk) { chunk.set_durable_through(0); });
  for (const uint32_t index : {0u, 1u, 2u, 3u}) stage_.HearRan(index % 2, 1, index, 1, Seconds(1));
  stage_.HearRan(0, 2, 0, 1, Seconds(1));
  EXPECT_EQ(stage_.AskReport(), "held 1 finished; held 2 finished; through 2");
  stage_.HearChunk(3, 5, 1, [](pb::TaskChunk& chunk) { chunk.set_durable_through(Chunk(1)); });
  EXPECT_EQ(stage_.AskReport(), "held 2 finished; held 3; runs 3/0 for 0; through 3");
  stage_.HearReply([](pb::LeaseReply& reply) { reply.set_durable_through(Chunk(2)); });
  EXPECT_EQ(stage_.AskReport(), "held 3; runs 3/0 for 0; through 3");
}

TEST_F(SessionHolding, KeepsChunksOfAnEarlierLaneUntilToldDrop) {  // R41
  stage_.HearReply([](pb::LeaseReply& reply) { reply.set_unknown(true); });
  stage_.HearGrant(51);
  stage_.HearReply([](pb::LeaseReply& reply) { reply.set_durable_through(Chunk(9)); });
  EXPECT_EQ(stage_.AskReport().substr(0, 6), "held 1");
}

TEST_F(SessionHolding, GrantsNoRoomAboveItsSpoolAndBeginsNoChunk) {  // R41
  SessionOptions options = StageOptions(1);
  options.spool_bytes = 1000;
  Stage stage(options);
  stage.Join();
  stage.HearChunk(1, 0, 2);
  stage.HearChunk(2, 2, 1);
  stage.HearSpec(1);
  stage.HearOutcome(0, Outcome(1, 0, pb::OK, std::string(999, 'x')));
  stage.Wait(Millis(2));
  EXPECT_EQ(stage.HearOutcome(0, Outcome(1, 1, pb::OK)),
            Lines{"ResultChunk chunk=7:1 batch=1 tasks=1"})
      << "a begun chunk went on, another is not begun";
  stage.AskReport();
  EXPECT_EQ(stage.Said(pb::Envelope::kLeaseReport).lease_report().spool_room_bytes(), 0u);
  EXPECT_EQ(stage.HearVerdict(1, pb::DROP),
            (Lines{"RunTasks slot=0 tasks=1", "LeaseReport sequence=0 held=1 running=1"}))
      << "room is told at once";
  EXPECT_EQ(stage.Said(pb::Envelope::kLeaseReport).lease_report().spool_room_bytes(), 1000u);
}

TEST_F(SessionHolding, RefusesChunksAboveItsLimit) {
  SessionOptions options = StageOptions();
  options.chunks_max = 2;
  Stage stage(options);
  stage.Join();
  for (const uint64_t n : {1u, 2u, 3u}) stage.HearChunk(n, n, 1);
  EXPECT_EQ(stage.Counted("chunks_full"), 1u);
  EXPECT_EQ(stage.AskReport(), "held 1; held 2; through 3") << "so that it is handed out again";
}

TEST_F(SessionHolding, TakesAChunkThatComesTwiceOnce) {  // R4
  EXPECT_EQ(stage_.HearChunk(1, 0, 4), Lines{});
  EXPECT_EQ(stage_.Counted("chunk_again"), 1u);
}

TEST_F(SessionHolding, ResendsAndTheSecondTimeOnANewSocket) {  // R31 R42
  for (const uint32_t index : {0u, 1u, 2u, 3u}) stage_.HearRan(index % 2, 1, index, 1, Seconds(1));
  const std::string result = "ResultChunk chunk=7:1 batch=1 tasks=0..3 whole";
  EXPECT_EQ(stage_.HearVerdict(1, pb::RESEND), Lines{result});
  EXPECT_EQ(stage_.HearVerdict(1, pb::RESEND),
            (Lines{"Connect channel=results to=\"tcp://s:21002\"", result}));
}

TEST_F(SessionHolding, GivesUnstartedTasksBackFromTheEndOfItsQueue) {  // R35 R43
  stage_.HearChunk(2, 10, 3);
  pb::Envelope envelope = stage_.From(pb::VENTILATOR, kEpoch);
  envelope.mutable_recall()->set_batch(1);
  envelope.mutable_recall()->set_tasks(4);
  EXPECT_EQ(stage_.Hear(Channel::kLease, envelope),
            Lines{"LeaseReport sequence=0 held=2 running=2"});
  EXPECT_EQ(Stage::Text(stage_.Said(pb::Envelope::kLeaseReport).lease_report()),
            "held 1 unfinished [0,3) returned [3,4); held 2 finished returned [0,3); "
            "runs 1/0 for 0; runs 1/1 for 0; through 2");
  stage_.HearRan(0, 1, 0, 1, Seconds(1));
  EXPECT_EQ(stage_.HearRan(1, 1, 1, 1, Seconds(1)), Lines{}) << "a returned task never starts";
  EXPECT_EQ(stage_.HearRan(0, 1, 2, 1, Seconds(1)),
            Lines{"ResultChunk chunk=7:1 batch=1 tasks=0..2"});
}

TEST_F(SessionHolding, RecallsOnlyTheBatchThatIsNamed) {  // R43
  pb::Envelope envelope = stage_.From(pb::VENTILATOR, kEpoch);
  envelope.mutable_recall()->set_batch(2);
  envelope.mutable_recall()->set_tasks(4);
  stage_.Hear(Channel::kLease, envelope);
  EXPECT_EQ(stage_.AskReport(), "held 1; runs 1/0 for 0; runs 1/1 for 0; through 1");
}

}  // namespace
}  // namespace fanmill
