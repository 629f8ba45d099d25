// The ventilator repeats what it wants and asks what it cannot know; the sink writes and answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/core/range_set.h"
#include "lib/core/wire.h"
#include "tests/sink/rig.h"

namespace fanmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kRoom = std::to_string(256 << 20);

// Joined, with the ventilator's epoch durable, so that answers come at once.
void Begin(Rig& rig) {
  rig.Join();
  rig.Say(Channel::kResults, Opens());
  rig.Sync();
  rig.Sent();
}

TEST(Facts, AreAnsweredAtOnceWhenNothingMustBeWritten) {  // R70
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(0, 10));
  rig.Say(Channel::kResults, Oks(20, 5, ChunkId(1, 2)));
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kFacts, Facts(Ask(5, 23)), 8);
  EXPECT_THAT(rig.Sent(),
              ElementsAre("facts/8 facts_reply { sequence: 1 batches { batch: 3 ok { step: 5 step: "
                          "5 step: 10 step: 3 } failed { } answered_through: 23 } "
                          "ledger_sequence: 4 room_bytes: " +
                          kRoom + " }"));
}

TEST(Facts, TellOnlyWhatIsDurable) {  // R60 R70
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(0, 10));
  rig.Say(Channel::kFacts, Facts(Ask(0, 10)), 8);
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("ok { } failed { }")));
}

TEST(Facts, TellFailedAttemptsOfTasksWithoutEnd) {  // R71
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Failed(4, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Failed(4, 2, ChunkId(2, 1)));
  rig.Say(Channel::kResults, Failed(4, 2, ChunkId(2, 1)));  // said twice
  rig.Say(Channel::kResults, Failed(6, 1, ChunkId(1, 2)));
  rig.Say(Channel::kResults, Oks(6, 1, ChunkId(1, 3)));
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kFacts, Facts(Ask(0, 10)), 8);
  EXPECT_THAT(
      rig.Sent(),
      ElementsAre("facts/8 facts_reply { sequence: 1 batches { batch: 3 ok { step: 6 step: 1 } "
                  "failed { } attempts { batch: 3 task: 4 epoch: 1 attempt: 1 status: FAILED code: "
                  "9 } attempts { batch: 3 task: 4 epoch: 2 attempt: 2 status: FAILED code: 9 } "
                  "answered_through: 10 } ledger_sequence: 7 room_bytes: " +
                  kRoom + " }"));
}

TEST(Facts, WriteFinalFailedWhenAskedAndSayItWhenItIsDurable) {  // R63 R72
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Failed(4));
  rig.Sync();
  rig.Sent();
  pb::BatchFacts finalise = Finalise(4);
  *finalise.mutable_ask() = Ask(4, 5).ask();
  rig.Say(Channel::kFacts, Facts(finalise), 8);
  EXPECT_THAT(rig.Sent(), IsEmpty());
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("failed { step: 4 step: 1 }")));
  EXPECT_EQ(rig.Summary().failed(), 1u);
  EXPECT_EQ(rig.Summary().run_us(), 100u);  // of the attempt that is its end
}

TEST(Facts, WriteNoFinalFailedTwiceNorOverAnOk) {  // R63
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(5, 1));
  rig.Sync();
  const size_t rows = rig.rows().size();
  rig.Say(Channel::kFacts, Facts(Finalise(5)), 8);
  EXPECT_EQ(rig.rows().size(), rows);
  rig.Say(Channel::kFacts, Facts(Finalise(6)), 8);
  rig.Say(Channel::kFacts, Facts(Finalise(6)), 8);
  EXPECT_EQ(rig.rows().size(), rows + 1);
  rig.Sync();
  rig.Say(Channel::kFacts, Facts(Finalise(6)), 8);
  EXPECT_EQ(rig.rows().size(), rows + 1);
}

TEST(Facts, WriteNoFinalFailedBehindAnOkThatWaitsForTheDisk) {  // R63
  Rig rig;
  Begin(rig);
  pb::Envelope some = Oks(5, 3);
  some.mutable_results()->mutable_tasks()->add_delta(2);  // tasks 5, 7 and 11
  some.mutable_results()->mutable_tasks()->add_delta(4);
  rig.Say(Channel::kResults, some);
  rig.Say(Channel::kResults, Failed(8, 1, ChunkId(1, 2)));
  const size_t rows = rig.rows().size();
  for (const uint64_t task : {5, 7, 11}) rig.Say(Channel::kFacts, Facts(Finalise(task)), 8);
  EXPECT_EQ(rig.rows().size(), rows);
  for (const uint64_t task : {4, 6, 8, 12}) rig.Say(Channel::kFacts, Facts(Finalise(task)), 8);
  EXPECT_EQ(rig.rows().size(), rows + 4) << "of these there is none";
  rig.Sync();
  EXPECT_EQ(rig.Summary().ok(), 3u);
  EXPECT_EQ(rig.Summary().failed(), 4u);
}

