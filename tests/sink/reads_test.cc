// Results by cursor: exactly one end per task, in ledger order, whatever came twice or late.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/core/wire.h"
#include "tests/sink/rig.h"

namespace fanmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Asks at once, and expects to be answered at once.
pb::ReadReply ReadNow(Rig& rig, uint64_t cursor, uint64_t max_bytes = 0) {
  rig.Replies();
  rig.Say(Channel::kFacts, Read(cursor, 0, max_bytes), 20);
  const std::vector<pb::ReadReply> replies = rig.Replies();
  EXPECT_THAT(replies, SizeIs(1));
  return replies.empty() ? pb::ReadReply() : replies[0];
}

// All of it, in as many turns as it takes.
std::vector<std::string> ReadAll(Rig& rig, uint64_t max_bytes) {
  std::vector<std::string> all;
  for (uint64_t cursor = 0;;) {
    const pb::ReadReply reply = ReadNow(rig, cursor, max_bytes);
    for (const std::string& line : Jot(reply)) all.push_back(line);
    if (reply.rows_size() == 0) return all;
    EXPECT_GT(reply.next(), cursor);
    cursor = reply.next();
  }
}

TEST(Reads, GiveEachTaskOnceInLedgerOrder) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(5, 2, ChunkId(1, 2)));
  rig.Say(Channel::kResults, Oks(0, 2, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(5, 2, ChunkId(1, 2)));  // a duplicate
  rig.Say(Channel::kResults, Oks(1, 3, ChunkId(2, 1)));  // task 1 is late
  rig.Sync();
  const std::vector<std::string> all = {"task 5 ok", "task 6 ok", "task 0 ok",
                                        "task 1 ok", "task 2 ok", "task 3 ok"};
  EXPECT_EQ(ReadAll(rig, 1 << 20), all);
  EXPECT_EQ(ReadAll(rig, 1), all);  // and one by one
}

TEST(Reads, GiveOneRowForAllThatEndedAlike) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 3, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(3, 2, ChunkId(1, 2)));  // goes on there
  rig.Say(Channel::kResults, Oks(6, 1, ChunkId(1, 3)));  // task 5 is not there yet
  pb::Envelope slow = Oks(7, 2, ChunkId(1, 4));
  slow.mutable_results()->set_run_us(0, 101);
  rig.Say(Channel::kResults, slow);
  pb::Envelope spoken = Oks(9, 2, ChunkId(1, 5));
  spoken.mutable_results()->set_run_us(0, 101);
  for (const uint32_t size : {2, 0}) spoken.mutable_results()->add_stdout_size(size);
  spoken.mutable_results()->set_bytes("hi");
  rig.Say(Channel::kResults, spoken);
  rig.Sync();
  const pb::ReadReply reply = ReadNow(rig, 0);
  std::vector<std::string> rows;
  for (const pb::TerminalRow& row : reply.rows()) {
    rows.push_back(std::to_string(row.task()) + "+" + std::to_string(row.more()) + " " +
                   row.stdout_bytes());
  }
  EXPECT_THAT(rows, ElementsAre("0+4 ", "6+0 ", "7+1 ", "9+0 hi", "10+0 "));
}

// However small its rows are, an answer is given while results go on coming.
TEST(Reads, AnswerBeforeThereAreTooManyAlike) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1000));
  rig.Sync();
  const pb::ReadReply reply = ReadNow(rig, 0, 400);
  ASSERT_EQ(reply.rows_size(), 1);
  EXPECT_GT(reply.rows(0).more(), 50u);
  EXPECT_LE(reply.rows(0).more(), 100u);
  const pb::ReadReply rest = ReadNow(rig, reply.next());
  EXPECT_EQ(rest.rows(0).task(), reply.rows(0).more() + 1);
  EXPECT_EQ(rest.rows(0).task() + rest.rows(0).more(), 999u);
}

