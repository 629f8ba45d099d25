// How the sink makes room when its journal fills: ended batches are forgotten, live ones never.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"
#include "lib/core/wire.h"
#include "tests/sink/rig.h"

namespace fanmill {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr uint64_t kAll = 100'000;
constexpr uint64_t kLow = kAll / kLowRoomPart;

void GiveRoom(Rig& rig, uint64_t bytes) { rig.Give({Channel::kJournal}, JournalRoom{bytes}); }

void SayOks(Rig& rig, uint32_t batch, uint64_t tasks, size_t value_bytes = 0) {
  pb::Envelope oks = Oks(0, tasks, ChunkId(1, batch));
  oks.mutable_results()->set_batch(batch);
  if (value_bytes > 0) {
    for (uint64_t i = 0; i < tasks; ++i) {
      oks.mutable_results()->add_value_size(static_cast<uint32_t>(value_bytes));
    }
    oks.mutable_results()->set_bytes(std::string(tasks * value_bytes, 'v'));
  }
  rig.Say(Channel::kResults, oks);
}

// The batch runs and ends: its results are durable, and so is CLOSED.
void RunBatch(Rig& rig, uint32_t batch, size_t value_bytes = 10) {
  rig.Say(Channel::kFacts, Facts(Sealed(2, batch)), 1);
  SayOks(rig, batch, 2, value_bytes);
  rig.Sync();
  rig.Sync();
}

// Three batches ended, in the order 2, 1, 3; nothing was sent yet.
void RunThree(Rig& rig) {
  rig.Join();
  GiveRoom(rig, kAll);
  for (const uint32_t batch : {2u, 1u, 3u}) RunBatch(rig, batch);
  rig.Sent();
}

std::vector<pb::ReadReply> ReadBatch(Rig& rig, uint32_t batch) {
  rig.Replies();
  rig.Say(Channel::kFacts, Read(0, 0, 0, batch), 20);
  return rig.Replies();
}

// As a line of Sent().
std::string Prune(Rig& rig, uint32_t batch) {
  rig.Sent();
  pb::Envelope prune = FromClient();
  prune.mutable_prune_request()->set_batch(batch);
  prune.mutable_prune_request()->set_request(5);
  rig.Say(Channel::kFacts, prune, 20);
  return absl::StrJoin(rig.Sent(), "; ");
}

TEST(Prune, DropsWhatHasEndedOnceAndTellsHowMuch) {  // R109
  Rig rig;
  RunThree(rig);
  EXPECT_THAT(Prune(rig, 1), AllOf(StartsWith("forget 1; "), HasSubstr("request: 5"),
                                   ContainsRegex("bytes: [1-9]"), Not(HasSubstr("error"))));
  EXPECT_THAT(Prune(rig, 1),
              Not(AnyOf(HasSubstr("forget"), HasSubstr("bytes"), HasSubstr("error"))));
  EXPECT_THAT(ReadBatch(rig, 1).at(0).error(), HasSubstr("were dropped"));
  EXPECT_THAT(ReadBatch(rig, 2).at(0).error(), IsEmpty());
  EXPECT_TRUE(rig.Summary(1).closed()) << "its report stays";
}

TEST(Prune, LeavesALiveBatchAndAStrangeOneAlone) {  // R109
  Rig rig;
  RunThree(rig);
  rig.Say(Channel::kFacts, Facts(Sealed(2, 4)), 1);
  rig.Sync();
  EXPECT_THAT(Prune(rig, 4), AllOf(HasSubstr("batch 4 has not ended"), Not(HasSubstr("forget")),
                                   Not(HasSubstr("no_such_batch"))));
  EXPECT_THAT(Prune(rig, 99), HasSubstr("no_such_batch: true"));
}

TEST(Prune, IsDoneByTheSinkItselfAboveWhatItShallKeep) {  // R109
  LedgerOptions options;
  options.keep_batches = 2;
  Rig rig(options);
  rig.Join();
  GiveRoom(rig, kAll);
  for (const uint32_t batch : {2u, 1u}) RunBatch(rig, batch);
  EXPECT_THAT(rig.Sent(), Not(Contains(StartsWith("forget"))));
  RunBatch(rig, 3);
  EXPECT_THAT(rig.Sent(), Contains("forget 2"));
  EXPECT_THAT(ReadBatch(rig, 1).at(0).error(), IsEmpty());
}

TEST(Room, IsMadeByForgettingEndedBatchesOldestEndFirstButTheNewest) {  // R68
  Rig rig;
  RunThree(rig);
  GiveRoom(rig, kLow);  // at the limit: enough
  EXPECT_THAT(rig.Sent(), IsEmpty());
  GiveRoom(rig, kLow - 1);
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 2"));  // which makes room enough
  GiveRoom(rig, 1);
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 1"));
  GiveRoom(rig, 1);
  EXPECT_THAT(rig.Sent(), IsEmpty());  // the one that ended last stays
  EXPECT_EQ(rig.Count("R68"), 2u);
  EXPECT_EQ(rig.Count("forgotten_batches"), 2u);
  EXPECT_GE(rig.Count("forgotten_bytes"), 40u);
  EXPECT_THAT(rig.ledger().TakeNotices(),
              ElementsAre(HasSubstr("results of batch 2"), HasSubstr("results of batch 1")));
}

TEST(Room, KeepsTheSummaryAndTheEndOfAForgottenBatch) {  // R68
  Rig rig;
  RunThree(rig);
  const std::string before = rig.Summary(2).ShortDebugString();
  GiveRoom(rig, kLow - 1);
  rig.Sent();
  EXPECT_EQ(rig.Summary(2).ShortDebugString(), before);
  EXPECT_EQ(rig.Summary(2).ok(), 2u);
  rig.Say(Channel::kFacts, Facts(Sealed(2, 2)), 1);
  EXPECT_THAT(rig.Sent(), ElementsAre(HasSubstr("closed { batch: 2 ok: 2 }")));
}

TEST(Room, AnswersReadsOfAForgottenBatchWithWhatBecameOfIt) {  // R68
  Rig rig;
  RunThree(rig);
  ASSERT_THAT(ReadBatch(rig, 2), SizeIs(1));
  GiveRoom(rig, kLow - 1);
  const std::vector<pb::ReadReply> replies = ReadBatch(rig, 2);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_THAT(replies[0].error(),
              HasSubstr("batch 2 ended and its results were dropped to make room"));
  EXPECT_EQ(replies[0].rows_size(), 0);
  EXPECT_THAT(ReadBatch(rig, 1).at(0).error(), IsEmpty());
}

TEST(Room, TakesNoMoreResultsOfAForgottenBatch) {  // R68
  Rig rig;
  RunThree(rig);
  SayOks(rig, 2, 1);  // late, and not durable when the batch is forgotten
  GiveRoom(rig, kLow - 1);
  const uint64_t rows = rig.rows().size();
  SayOks(rig, 2, 2);
  pb::Envelope part = Part(0, 0, "late");
  part.mutable_output()->set_batch(2);
  rig.Say(Channel::kResults, part);
  EXPECT_EQ(rig.rows().size(), rows);
  rig.Sync();
  EXPECT_EQ(rig.Summary(2).ok(), 2u);
}

TEST(Room, IsMadeWhenTheBatchThatFilledTheJournalEnds) {  // R68
  Rig rig;
  rig.Join();
  GiveRoom(rig, kAll);
  RunBatch(rig, 1);
  rig.Say(Channel::kFacts, Facts(Sealed(2, 2)), 1);
  SayOks(rig, 2, 2);
  GiveRoom(rig, kLow - 1);
  rig.Sync();
  rig.Sent();
  rig.Sync();  // CLOSED of batch 2: now batch 1 is not the newest
  EXPECT_THAT(rig.Sent(), Contains("forget 1"));
}

TEST(Room, TakesTheNewestEndedBatchWhenAResultFindsNone) {  // R68
  Rig rig;
  rig.Join();
  GiveRoom(rig, kAll);
  RunBatch(rig, 1, 5000);
  GiveRoom(rig, 100);
  rig.Sent();
  SayOks(rig, 2, 2);
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 1"));
  EXPECT_EQ(rig.Count("R65"), 0u);
  EXPECT_EQ(rig.rows().back().batch, 2u);
}

TEST(Room, IsNoneWhileALiveBatchFillsTheJournalAndTheNoticeNamesIt) {  // R65
  Rig rig;
  rig.Join();
  GiveRoom(rig, 8 << 20);
  SayOks(rig, 7, 2, 1 << 20);
  rig.Say(Channel::kResults, Opens());
  rig.Sync();
  GiveRoom(rig, 700);  // some, though not for what comes
  rig.Sent();
  SayOks(rig, 8, 2, 500);
  EXPECT_EQ(rig.Count("R65"), 1u);
  EXPECT_EQ(rig.Count("R68"), 0u);
  const std::string full =
      "the sink is full (8 MiB: fanmill-sink --disk), most of it by batch 7: `fanmill cancel 7` "
      "makes room";
  EXPECT_THAT(rig.ledger().TakeNotices(),
              ElementsAre(AllOf(StartsWith(full), HasSubstr("no task is lost"))));
  rig.Say(Channel::kFacts, Facts(About()), 1);
  EXPECT_THAT(rig.Sent(), ElementsAre(AllOf(Not(HasSubstr("room_bytes")),  // 0 is not printed
                                            HasSubstr("full: \"" + full + "\""))));
  GiveRoom(rig, 5000);
  rig.Say(Channel::kFacts, Facts(About()), 1);
  EXPECT_THAT(rig.Sent(),
              ElementsAre(AllOf(HasSubstr("room_bytes: 5000"), Not(HasSubstr("full")))));
  SayOks(rig, 8, 2, 500);
  EXPECT_EQ(rig.rows().back().batch, 8u);
}

TEST(Room, IsToldToBeWantingInAsManyWordsAsAStatusShows) {  // R65, at the limit
  constexpr size_t kShown = 128;
  Rig rig;
  rig.Join();
  GiveRoom(rig, (uint64_t{1} << 40) - 1);
  SayOks(rig, UINT32_MAX, 2, 1000);
  GiveRoom(rig, 0);
  SayOks(rig, 8, 2);
  const std::string full = rig.ledger().TakeNotices().at(0);
  EXPECT_THAT(full, HasSubstr("1023.9 GiB"));
  EXPECT_LE(full.find(". Results are dropped"), kShown);
}

TEST(Room, IsMadeForAStartedBatchThoughNothingIsHandedOutThatCouldAskForIt) {  // R65 R68
  Rig rig;
  rig.Join();
  GiveRoom(rig, kAll);
  RunBatch(rig, 1, 5000);
  GiveRoom(rig, 0);
  rig.Sent();
  rig.Say(Channel::kFacts, Facts(About(2)), 1);
  EXPECT_THAT(rig.Sent(), ElementsAre(Not(HasSubstr("room_bytes"))));  // it is not started
  pb::BatchFacts started = About(2);
  started.set_started(true);
  rig.Say(Channel::kFacts, Facts(started), 1);
  rig.Sync();
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 1", HasSubstr("room_bytes: 10")));
}

TEST(Room, ComesBackWhenThatBatchIsCancelled) {  // R65 R68
  Rig rig;
  rig.Join();
  GiveRoom(rig, kAll);
  SayOks(rig, 7, 2, 10'000);
  GiveRoom(rig, 0);
  pb::BatchFacts cancelled = About(7);
  cancelled.set_cancelled(true);
  rig.Say(Channel::kFacts, Facts(cancelled), 1);
  rig.Sync();
  rig.Sent();
  SayOks(rig, 8, 2);
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 7"));
  EXPECT_EQ(rig.rows().back().batch, 8u);
  EXPECT_TRUE(rig.Summary(7).cancelled());
}

TEST(Room, ForAFurtherBatchIsMadeByLettingGoOfTheOldestEndThatIsNotListed) {  // R68, at the limit
  LedgerOptions options;
  options.batches_max = 3;
  Rig rig(options);
  RunThree(rig);  // they ended in the order 2, 1, 3
  rig.state().set_batches_through(3);
  for (const uint32_t batch : {1u, 2u}) rig.state().add_batches()->set_batch(batch);
  rig.Heartbeat();
  rig.SayState();
  rig.Sent();
  SayOks(rig, 4, 2);
  SayOks(rig, 5, 2);
  EXPECT_THAT(rig.Sent(), IsEmpty());
  EXPECT_EQ(rig.Count("stray_batch"), 2u);
  EXPECT_THAT(rig.ledger().TakeNotices(), ElementsAre(HasSubstr("the sink knows 3 batches")));
  rig.state().mutable_batches()->DeleteSubrange(1, 1);  // batch 2
  rig.SayState();
  SayOks(rig, 4, 2);
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 2"));
  EXPECT_EQ(rig.Count("ends_let_go"), 1u);
  rig.Sync();
  EXPECT_EQ(rig.Summary(4).ok(), 2u);
  EXPECT_FALSE(rig.Summary(2).known());
  EXPECT_TRUE(rig.Summary(1).closed());
  EXPECT_TRUE(rig.Summary(3).closed());
}

TEST(Room, ComesBackWhenTheControllerHasEndedThatBatchWithoutItsVentilator) {  // R69
  Rig rig;
  rig.Join();
  GiveRoom(rig, kAll);
  SayOks(rig, 7, 2, 10'000);
  rig.Sync();
  rig.Heartbeat();
  GiveRoom(rig, 0);
  rig.state().set_batches_through(7);
  rig.state().add_batches()->set_batch(7);
  rig.SayState();
  rig.Sync();
  EXPECT_FALSE(rig.Summary(7).closed()) << "it is listed";
  rig.state().clear_batches();
  rig.SayState();
  rig.Sync();
  EXPECT_EQ(rig.Count("R69"), 1u);
  EXPECT_TRUE(rig.Summary(7).cancelled());
  EXPECT_EQ(rig.Summary(7).ok(), 2u);
  rig.Sent();
  SayOks(rig, 8, 2);
  EXPECT_THAT(rig.Sent(), ElementsAre("forget 7"));
}

TEST(Room, IsNotMadeOfWhatTheControllerHasNotHeardOfNorOfWhatWasNotBegun) {  // R69
  Rig rig;
  rig.Join();
  rig.Say(Channel::kFacts, Facts(Sealed(2, 6)), 1);  // forming: a new controller hears of it late
  SayOks(rig, 9, 2);
  rig.Sync();
  rig.state().set_batches_through(8);
  rig.SayState();
  rig.Sync();
  EXPECT_EQ(rig.Count("R69"), 0u);
  EXPECT_FALSE(rig.Summary(6).closed());
  EXPECT_FALSE(rig.Summary(9).closed());
}

TEST(Room, ComesBackTooAfterARestartAndForResultsThatComeAfterTheEnd) {  // R69
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Opens());
  rig.Sync();
  rig.state().set_batches_through(kBatch);
  rig.Restart();
  rig.Heartbeat();
  rig.Sync();
  EXPECT_TRUE(rig.Summary().cancelled());
  SayOks(rig, 2, 1);  // and when its results come after it
  rig.Sync();
  rig.Heartbeat();
  rig.Sync();
  EXPECT_TRUE(rig.Summary(2).cancelled());
}

// The state may be older than the batch: only what the controller says to a heartbeat that came
// after the batch began can miss it.
TEST(Room, IsNotMadeOfABatchThatBeganAfterTheState) {  // R69
  Rig rig;
  rig.state().set_batches_through(9);
  rig.Join();
  SayOks(rig, 9, 2);
  rig.Sync();
  rig.SayState();  // said to a heartbeat of before
  rig.Sync();
  EXPECT_FALSE(rig.Summary(9).closed());
  rig.state().add_batches()->set_batch(9);
  rig.SayState();
  rig.Heartbeat();
  rig.Sync();
  EXPECT_FALSE(rig.Summary(9).closed());
  EXPECT_EQ(rig.Count("R69"), 0u);
  rig.state().clear_batches();
  rig.SayState();
  rig.Sync();
  EXPECT_TRUE(rig.Summary(9).cancelled());
}

}  // namespace
}  // namespace fanmill