TEST(Facts, WriteNoFinalFailedBehindAnEndThatWaitsForTheDisk) {  // R63 R77
  Rig rig;
  Begin(rig);
  pb::BatchFacts cancelled = About();
  cancelled.set_cancelled(true);
  cancelled.set_tasks(9);
  rig.Say(Channel::kFacts, Facts(cancelled), 8);
  const size_t rows = rig.rows().size();
  rig.Say(Channel::kFacts, Facts(Finalise(5)), 8);
  EXPECT_EQ(rig.rows().size(), rows);
}

// R61: one that stands there all the same.
TEST(Facts, LetAnOkWinThatWasWrittenBeforeTheFailure) {
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(5, 1));
  rig.Sync();
  pb::LedgerRecord failed;
  *failed.mutable_final_failed() = Finalise(5).finalise(0);
  rig.rows().push_back(
      {rig.rows().back().sequence + 1, kBatch, false, Frame::Own(failed.SerializeAsString())});
  rig.Join();
  EXPECT_EQ(rig.Summary().ok(), 1u);
  EXPECT_EQ(rig.Summary().failed(), 0u);
}

TEST(Facts, CloseABatchThatIsSealedAndComplete) {  // R73 R77
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kFacts, Facts(Sealed(10)), 8);
  rig.Say(Channel::kResults, Oks(0, 9));
  rig.Sync();
  EXPECT_FALSE(rig.Summary().closed());
  rig.Say(Channel::kResults, Oks(9, 1, ChunkId(1, 2)));
  rig.Sync();
  EXPECT_FALSE(rig.Summary().closed());  // CLOSED is written, not durable
  rig.Sent();
  rig.Sync();
  EXPECT_TRUE(rig.Summary().closed());
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("acks ack { closed { batch: 3 ok: 10 }")));
  rig.Say(Channel::kFacts, Facts(Sealed(10)), 8);
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("closed { batch: 3 ok: 10 }")));
}

TEST(Facts, CloseAnEmptySealedBatch) {  // R77
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kFacts, Facts(Sealed(0)), 8);
  rig.Sync();
  rig.Sync();
  EXPECT_TRUE(rig.Summary().closed());
  EXPECT_EQ(rig.Summary().tasks(), 0u);
}

TEST(Facts, CloseACancelledBatchWithWhatIsThere) {  // R74 R77
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(0, 4));
  rig.Sync();
  pb::BatchFacts cancel = Sealed(10);
  cancel.set_cancelled(true);
  rig.Say(Channel::kResults, Oks(4, 1, ChunkId(1, 2)));  // written before CLOSED: counts
  rig.Sent();
  rig.Say(Channel::kFacts, Facts(cancel), 8);
  rig.Say(Channel::kResults, Oks(5, 1, ChunkId(1, 3)));  // after it: late
  rig.Sync();
  EXPECT_THAT(rig.Sent(),
              ElementsAre(HasSubstr("closed { batch: 3 cancelled: true ok: 5 cancelled_tasks: 5 }"),
                          HasSubstr("facts_reply")));
  EXPECT_EQ(rig.Summary().late(), 1u);
  EXPECT_EQ(rig.Summary().cancelled_tasks(), 5u);
}

TEST(Facts, KnowHowManyTasksOfAnUnsealedBatchWereCancelled) {  // R77
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(0, 4));
  rig.Sync();
  pb::BatchFacts cancel = About();
  cancel.set_cancelled(true);
  cancel.set_tasks(7);  // accepted so far
  rig.Say(Channel::kFacts, Facts(cancel), 8);
  rig.Sync();
  EXPECT_EQ(rig.Summary().cancelled_tasks(), 3u);
}

TEST(Facts, AnswerInPagesAndSayHowFarTheyReach) {  // R75
  LedgerOptions options;
  options.facts = {.ranges = 2, .attempts = 10};
  Rig rig(options);
  Begin(rig);
  for (uint64_t i = 0; i < 4; ++i) rig.Say(Channel::kResults, Oks(10 * i, 5, ChunkId(1, i)));
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kFacts, Facts(Ask(0, 100)), 8);
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("ok { step: 0 step: 5 step: 5 step: 5 } failed { } "
                                                "answered_through: 20 }")));
  rig.Say(Channel::kFacts, Facts(Ask(20, 100)), 8);
  EXPECT_THAT(rig.Sent(),
              ElementsAre(HasSubstr("ok { step: 20 step: 5 step: 5 step: 5 } failed { } "
                                    "answered_through: 100 }")));
}

TEST(Facts, CutAnAnswerWhereTheAttemptsEnd) {  // R75, at the limit
  LedgerOptions options;
  options.facts = {.ranges = 100, .attempts = 2};
  Rig rig(options);
  Begin(rig);
  for (uint64_t i = 0; i < 3; ++i) rig.Say(Channel::kResults, Failed(i, 1, ChunkId(1, i)));
  rig.Sync();
  rig.Sent();
  rig.Say(Channel::kFacts, Facts(Ask(0, 50)), 8);
  const std::vector<std::string> sent = rig.Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_THAT(sent[0], HasSubstr("task: 1 epoch"));
  EXPECT_THAT(sent[0], Not(HasSubstr("task: 2 epoch")));
  EXPECT_THAT(sent[0], HasSubstr("answered_through: 2 }"));
}