TEST(Reads, PassOverOtherBatches) {
  Rig rig;
  rig.Join();
  pb::Envelope other = Oks(0, 3);
  other.mutable_results()->set_batch(kBatch + 1);
  rig.Say(Channel::kResults, other);
  rig.Say(Channel::kResults, Oks(8, 1));
  rig.Say(Channel::kResults, other);
  rig.Sync();
  EXPECT_THAT(ReadAll(rig, 1 << 20), ElementsAre("task 8 ok"));
}

TEST(Reads, GiveWhatTheTaskWrote) {
  Rig rig;
  rig.Join();
  pb::Envelope spoken = Oks(0, 2);
  pb::ResultChunk& results = *spoken.mutable_results();
  for (const uint32_t size : {1u, 2u}) results.add_value_size(size);
  for (const uint32_t size : {3u, 0u}) results.add_stdout_size(size);
  for (const uint32_t size : {0u, 4u}) results.add_stderr_size(size);
  results.set_bytes(
      "vout"
      "vwwarn");
  rig.Say(Channel::kResults, spoken);
  rig.Sync();
  const pb::ReadReply reply = ReadNow(rig, 0);
  EXPECT_THAT(Jot(reply), ElementsAre("task 0 ok out=out", "task 1 ok err=warn"));
  EXPECT_EQ(reply.rows(0).value(), "v");
  EXPECT_EQ(reply.rows(1).value(), "vw");
  EXPECT_EQ(reply.rows(1).worker(), 1u);
  EXPECT_EQ(reply.rows(1).epoch(), 1u);
  EXPECT_EQ(reply.rows(1).attempt(), 1u);
  EXPECT_EQ(reply.rows(1).run_us(), 100u);
}

TEST(Reads, ShowAFailedTaskWithTheOutputOfTheAttemptThatWasItsEnd) {  // R63
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Failed(4, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Failed(4, 2, ChunkId(1, 2)));
  rig.Sync();
  EXPECT_THAT(ReadAll(rig, 1 << 20), IsEmpty());
  rig.Say(Channel::kFacts, Facts(Finalise(4, 2)), 1);
  rig.Sync();
  EXPECT_THAT(ReadAll(rig, 1 << 20), ElementsAre("task 4 failed 9 err=alas!"));
  EXPECT_EQ(ReadNow(rig, 0).rows(0).attempt(), 2u);
}

TEST(Reads, ShowALostTaskWithWhatTheVentilatorSaid) {  // R54
  Rig rig;
  rig.Join();
  pb::BatchFacts lost = Finalise(4, 3, pb::LOST);
  lost.mutable_finalise(0)->set_cause("its worker died");
  rig.Say(Channel::kFacts, Facts(lost), 1);
  rig.Sync();
  EXPECT_THAT(ReadAll(rig, 1 << 20), ElementsAre("task 4 lost err=its worker died"));
}

TEST(Reads, GivePartsOfALargeOutputBeforeTheTasksEnd) {  // R64
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(4, 0, "lost worker", ChunkId(1, 1)));  // never completed
  rig.Say(Channel::kResults, Part(4, 1, "world", ChunkId(1, 2)));
  rig.Say(Channel::kResults, Oks(3, 1, ChunkId(1, 5)));
  rig.Say(Channel::kResults, Part(4, 0, "hello ", ChunkId(1, 2)));
  rig.Say(Channel::kResults, Part(4, 0, "hello ", ChunkId(1, 2)));  // said twice
  rig.Say(Channel::kResults, WithLarge(4, 2, ChunkId(1, 2)));
  rig.Say(Channel::kResults, Part(4, 0, "late", ChunkId(1, 3)));
  rig.Say(Channel::kResults, WithLarge(4, 1, ChunkId(1, 3)));
  rig.Sync();
  const std::vector<std::string> all = {"task 3 ok", "part 4 hello ", "part 4 world", "task 4 ok"};
  EXPECT_EQ(ReadAll(rig, 1 << 20), all);
  EXPECT_EQ(ReadAll(rig, 1), all);
}

