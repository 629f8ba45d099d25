// R105: a reader who is the only one gives up what it has read, row by row, and nothing before
// everybody who refers to a row had what stands in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sink/rig.h"

namespace fanmill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What the ledger made its journal forget for the question, and its answer.
struct Answered {
  std::vector<std::string> forgotten;
  pb::ReadReply reply;
};

Answered Ask(Rig& rig, const pb::Envelope& read) {
  rig.Sent();
  rig.Say(Channel::kFacts, read, 20);
  Answered answered;
  const std::vector<pb::ReadReply> replies = rig.Replies();
  if (!replies.empty()) answered.reply = replies.back();
  return answered;
}

std::vector<std::string> ForgottenBy(Rig& rig, uint64_t cursor) {
  rig.Sent();
  rig.Say(Channel::kFacts, Releasing(Read(cursor)), 20);
  std::vector<std::string> forgotten;
  for (const std::string& sent : rig.Sent()) {
    if (sent.starts_with("forget")) forgotten.push_back(sent);
  }
  return forgotten;
}

uint64_t RowsNow(const Rig& rig) { return const_cast<Rig&>(rig).rows().size(); }

std::string Forget(std::initializer_list<uint64_t> rows) {
  std::string text = "forget " + std::to_string(kBatch);
  for (const uint64_t row : rows) text += " " + std::to_string(row);
  return text;
}

TEST(Releases, LetGoOfRowsOnlyWhenTheReaderAsksFromBehindThem) {  // R105
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 2, ChunkId(1, 1)));
  rig.Sync();
  const uint64_t row = RowsNow(rig);
  const Answered first = Ask(rig, Releasing(Read(0)));
  EXPECT_THAT(Jot(first.reply), ElementsAre("task 0 ok", "task 1 ok"));
  EXPECT_THAT(ForgottenBy(rig, 0), IsEmpty()) << "the answer was lost, and is asked for again";
  EXPECT_THAT(ForgottenBy(rig, first.reply.next()), ElementsAre(Forget({row})));
  EXPECT_THAT(ForgottenBy(rig, first.reply.next()), IsEmpty()) << "once is enough";
}

TEST(Releases, KeepARowOfWhichTheReaderHadAPart) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 2));
  rig.Sync();
  const uint64_t row = RowsNow(rig);
  const Answered first = Ask(rig, Releasing(Read(0, 0, 1)));
  EXPECT_THAT(Jot(first.reply), ElementsAre("task 0 ok"));
  const Answered second = Ask(rig, Releasing(Read(first.reply.next(), 0, 1)));
  EXPECT_THAT(Jot(second.reply), ElementsAre("task 1 ok"));
  EXPECT_THAT(ForgottenBy(rig, second.reply.next()), ElementsAre(Forget({row})));
}

TEST(Releases, KeepPartsUntilTheResultThatClaimsThemIsRead) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Part(0, 0, "abc", ChunkId(1, 1)));
  rig.Sync();
  const uint64_t part = RowsNow(rig);
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  rig.Sync();
  const uint64_t other = RowsNow(rig);
  const Answered first = Ask(rig, Releasing(Read(0)));
  EXPECT_THAT(Jot(first.reply), ElementsAre("task 1 ok"));
  EXPECT_THAT(ForgottenBy(rig, first.reply.next()), ElementsAre(Forget({other})));

  rig.Say(Channel::kResults, WithLarge(0, 1, ChunkId(1, 1)));
  rig.Sync();
  const uint64_t claim = RowsNow(rig);
  const Answered second = Ask(rig, Releasing(Read(first.reply.next())));
  EXPECT_THAT(Jot(second.reply), ElementsAre("part 0 abc", "task 0 ok"));
  EXPECT_THAT(ForgottenBy(rig, second.reply.next()), ElementsAre(Forget({part, claim})));
}

TEST(Releases, KeepAFailedAttemptUntilItsVerdictIsRead) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Failed(0, 1, ChunkId(1, 1)));
  rig.Say(Channel::kResults, Oks(1, 1, ChunkId(1, 2)));
  rig.Sync();
  const uint64_t last = RowsNow(rig);
  const Answered first = Ask(rig, Releasing(Read(0)));
  EXPECT_THAT(Jot(first.reply), ElementsAre("task 1 ok"));
  EXPECT_THAT(ForgottenBy(rig, first.reply.next()), ElementsAre(Forget({last})));

  rig.Say(Channel::kFacts, Facts(Finalise(0)), 10);
  rig.Sync();
  const uint64_t verdict = RowsNow(rig);
  const Answered second = Ask(rig, Releasing(Read(first.reply.next())));
  EXPECT_THAT(Jot(second.reply), ElementsAre("task 0 failed 9 err=alas!"));
  EXPECT_THAT(ForgottenBy(rig, second.reply.next()), ElementsAre(Forget({last - 1, verdict})));
}

TEST(Releases, AreToldToWhoeverReadsFromTheBeginningAgain) {
  Rig rig;
  rig.Join();
  rig.Say(Channel::kResults, Oks(0, 1));
  rig.Sync();
  const Answered first = Ask(rig, Releasing(Read(0)));
  rig.Say(Channel::kFacts, Releasing(Read(first.reply.next())), 20);
  EXPECT_THAT(Ask(rig, Read(0)).reply.error(), HasSubstr("let go"));
  EXPECT_THAT(Ask(rig, Read(first.reply.next())).reply.error(), IsEmpty());
}

}  // namespace
}  // namespace fanmill
