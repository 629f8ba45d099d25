// Results in, acks out: what is durable, what counts, what is late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/core/wire.h"
#include "tests/sink/rig.h"

namespace fanmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kRoom = std::to_string(256 << 20);

TEST(Ledger, AcksNothingBeforeItIsDurable) {  // R60
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 100));
  EXPECT_THAT(rig.Sent(), IsEmpty());
  EXPECT_EQ(rig.Summary().ok(), 0u);
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre("acks ack { whole: " + kChunkText +
                                      " sequence: 1 room_bytes: " + kRoom + " }"));
  EXPECT_EQ(rig.Summary().ok(), 100u);
}

TEST(Ledger, WritesResultsAsTheBytesThatCame) {
  Rig rig;
  rig.Join();
  const Frame frame = Encode(Wire{std::make_shared<const pb::Envelope>(Oks(0, 4)), {}});
  rig.Give({Channel::kResults}, Decode(Channel::kResults, frame));
  ASSERT_EQ(rig.rows().size(), 1u);
  EXPECT_TRUE(rig.rows()[0].is_frame);
  EXPECT_EQ(rig.rows()[0].bytes.bytes.data(), frame.bytes.data());
}

TEST(Ledger, CombinesAllThatBecameDurableIntoOneAck) {  // R60
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 10, ChunkId(1, 5)));
  rig.Say(Channel::kResults, Oks(10, 10, ChunkId(1, 7)));
  rig.Say(Channel::kResults, Oks(20, 10, ChunkId(1, 6)));
  rig.Sync();
  EXPECT_THAT(rig.Sent(),
              ElementsAre("acks ack { whole: " + std::to_string(ChunkId(1, 5)) +
                          " whole: 2 whole: -1 sequence: 3 room_bytes: " + kRoom + " }"));
}

TEST(Ledger, AcksADuplicateAgainAndCountsItLate) {  // R60 R61
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 10));
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kResults, Oks(0, 10));
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre("acks ack { whole: " + kChunkText +
                                      " sequence: 2 room_bytes: " + kRoom + " }"));
  const pb::BatchSummary summary = rig.Summary();
  EXPECT_EQ(summary.ok(), 10u);
  EXPECT_EQ(summary.late(), 10u);
  EXPECT_EQ(summary.run_us(), 1000u);
}

TEST(Ledger, TakesTheFirstResultOfATaskFromWhomeverItComes) {  // R61
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 10, ChunkId(1, 1)));
  pb::Envelope other = Oks(5, 10, ChunkId(2, 1));  // of another epoch, half of it known
  other.mutable_results()->set_worker(2);
  rig.Say(Channel::kResults, other);
  rig.Sync();
  const pb::BatchSummary summary = rig.Summary();
  EXPECT_EQ(summary.ok(), 15u);
  EXPECT_EQ(summary.late(), 5u);
  ASSERT_EQ(summary.workers_size(), 2);
  EXPECT_EQ(summary.workers(0).tasks(), 10u);
  EXPECT_EQ(summary.workers(1).tasks(), 5u);
  EXPECT_EQ(summary.workers(1).run_us(), 500u);
}

TEST(Ledger, TellsAFailedAttemptWithoutEndingTheTask) {  // R62
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Failed(4));
  rig.Sync();
  EXPECT_THAT(rig.Sent(),
              ElementsAre("acks ack { whole: " + kChunkText +
                          " failed { batch: 3 task: 4 epoch: 1 attempt: 1 status: FAILED code: 9 "
                          "} sequence: 1 room_bytes: " +
                          kRoom + " }"));
  EXPECT_EQ(rig.Summary().ok() + rig.Summary().failed(), 0u);
  rig.Say(Channel::kResults, Oks(4, 1, ChunkId(1, 2)));
  rig.Sync();
  EXPECT_EQ(rig.Summary().ok(), 1u);
}

TEST(Ledger, SaysNothingOfAFailureOnceTheTaskIsOk) {  // R62
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(4, 1));
  rig.Say(Channel::kResults, Failed(4, 2, ChunkId(1, 2)));
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre("acks ack { whole: " + kChunkText +
                                      " whole: 1 sequence: 2 room_bytes: " + kRoom + " }"));
}