TEST(Reads, GivePartsOfAFailedTasksLargeOutput) {
  Rig rig;
  rig.Join();
  pb::Envelope failed = WithLarge(4, 1);
  failed.mutable_results()->add_status(pb::TIMED_OUT);
  rig.Say(Channel::kResults, Part(4, 0, "so far"));
  rig.Say(Channel::kResults, failed);
  rig.Sync();
  rig.Say(Channel::kFacts, Facts(Finalise(4)), 1);
  rig.Sync();
  EXPECT_THAT(ReadAll(rig, 1 << 20), ElementsAre("part 4 so far", "task 4 timed_out"));
}

TEST(Reads, ShowOnlyWhatIsDurable) {  // R60
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1));
  EXPECT_THAT(ReadNow(rig, 0).rows(), IsEmpty());
}

TEST(Reads, WaitForNews) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1));
  rig.Sync();
  const uint64_t cursor = ReadNow(rig, 0).next();
  rig.Say(Channel::kFacts, Read(cursor, 2'000'000), 20);
  EXPECT_THAT(rig.Replies(), IsEmpty());
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  EXPECT_THAT(rig.Replies(), IsEmpty());
  rig.Sync();
  const std::vector<pb::ReadReply> replies = rig.Replies();
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_THAT(Jot(replies[0]), ElementsAre("task 1 ok"));
}

TEST(Reads, AreAnsweredEmptyWhenTheirTimeIsUp) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Opens());
  rig.Sync();
  rig.Say(Channel::kFacts, Read(0, 300'000), 20);
  rig.Tick(Millis(299));
  EXPECT_THAT(rig.Replies(), IsEmpty());
  rig.Tick(Millis(1));
  const std::vector<pb::ReadReply> replies = rig.Replies();
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].ShortDebugString(),
            "batch: 3 next: " + std::to_string(Cursor{1, 0}.Pack()) + " request: 1");
}

TEST(Reads, SayWhenTheBatchIsClosedAndNothingFollows) {  // R77
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 2));
  rig.Say(Channel::kFacts, Facts(Sealed(2)), 1);
  rig.Sync();
  rig.Say(Channel::kFacts, Read(0, 5'000'000, 1), 20);
  EXPECT_FALSE(rig.Replies().at(0).has_closed());  // one more row follows
  rig.Sync();
  const pb::ReadReply all = ReadNow(rig, 0);
  EXPECT_THAT(Jot(all), SizeIs(2));
  EXPECT_EQ(all.closed().ShortDebugString(), "batch: 3 ok: 2");
  EXPECT_EQ(ReadNow(rig, all.next()).closed().ok(), 2u);
}

TEST(Reads, OfABatchNobodyHeardOfWaitAndThenSaySo) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kFacts, Read(0, 100'000), 20);
  EXPECT_THAT(rig.Replies(), IsEmpty());
  rig.Tick(Millis(100));
  EXPECT_THAT(rig.Replies().at(0).error(), HasSubstr("never heard of batch 3"));
}

TEST(Reads, OfABatchThatOnlyTheControllerKnowsWait) {
  Rig rig;
  rig.Join();
  rig.state().add_batches()->set_batch(kBatch);
  rig.SayState();
  const pb::ReadReply reply = ReadNow(rig, 0);
  EXPECT_EQ(reply.error(), "");
  EXPECT_EQ(reply.rows_size(), 0);
}

TEST(Reads, AskedAnewOnTheSameConnectionReplaceTheOldQuestion) {  // R79
  Rig rig;
  rig.Join();
  rig.Say(Channel::kFacts, Read(0, 5'000'000), 20);
  pb::Envelope other = Read(0, 5'000'000);
  other.mutable_read_request()->set_request(2);
  rig.Say(Channel::kFacts, other, 20);
  rig.Say(Channel::kResults, Oks(0, 1));
  rig.Sync();
  const std::vector<pb::ReadReply> replies = rig.Replies();
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].request(), 2u);
}

