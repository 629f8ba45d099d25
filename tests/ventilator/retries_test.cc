// Failed attempts, and when they are tried again.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

TEST(Retries, TryAgainWhileTheSpecAllowsThenAskForTheFinalEnd) {  // R62
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Batch(1, "exec", 1);
  const auto first = rig.Chunks();
  ASSERT_EQ(first.size(), 1u);
  rig.FailWhole(first[0]);
  const auto second = rig.Chunks();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].attempt(0), 2u);
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
  rig.FailWhole(second[0], pb::TIMED_OUT);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(20));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  ASSERT_EQ(facts.finalise_size(), 1);
  EXPECT_EQ(facts.finalise(0).status(), pb::TIMED_OUT);
  EXPECT_EQ(facts.finalise(0).attempt(), 2u);
  EXPECT_EQ(facts.finalise(0).epoch(), kEpoch);
  EXPECT_EQ(rig.Progress(batch).failed(), 0u);  // not before it is durable
  EXPECT_EQ(rig.Progress(batch).retried(), 1u);
}

pb::Spec Spec(uint32_t retries, const std::string& retry_on, Duration delay = Duration{0}) {
  pb::Spec spec;
  spec.set_handler("exec");
  spec.set_retries(retries);
  std::string why;
  RetryOn::Parse(retry_on, &why).value().PackInto(spec);
  spec.set_retry_delay_us(static_cast<uint64_t>(delay.count()));
  return spec;
}

uint32_t BatchOf(Rig& rig, const pb::Spec& spec, uint64_t tasks) {
  const uint32_t batch = rig.Open(spec);
  rig.Append(batch, 0, tasks);
  rig.Seal(batch, tasks);
  rig.StartBatch(batch);
  return batch;
}

TEST(Retries, AreNotForFailuresThatTheSpecDoesNotName) {  // R107
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = BatchOf(rig, Spec(5, "75,timeout"), 1);
  rig.FailWhole(rig.Chunks().at(0), pb::TIMED_OUT);  // named
  const auto second = rig.Chunks();
  ASSERT_EQ(second.size(), 1u);
  rig.FailWhole(second[0]);  // with exit code 1
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_EQ(rig.Counted("R107"), 1u);
  rig.Pass(Millis(20));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  ASSERT_EQ(facts.finalise_size(), 1);
  EXPECT_EQ(facts.finalise(0).status(), pb::FAILED);
  EXPECT_EQ(facts.finalise(0).code(), 1);
  EXPECT_EQ(facts.finalise(0).attempt(), 2u);
}

TEST(Retries, AreOverOnceAnyAttemptFailedInAWayThatIsNotWorthOne) {  // R107
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = BatchOf(rig, Spec(5, "timeout"), 1);
  const pb::TaskChunk first = rig.Chunks().at(0);
  rig.Report(1, [&](pb::LeaseReport& report) {  // lost with its connection, so it seems
    report.set_lane_through(first.chunk());
  });
  const pb::TaskChunk second = rig.Chunks().at(0);
  pb::KnownFacts known;  // and yet it had ended
  known.set_batch(batch);
  *known.add_attempts() = Rig::Failure(first, 0, 0);
  rig.Facts(known);
  rig.FailWhole(second, pb::TIMED_OUT);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(500));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  ASSERT_EQ(facts.finalise_size(), 1);
  EXPECT_EQ(facts.finalise(0).status(), pb::FAILED);
}

TEST(Retries, WaitForTheirTimeAndSaySo) {  // R108
  Rig rig;
  rig.worker_answers = true;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = BatchOf(rig, Spec(1, "any", Seconds(10)), 1);
  rig.FailWhole(rig.Chunks().at(0));
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_EQ(rig.Counted("R108"), 1u);
  const pb::LeaseReply told = rig.Reply();
  EXPECT_EQ(told.dry().step_size(), 0);
  ASSERT_EQ(told.backing_off().step_size(), 2);
  EXPECT_EQ(told.backing_off().step(0), batch);
  rig.Pass(Millis(9900));
  EXPECT_EQ(rig.Progress(batch).waiting().substr(0, 43),
            "1 task waits to be tried again, the first i");
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(5100));
  const auto second = rig.Chunks();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].attempt(0), 2u);
  EXPECT_EQ(rig.Progress(batch).waiting(), "");
}