TEST(Ledger, AcksAnOkOfAFailedTaskAsFailed) {  // R61 R62
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Failed(4));
  rig.Sync();
  rig.Say(Channel::kFacts, Facts(Finalise(4)), 1);
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kResults, Oks(4, 1, ChunkId(1, 2)));
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("failed { batch: 3 task: 4 epoch: 1 attempt: 1 "
                                                "status: FAILED code: 9 }")));
  EXPECT_EQ(rig.Summary().failed(), 1u);
  EXPECT_EQ(rig.Summary().ok(), 0u);
}

TEST(Ledger, AcksPartOfAChunkByItsTasks) {  // R67
  Rig rig;
  rig.Join();
  pb::Envelope some = Oks(0, 1);
  *some.mutable_results()->mutable_tasks() = PackTasks({7, 3, 4});
  some.mutable_results()->set_whole(false);
  rig.Say(Channel::kResults, some);
  rig.Sync();
  EXPECT_THAT(rig.Sent(),
              ElementsAre("acks ack { partial { chunk: " + kChunkText +
                          " tasks { first: 7 count: 3 delta: -4 delta: 1 } } sequence: 1 "
                          "room_bytes: " +
                          kRoom + " }"));
  EXPECT_EQ(rig.Summary().ok(), 3u);
}

TEST(Ledger, CutsAnAckThatWouldBecomeTooLarge) {  // R60, at the limit
  Rig rig;
  rig.Join();
  for (uint64_t n = 0; n < 20; ++n) {
    pb::Envelope all_failed = Oks(n * 4096, 4096, ChunkId(1, n + 1));
    for (int i = 0; i < 4096; ++i) all_failed.mutable_results()->add_status(pb::FAILED);
    rig.Say(Channel::kResults, all_failed);
  }
  rig.Sync();
  const std::vector<std::string> sent = rig.Sent();
  EXPECT_EQ(sent.size(), 5u);  // of four chunks each
  for (const std::string& ack : sent) EXPECT_THAT(ack, HasSubstr("whole"));
}

TEST(Ledger, DropsAResultWhosePartsAreMissingAndTakesItWhenItComesAgain) {  // R64
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(4, 1, "world"));
  rig.Say(Channel::kResults, WithLarge(4, 2));
  rig.Sync();
  EXPECT_THAT(rig.Sent(), IsEmpty());
  EXPECT_EQ(rig.Count("R64"), 1u);
  EXPECT_EQ(rig.Summary().ok(), 0u);
  rig.Say(Channel::kResults, Part(4, 0, "hello "));
  rig.Say(Channel::kResults, Part(4, 1, "world"));
  rig.Say(Channel::kResults, WithLarge(4, 2));
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("whole: " + kChunkText)));
  EXPECT_EQ(rig.Summary().ok(), 1u);
}

TEST(Ledger, AcksALateResultWithLargeOutputsToo) {  // R60 R64
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(4, 1, ChunkId(1, 2)));
  rig.Say(Channel::kResults, Part(4, 0, "late"));
  rig.Say(Channel::kResults, WithLarge(4, 1));
  rig.Sync();
  EXPECT_EQ(rig.Count("R64"), 0u);
  EXPECT_EQ(rig.Summary().late(), 1u);
}

TEST(Ledger, WritesAPartOnceHoweverOftenItComes) {  // R64
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(4, 0, "hello "));
  rig.Say(Channel::kResults, Part(4, 0, "hello "));  // the first is not durable yet
  EXPECT_EQ(rig.rows().size(), 1u);
  rig.Sync();
  rig.Say(Channel::kResults, Part(4, 0, "hello "));
  rig.Say(Channel::kResults, Part(4, 1, "world"));
  EXPECT_EQ(rig.rows().size(), 2u);
  EXPECT_EQ(rig.Count("needless_part"), 2u);
  rig.Say(Channel::kResults, WithLarge(4, 2));
  rig.Sync();
  EXPECT_EQ(rig.Summary().ok(), 1u);
}

TEST(Ledger, WritesAPartAgainThatARestartLost) {  // R64
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(4, 0, "hello "));
  rig.Restart();
  rig.Say(Channel::kResults, Part(4, 0, "hello "));
  EXPECT_EQ(rig.rows().size(), 1u);
}