TEST(Reads, GoOnWhenTheirQuestionIsSaidAgain) {  // R79
  LedgerOptions options;
  options.reads.page_bytes = 1;  // a row a page
  Rig rig(options);
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  rig.Say(Channel::kResults, Oks(2, 1, ChunkId(1, 3)));
  rig.Sync();
  rig.HoldReads();
  rig.Say(Channel::kFacts, Read(0), 20);
  for (int page = 0; page < 3; ++page) {  // the reader is less patient than the disk is slow
    rig.Say(Channel::kFacts, Read(0), 20);
    rig.Say(Channel::kFacts, Read(0), 20);
    ASSERT_EQ(rig.held_reads(), 1u);
    rig.AnswerHeldRead();
  }
  const std::vector<pb::ReadReply> replies = rig.Replies();
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_THAT(Jot(replies[0]), ElementsAre("task 0 ok", "task 1 ok", "task 2 ok"));
  EXPECT_EQ(rig.Count("R79"), 6u);
}

TEST(Reads, OfAReaderThatSaysNothingForTooLongAreForgotten) {  // R79, at the limit
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1));
  rig.Sync();
  rig.HoldReads();
  rig.Say(Channel::kFacts, Read(0), 20);
  rig.Say(Channel::kFacts, Read(0), 21);
  rig.Tick(Seconds(59));
  rig.Say(Channel::kFacts, Read(0), 21);
  rig.Tick(Seconds(1));
  EXPECT_EQ(rig.Count("reader_gone"), 1u);
  rig.AnswerHeldRead();
  EXPECT_THAT(rig.Replies(), IsEmpty());
  rig.AnswerHeldRead();
  EXPECT_THAT(rig.Replies(), SizeIs(1));
}

TEST(Reads, BeyondTheLimitOfReadersAreAnsweredWithNothing) {
  LedgerOptions options;
  options.reads.readers = 1;
  Rig rig(options);
  rig.Join();
  rig.Say(Channel::kResults, Opens());
  rig.Sync();
  rig.Say(Channel::kFacts, Read(Cursor{2, 7}.Pack(), 5'000'000), 20);
  rig.Say(Channel::kFacts, Read(Cursor{2, 7}.Pack(), 5'000'000), 21);
  const std::vector<pb::ReadReply> replies = rig.Replies();
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].next(), (Cursor{2, 7}.Pack()));
  EXPECT_EQ(rig.Count("reader_refused"), 1u);
}

TEST(Reads, OfAReaderThatIsGoneAreForgotten) {
  LedgerOptions options;
  options.reads.readers = 1;
  Rig rig(options);
  rig.Join();
  rig.Say(Channel::kFacts, Read(0, 5'000'000), 20);
  rig.Give({Channel::kNet}, Undeliverable{{Channel::kFacts, 20}, true});
  rig.Say(Channel::kFacts, Read(0, 5'000'000), 21);
  EXPECT_EQ(rig.Count("reader_refused"), 0u);
}

TEST(Reads, GoOnAfterARestartWhereTheyStopped) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(4, 0, "hello "));
  rig.Say(Channel::kResults, Part(4, 1, "world"));
  rig.Say(Channel::kResults, WithLarge(4, 2));
  rig.Say(Channel::kResults, Oks(4, 3, ChunkId(1, 2)));  // task 4 is late
  rig.Sync();
  const uint64_t cursor = ReadNow(rig, 0, 1).next();
  rig.Restart();
  EXPECT_THAT(Jot(ReadNow(rig, cursor)),
              ElementsAre("part 4 world", "task 4 ok", "task 5 ok", "task 6 ok"));
}

TEST(Reads, TakeAnyCursorFromAStranger) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 2));
  rig.Sync();
  EXPECT_EQ(ReadNow(rig, UINT64_MAX).rows_size(), 0);
  EXPECT_EQ(ReadNow(rig, Cursor{1, 5000}.Pack()).rows_size(), 0);
  EXPECT_EQ(ReadNow(rig, Cursor{1, 1}.Pack()).rows_size(), 1);
}

TEST(Reads, GoOnWhereTheJournalLostARow) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  rig.Sync();
  rig.rows()[0].bytes = Frame::Own("damaged");
  EXPECT_THAT(Jot(ReadNow(rig, 0)), ElementsAre("task 1 ok"));
  EXPECT_EQ(rig.Count("bad_row"), 1u);
}

}  // namespace
}  // namespace fanmill