TEST(Retries, LetOthersGoAheadMeanwhile) {  // R108
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  BatchOf(rig, Spec(1, "any", Seconds(1)), 2);
  rig.FailWhole(rig.Chunks().at(0));
  const auto next = rig.Chunks();
  EXPECT_EQ(Rig::Tasks(next), (std::vector<uint64_t>{1}));
  EXPECT_EQ(rig.Progress(1).waiting(), "");
  rig.AckWhole({next.at(0).chunk()});
  rig.Pass(Millis(1500));
  EXPECT_EQ(Rig::Tasks(rig.Chunks()), (std::vector<uint64_t>{0}));
}

TEST(Retries, DoNotWaitForWhatWasLostAndDidNotFail) {  // R108
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  BatchOf(rig, Spec(3, "any", Seconds(10)), 1);
  const pb::TaskChunk first = rig.Chunks().at(0);
  rig.Report(1, [&](pb::LeaseReport& report) { report.set_lane_through(first.chunk()); });
  EXPECT_EQ(rig.Chunks().size(), 1u);
}

TEST(Retries, WaitNoMoreWhenTheTaskHasItsEnd) {  // R108
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = BatchOf(rig, Spec(3, "any", Seconds(10)), 1);
  rig.FailWhole(rig.Chunks().at(0));
  pb::KnownFacts known;
  known.set_batch(batch);
  known.mutable_ok()->add_step(0);
  known.mutable_ok()->add_step(1);
  rig.Facts(known);
  EXPECT_EQ(rig.Progress(batch).ok(), 1u);
  rig.Pass(Seconds(30));
  EXPECT_TRUE(rig.Chunks().empty());
}

TEST(Retries, OfACancelledBatchAreWantedNoMore) {  // R108
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = BatchOf(rig, Spec(3, "any", Seconds(10)), 1);
  rig.FailWhole(rig.Chunks().at(0));
  rig.CancelBatch(batch);
  rig.Pass(Seconds(30));
  EXPECT_TRUE(rig.Chunks().empty());
}

TEST(Retries, CountOneFailureOnceHoweverOftenItIsTold) {  // R62, R4
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  rig.Batch(1, "exec", 1);
  const auto first = rig.Chunks();
  rig.FailWhole(first[0]);
  const auto second = rig.Chunks();
  rig.FailWhole(first[0]);
  rig.FailWhole(first[0]);
  rig.Pass(Millis(20));
  EXPECT_EQ(rig.FactsOf(1).finalise_size(), 0);
  rig.AckWhole({second[0].chunk()});
  EXPECT_EQ(rig.Progress(1).ok(), 1u);
}

TEST(Retries, LeaveTheGoodTasksOfAChunkAlone) {  // R62
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Open("exec");
  rig.AppendCosts(batch, 0, {100, 100, 100, 100});
  rig.StartBatch(batch);
  const auto chunks = rig.Chunks();
  ASSERT_EQ(chunks.size(), 1u);
  ASSERT_EQ(chunks[0].tasks().count(), 4u);
  pb::Ack ack;
  PackDeltas({chunks[0].chunk()}, ack.mutable_whole());
  *ack.add_failed() = Rig::Failure(chunks[0], chunks[0].tasks().first() + 1, 1);
  rig.Ack(ack);
  EXPECT_EQ(rig.Progress(batch).ok(), chunks[0].tasks().count() - 1);
}

TEST(Retries, TakeAPartialAckForThoseTasksOnly) {  // R67
  Rig rig;
  rig.Tell();
  rig.Ready(1, 4);
  const uint32_t batch = rig.Open("exec");
  rig.AppendCosts(batch, 0, std::vector<uint32_t>(8, 1000));
  rig.StartBatch(batch);
  const auto chunks = rig.Chunks();
  const uint64_t count = chunks.at(0).tasks().count();
  ASSERT_GT(count, 1u);
  const uint64_t ok = rig.Progress(batch).ok();
  pb::Ack ack;
  ack.add_partial()->set_chunk(chunks[0].chunk());
  *ack.mutable_partial(0)->mutable_tasks() = PackRange(chunks[0].tasks().first() + 1, 1);
  rig.Ack(ack);
  rig.Ack(ack);  // R60: a duplicate is acked again
  EXPECT_EQ(rig.Progress(batch).ok(), ok + 1);
  rig.AckWhole({chunks[0].chunk()});
  EXPECT_EQ(rig.Progress(batch).ok(), ok + count);
}

}  // namespace
}  // namespace fanmill