TEST(Ledger, AcksAResultAgainWithoutItsPartsAgain) {      // R60 R64
  for (const pb::Status status : {pb::OK, pb::FAILED}) {  // a failed one is not the task's end
    Rig rig;
    rig.Join();
    pb::Envelope result = WithLarge(4, 1);
    if (status != pb::OK) result.mutable_results()->add_status(status);
    rig.Say(Channel::kResults, Part(4, 0, "hello"));
    rig.Say(Channel::kResults, result);
    rig.Sync();
    rig.Sent();
    rig.Say(Channel::kResults, Part(4, 0, "hello"));
    EXPECT_EQ(rig.rows().size(), 2u);
    rig.Say(Channel::kResults, result);
    rig.Sync();
    EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("whole: " + kChunkText)));
    EXPECT_EQ(rig.Count("R64"), 0u);
  }
}

TEST(Ledger, NeedsNoPartsOfATaskThatHasItsEndAndAcksItsLateResults) {  // R60 R64
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(5, 0, "begun", ChunkId(1, 9)));
  rig.Say(Channel::kResults, Oks(4, 1, ChunkId(1, 2)));
  rig.Say(Channel::kFacts, Facts(Finalise(5)), 1);
  rig.Sync();
  rig.Sent();
  const uint64_t rows = rig.rows().size();
  rig.Say(Channel::kResults, Part(4, 0, "late"));
  rig.Say(Channel::kResults, Part(5, 1, "late", ChunkId(1, 9)));
  EXPECT_EQ(rig.rows().size(), rows);
  EXPECT_EQ(rig.Count("needless_part"), 2u);
  rig.Say(Channel::kResults, WithLarge(4, 1));
  rig.Say(Channel::kResults, WithLarge(5, 2, ChunkId(1, 9)));
  rig.Sync();
  EXPECT_EQ(rig.Count("R64"), 0u);
  EXPECT_EQ(rig.Summary().late(), 2u);
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("whole: " + kChunkText + " whole: 8 failed")));
}

TEST(Ledger, NeedsNoPartsOfABatchThatIsClosed) {  // R60 R64
  Rig rig;
  rig.Join();
  pb::BatchFacts cancelled = About();
  cancelled.set_cancelled(true);
  rig.Say(Channel::kFacts, Facts(cancelled), 1);
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kResults, Part(4, 0, "late"));
  EXPECT_EQ(rig.rows().size(), 1u + 1);  // the ventilator's epoch, and that it is closed
  rig.Say(Channel::kResults, WithLarge(4, 1));
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("whole: " + kChunkText)));
  EXPECT_EQ(rig.Summary().late(), 1u);
}

TEST(Ledger, DropsPartsBeyondTheLimit) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(4, kPartsPerStreamMax - 1, "last"));
  rig.Say(Channel::kResults, Part(4, kPartsPerStreamMax, "one too many"));
  EXPECT_EQ(rig.rows().size(), 1u);
  EXPECT_EQ(rig.Count("stray_part"), 1u);
}

TEST(Ledger, DropsResultsAboveItsMemoryAndSaysHowMuchRoomThereIs) {  // R65
  LedgerOptions options;
  options.memory_bytes = 1200;  // two small rows
  Rig rig(options);
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 10, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(10, 10, ChunkId(1, 2)));
  rig.Say(Channel::kResults, Oks(20, 10, ChunkId(1, 3)));
  EXPECT_EQ(rig.rows().size(), 2u);
  EXPECT_EQ(rig.Count("R65"), 1u);
  rig.Say(Channel::kResults, Oks(30, 10, ChunkId(1, 4)));
  EXPECT_EQ(rig.Count("R65"), 2u);
  EXPECT_THAT(rig.ledger().TakeNotices(), ElementsAre(HasSubstr("no task is lost")));  // once
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("room_bytes: 1200")));
  EXPECT_EQ(rig.Summary().ok(), 20u);
  rig.Say(Channel::kResults, Oks(20, 10, ChunkId(1, 3)));
  EXPECT_THAT(rig.ledger().TakeNotices(), IsEmpty());
  rig.Sync();
  EXPECT_EQ(rig.Summary().ok(), 30u);
}