TEST(Facts, AreRefusedFromAnOlderVentilator) {  // R76
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kFacts, Facts(Sealed(10), 5), 8);
  EXPECT_THAT(rig.Sent(), IsEmpty());  // the new epoch first becomes durable
  rig.Say(Channel::kFacts, Facts(Finalise(1), 4), 9);
  rig.Say(Channel::kResults, Opens(kBatch + 1, 4));
  EXPECT_EQ(rig.Count("R76"), 2u);
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("facts/8 facts_reply")));
  EXPECT_FALSE(rig.Summary(kBatch + 1).opened());
}

TEST(Facts, AreRefusedFromWhoeverNoControllerWelcomed) {  // R76
  Rig rig;
  Begin(rig);
  const uint64_t rows = rig.rows().size();
  pb::Envelope facts = Facts(Sealed(10), UINT64_MAX);
  facts.set_cluster(0);
  pb::Envelope opens = Opens(kBatch + 1, UINT64_MAX);
  opens.set_cluster(0);
  rig.Say(Channel::kFacts, facts, 8);
  rig.Say(Channel::kResults, opens);
  EXPECT_EQ(rig.Count("R76"), 2u);
  EXPECT_EQ(rig.rows().size(), rows);
  rig.Sync();
  EXPECT_THAT(rig.Sent(), IsEmpty());
  rig.Say(Channel::kFacts, Facts(About()), 8);  // the real one is not locked out
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("facts/8 facts_reply")));
}

TEST(Facts, RememberTheNewestVentilatorAfterARestart) {  // R76
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kFacts, Facts(About(), 5), 8);
  rig.Sync();
  rig.Restart();
  rig.Say(Channel::kFacts, Facts(About(), 4), 8);
  EXPECT_EQ(rig.Count("R76"), 1u);
  EXPECT_THAT(rig.Sent(), IsEmpty());
}

TEST(Facts, LetOnlySoManyAskersWaitForTheDisk) {
  LedgerOptions options;
  options.askers_max = 1;
  Rig rig(options);
  Begin(rig);
  rig.Say(Channel::kFacts, Facts(Finalise(1)), 8);
  rig.Say(Channel::kFacts, Facts(Finalise(2)), 9);
  EXPECT_EQ(rig.Count("asker_refused"), 1u);
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("facts/8")));
}

TEST(Clock, RunsFromTheBatchsOpeningToItsLastTerminalRecord) {  // R78
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kFacts, Facts(Sealed(2)), 8);
  rig.Tick(Millis(300));
  rig.Say(Channel::kResults, Opens());  // said twice: the first counts
  rig.Say(Channel::kResults, Oks(0, 1));
  rig.Sync();
  rig.Tick(Millis(200));
  EXPECT_EQ(rig.Summary().elapsed_us(), 500'000u);  // so far
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  rig.Sync();
  rig.Tick(Millis(40));
  rig.Sync();  // CLOSED
  EXPECT_TRUE(rig.Summary().opened());
  EXPECT_EQ(rig.Summary().elapsed_us(), 500'000u);
  EXPECT_EQ(rig.Summary().end_age_us(), 40'000u);
}

TEST(Clock, StartsByFactsWhenTheOpeningWasLost) {  // R78
  Rig rig;
  rig.Join();
  pb::BatchFacts started = About();
  started.set_started(true);
  rig.Say(Channel::kFacts, Facts(started), 8);
  rig.Sync();
  EXPECT_TRUE(rig.Summary().opened());
}

TEST(Clock, IsSetAfterARestartByWhatTheControllerRemembers) {  // R78
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Oks(0, 1));
  rig.Sync();
  pb::BatchState& known = *rig.state().add_batches();
  known.set_batch(kBatch);
  known.set_started(true);
  known.set_start_age_us(70'000'000);
  rig.Restart();
  EXPECT_EQ(rig.Summary().elapsed_us(), 70'000'000u);
}

TEST(Summary, TellsHowLongAttemptsRanThatWereRepeated) {
  Rig rig;
  Begin(rig);
  rig.Say(Channel::kResults, Failed(4, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Failed(4, 1, ChunkId(1, 1)));  // said twice, ran once
  rig.Say(Channel::kResults, Failed(4, 2, ChunkId(1, 2)));
  rig.Sync();
  EXPECT_EQ(rig.Summary().workers(0).failed_us(), 200u);
  rig.Say(Channel::kFacts, Facts(Finalise(4, 2)), 8);
  rig.Sync();
  EXPECT_EQ(rig.Summary().workers(0).failed_us(), 100u);  // the second is the task's end
  EXPECT_EQ(rig.Summary().workers(0).run_us(), 100u);
}

TEST(Summary, OfAnUnknownBatchSaysSo) {
  Rig rig;
  rig.Join();
  EXPECT_EQ(rig.Summary(17).ShortDebugString(), "batch: 17");
}

}  // namespace
}  // namespace fanmill
