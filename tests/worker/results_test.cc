// Results: packed columns, partial chunks, large outputs in parts.
#include "lib/core/limits.h"
#include "lib/core/validate.h"
#include "tests/worker/stage.h"

namespace fanmill {
namespace {

class SessionResults : public ::testing::Test {
 protected:
  void SetUp() override {
    stage_.Join();
    stage_.HearChunk(1, 0, 3);
    stage_.HearSpec(1);
  }
  pb::ResultChunk Said() const { return stage_.Said(pb::Envelope::kResults).results(); }
  // A result whose stdout waits in the executor's files.
  Lines HearLarge(uint32_t slot, uint32_t index, uint64_t size) {
    TaskOutcome outcome = Outcome(1, index, pb::OK);
    outcome.out_spill = {11, size, 5};
    return stage_.HearOutcome(slot, outcome);
  }
  Lines HearRead(uint64_t offset, size_t size) {
    return stage_.Hear(Channel::kExecutor, OutputRead{11, offset, std::string(size, 'x')});
  }
  static constexpr uint64_t kPart = worker::kPartBytes;
  Stage stage_;
};

TEST_F(SessionResults, AnswersAPlainChunkWithOneMeanAndNoOtherColumn) {  // R67
  stage_.HearRan(1, 1, 1, 1, Millis(20));
  stage_.HearRan(0, 1, 0, 1, Millis(10));
  EXPECT_EQ(stage_.HearRan(1, 1, 2, 1, Millis(60)),
            Lines{"ResultChunk chunk=7:1 batch=1 tasks=0..2 whole"});
  pb::ResultChunk expected;
  expected.set_chunk(Chunk(1));
  expected.set_batch(1);
  expected.set_worker(4);
  expected.set_whole(true);
  *expected.mutable_tasks() = PackRange(0, 3);
  expected.add_run_us(30000);
  EXPECT_EQ(Said().DebugString(), expected.DebugString());
}

TEST_F(SessionResults, SendsPartOfAChunkThatGoesOnAfterAWhile) {  // R67
  stage_.HearRan(0, 1, 0, 1, Millis(10));
  const Lines lines = stage_.Wait(Millis(2));
  EXPECT_EQ(lines.back(), "ResultChunk chunk=7:1 batch=1 tasks=0");
  EXPECT_FALSE(Said().whole());
  stage_.HearRan(1, 1, 1, 1, Millis(10));
  EXPECT_EQ(stage_.HearRan(0, 1, 2, 1, Millis(10)),
            Lines{"ResultChunk chunk=7:1 batch=1 tasks=1..2"});
  EXPECT_EQ(stage_.HearVerdict(1, pb::RESEND), (Lines{"ResultChunk chunk=7:1 batch=1 tasks=0",
                                                      "ResultChunk chunk=7:1 batch=1 tasks=1..2"}));
}

TEST_F(SessionResults, CarriesStatusCodeAndOutputOfThoseThatAreNotPlain) {  // R62
  TaskOutcome failed = Outcome(1, 1, pb::FAILED, "out");
  failed.code = 3;
  failed.err = "error";
  stage_.HearOutcome(1, failed);
  stage_.HearOutcome(0, Outcome(1, 0, pb::OK, "o"));
  stage_.HearOutcome(1, Outcome(1, 2, pb::OK));
  const pb::ResultChunk results = Said();
  EXPECT_TRUE(results.whole());
  EXPECT_EQ(results.status_size(), 3);
  EXPECT_EQ(results.status(1), pb::FAILED);
  EXPECT_EQ(results.code(1), 3);
  EXPECT_EQ(results.value_size_size(), 0);
  EXPECT_EQ(results.stdout_size(1), 3u);
  EXPECT_EQ(results.stderr_size(1), 5u);
  EXPECT_EQ(results.bytes(), "oouterror");
  EXPECT_EQ(results.run_us_size(), 3);
}

TEST_F(SessionResults, SplitsAChunkOfPlainAndOtherResults) {  // R67
  stage_.HearRan(0, 1, 0, 1, Millis(10));
  stage_.HearOutcome(1, Outcome(1, 1, pb::FAILED));
  EXPECT_EQ(
      stage_.HearRan(0, 1, 2, 1, Millis(10)),
      (Lines{"ResultChunk chunk=7:1 batch=1 tasks=0+1", "ResultChunk chunk=7:1 batch=1 tasks=1"}));
}

TEST(ResultPacker, CutsWhereAChunkOfResultsIsFull) {
  pb::TaskChunk chunk;
  chunk.set_chunk(Chunk(1));
  chunk.set_batch(1);
  *chunk.mutable_tasks() = PackRange(0, 40);
  worker::PendingResults pending;
  for (uint32_t i = 40; i > 0; --i) {
    pending.others.push_back(Outcome(1, i - 1, pb::OK, std::string(kInlineOutputBytesMax, 'x')));
  }
  const std::vector<worker::ResultPacket> packets =
      worker::PackResults({pb::WORKER, 1, 1}, 1, chunk, ChunkTasks(chunk), pending, true);
  ASSERT_EQ(packets.size(), 2u);
  EXPECT_EQ(packets[0].envelope->results().bytes().size(), kResultChunkBytesMax);
  EXPECT_EQ(packets[0].envelope->results().tasks().count(), 32u);
  EXPECT_EQ(packets[1].envelope->results().tasks().first(), 32u);
  for (const worker::ResultPacket& packet : packets) {
    EXPECT_FALSE(packet.envelope->results().whole());
    EXPECT_EQ(WhyInvalid(Channel::kResults, *packet.envelope), nullptr);
  }
}

TEST_F(SessionResults, SendsALargeOutputInPartsBeforeItsResult) {  // R64
  stage_.HearRan(0, 1, 0, 1, Millis(10));
  stage_.HearRan(0, 1, 2, 1, Millis(10));
  EXPECT_EQ(HearLarge(1, 1, kPart + 7),
            (Lines{"ResultChunk chunk=7:1 batch=1 tasks=0+1", "ReadOutput offset=0"}));
  EXPECT_EQ(HearRead(0, kPart),
            (Lines{"OutputPart chunk=7:1 task=1 stream=1 part=0", "ReadOutput offset=262144"}));
  EXPECT_EQ(stage_.SaidLocal<ReadOutput>().at(0).size, 7u);
  EXPECT_EQ(HearRead(kPart, 7), (Lines{"OutputPart chunk=7:1 task=1 stream=1 part=1",
                                       "ResultChunk chunk=7:1 batch=1 tasks=1"}));
  const pb::LargeOutput large = Said().large(0);
  EXPECT_EQ(large.task(), 1u);
  EXPECT_EQ(large.size(), kPart + 7);
  EXPECT_EQ(large.parts(), 2u);
  EXPECT_EQ(large.dropped(), 5u);
  EXPECT_EQ(WhyInvalid(Channel::kResults, stage_.Said(pb::Envelope::kResults)), nullptr);
  EXPECT_EQ(stage_.HearVerdict(1, pb::RESEND),
            (Lines{"ResultChunk chunk=7:1 batch=1 tasks=0+1", "ReadOutput offset=0"}))
      << "it is read again";
  EXPECT_EQ(stage_.HearVerdict(1, pb::DROP), Lines{"OutputDone"});
}

TEST_F(SessionResults, SaysHowMuchWasDroppedOfAnOutputThatStandsInIt) {  // R62
  stage_.HearRan(0, 1, 0, 1, Millis(10));
  TaskOutcome cut = Outcome(1, 1, pb::OK, "head");
  cut.out_spill.dropped = 9;
  stage_.HearOutcome(1, cut);
  EXPECT_EQ(
      stage_.HearOutcome(0, Outcome(1, 2, pb::OK, "whole")),
      (Lines{"ResultChunk chunk=7:1 batch=1 tasks=0", "ResultChunk chunk=7:1 batch=1 tasks=1..2"}));
  EXPECT_EQ(Said().bytes(), "headwhole");
  ASSERT_EQ(Said().large_size(), 1);
  EXPECT_EQ(Said().large(0).ShortDebugString(), "task: 1 stream: 1 dropped: 9");
  EXPECT_EQ(WhyInvalid(Channel::kResults, stage_.Said(pb::Envelope::kResults)), nullptr);
  EXPECT_EQ(stage_.HearVerdict(1, pb::DROP), Lines{}) << "nothing waits in a file";
}

TEST_F(SessionResults, ForgetsAnOutputUnderWayWhenItIsDropped) {  // R40
  HearLarge(1, 1, 2 * kPart);
  HearRead(0, kPart);
  EXPECT_EQ(stage_.HearVerdict(1, pb::DROP), Lines{"OutputDone"});
  EXPECT_EQ(HearRead(kPart, kPart), Lines{});
}

TEST_F(SessionResults, SendsAndReleasesTheLargeOutputOfADroppedChunk) {  // R40
  stage_.HearVerdict(1, pb::DROP);
  stage_.HearRan(0, 1, 0, 1, Millis(1));
  EXPECT_EQ(HearLarge(1, 1, 9),
            (Lines{"ResultChunk chunk=7:1 batch=1 tasks=0", "ReadOutput offset=0"}));
  EXPECT_EQ(HearRead(0, 9), (Lines{"OutputPart chunk=7:1 task=1 stream=1 part=0",
                                   "ResultChunk chunk=7:1 batch=1 tasks=1", "OutputDone"}));
}

TEST_F(SessionResults, SendsAPartAgainThatFoundNoRoom) {
  HearLarge(1, 1, 2 * kPart);
  stage_.Wait(Millis(2));
  HearRead(0, kPart);
  EXPECT_EQ(stage_.Hear(Channel::kNet, Undeliverable{PeerId{Channel::kResults}, false}), Lines{});
  EXPECT_EQ(HearRead(kPart, kPart), Lines{}) << "the answer to what was asked before";
  EXPECT_EQ(stage_.Wait(Millis(20)), Lines{"ReadOutput offset=0"});
}

TEST_F(SessionResults, TellsAChunkAsFinishedOnceItsLargeOutputsAreOut) {  // R30, R42
  stage_.HearRan(0, 1, 0, 1, Millis(10));
  stage_.HearRan(0, 1, 2, 1, Millis(10));
  HearLarge(1, 1, 2 * kPart);
  const auto held = [&] {
    stage_.AskReport();
    return Stage::Text(stage_.Said(pb::Envelope::kLeaseReport).lease_report());
  };
  EXPECT_EQ(held().find("held 1 finished"), std::string::npos) << held();
  HearRead(0, kPart);
  stage_.HearVerdict(1, pb::RESEND);
  const Lines again = stage_.HearVerdict(1, pb::RESEND);
  EXPECT_EQ(std::count(again.begin(), again.end(), "Connect channel=results to=\"tcp://s:21002\""),
            1)
      << "nothing went out between the two";
  HearRead(kPart, kPart);
  EXPECT_NE(held().find("held 1 finished"), std::string::npos) << held();
}

TEST_F(SessionResults, CountsWhatIsInFilesAsSpool) {  // R41
  HearLarge(1, 1, kPart);
  stage_.Wait(Millis(2));
  stage_.AskReport();
  const uint64_t room = stage_.Said(pb::Envelope::kLeaseReport).lease_report().spool_room_bytes();
  EXPECT_LT(room, StageOptions().spool_bytes - kPart);
  EXPECT_GT(room, StageOptions().spool_bytes - kPart - 1000);
}

}  // namespace
}  // namespace fanmill