TEST(Ledger, TakesNothingWhileTheJournalHasNoRoom) {  // R65
  Rig rig;
  rig.Join();
  rig.Give({Channel::kJournal}, JournalRoom{0});
  rig.Say(Channel::kResults, Oks(0, 10));
  EXPECT_TRUE(rig.rows().empty());
  rig.Say(Channel::kFacts, Facts(About()), 1);
  rig.Sync();
  const std::vector<std::string> sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0], Not(HasSubstr("room_bytes")));  // 0 is not printed
}

TEST(Ledger, DropsWhatIsOfAnotherCluster) {  // R3
  Rig rig;
  rig.Join();
  pb::Envelope stranger = Oks(0, 10);
  stranger.set_cluster(kCluster + 1);
  rig.Say(Channel::kResults, stranger);
  EXPECT_TRUE(rig.rows().empty());
  EXPECT_EQ(rig.Count("R3"), 1u);
}

TEST(Ledger, CountsGarbageAndAnswersNothing) {  // R1
  Rig rig;
  rig.Join();
  rig.Give({Channel::kResults}, Decode(Channel::kResults, Frame::Own("garbage")));
  pb::Envelope wrong = Oks(0, 10);
  wrong.mutable_results()->add_status(pb::CANCELLED);  // R66
  rig.Say(Channel::kResults, wrong);
  EXPECT_TRUE(rig.rows().empty());
  EXPECT_EQ(rig.Count("R1"), 2u);
  EXPECT_THAT(rig.Sent(), IsEmpty());
}

TEST(Ledger, DropsResultsOfTasksBeyondTheEndOfTheBatch) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kFacts, Facts(Sealed(10)), 1);
  rig.Sync();
  rig.Say(Channel::kResults, Oks(5, 6));
  EXPECT_EQ(rig.Count("stray_task"), 1u);
  rig.Say(Channel::kResults, Oks(5, 5));
  rig.Sync();
  EXPECT_EQ(rig.Summary().ok(), 5u);
}

TEST(Ledger, KnowsOnlySoManyBatches) {
  LedgerOptions options;
  options.batches_max = 1;
  Rig rig(options);
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1));
  pb::Envelope other = Oks(0, 1);
  other.mutable_results()->set_batch(kBatch + 1);
  rig.Say(Channel::kResults, other);
  EXPECT_EQ(rig.Count("stray_batch"), 1u);
  EXPECT_EQ(rig.rows().size(), 1u);
}

TEST(Ledger, SendsAProbeOnToTheVentilatorAtOnce) {  // R23
  Rig rig;
  rig.Join();
  pb::Envelope probe = FromWorker();
  probe.mutable_probe_echo()->set_lane(11);
  probe.mutable_probe_echo()->set_nonce(12);
  rig.Say(Channel::kResults, probe);
  EXPECT_THAT(rig.Sent(),
              ElementsAre("acks ack { probes { lane: 11 nonce: 12 } room_bytes: " + kRoom + " }"));
}

TEST(Ledger, MakesTheAckSocketAnewWhenALanesProbesKeepComing) {  // R23
  Rig rig;
  rig.Join();
  pb::Envelope probe = FromWorker();
  probe.mutable_probe_echo()->set_lane(11);
  rig.Say(Channel::kResults, probe);
  rig.Tick(Millis(4900));
  rig.Sent();
  rig.Say(Channel::kResults, probe);
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("acks ack")));
  rig.Tick(Millis(100));
  rig.Sent();
  rig.Say(Channel::kResults, probe);
  EXPECT_THAT(rig.Sent(), ElementsAre("connect acks tcp://127.0.0.1:21003", HasSubstr("acks ack")));
}

TEST(Ledger, SumsUpOneMeanForAllTasksOfAChunk) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1000));
  pb::Envelope each = Oks(1000, 2, ChunkId(1, 2));
  each.mutable_results()->add_run_us(70'000);
  rig.Say(Channel::kResults, each);
  rig.Sync();
  const pb::BatchSummary summary = rig.Summary();
  EXPECT_EQ(summary.run_us(), 1001 * 100 + 70'000u);
  EXPECT_EQ(summary.longest_us(), 70'000u);
  EXPECT_EQ(Sketch::Unpack(summary.task_us()).count(), 1002u);
}

}  // namespace
}  // namespace fanmill
