// What is told of batches: those that live, were cancelled or were forgotten, and large outputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lib/verify/proving.h"
#include "tests/verify/whole_batch.h"

namespace fanmill::verify {
namespace {

using ::testing::HasSubstr;
using EndsTest = WholeBatch;

// ---- what is left of a batch --------------------------------------------------------------------

// R95
TEST_F(EndsTest, ABatchThatTheManifestForgotIsProvenByTheOthers) {
  journals_.Forget(File::kManifest, 1);
  ExpectLine(std::string(kProven) +
             "; by ledger and book alone: its tasks are no longer in the manifest");
}

// R68
TEST_F(EndsTest, OfABatchThatTheLedgerForgotTheReportIsLeft) {
  journals_.Forget(File::kManifest, 1);
  journals_.Forget(File::kLedger, 1);
  const char* left =
      "batch 1: ended, and can no longer be proven: its results were dropped to make room; the "
      "book "
      "has 9 ok, 1 failed, 0 cancelled";
  ExpectLine(left);
  journals_.Frame(1, Journals::Results(1, {3}));  // a restarted sink knows nothing of it, and takes
  journals_.Close(Journals::Closed(1, 1, 0, 0, true));  // what comes late for a batch of its own
  ExpectLine(left);
}

TEST_F(EndsTest, ALiveBatchIsToldAsSuch) {
  journals_.Open(2);
  ExpectLine(
      std::string(kProven) +
      "\nbatch 2: not ended yet: 0 tasks appended (and not sealed), 0 ok, 0 failed; nothing is "
      "wrong so far");
  journals_.Append(2, 0, 3);
  journals_.Seal(2, 3);
  journals_.Begin(2);
  journals_.Frame(2, Journals::Results(2, {1}));
  ExpectLine(std::string(kProven) +
             "\nbatch 2: not ended yet: 3 tasks appended, 1 ok, 0 failed; nothing is wrong so far");
  journals_.SealInLedger(2, 3);
  journals_.Frame(2, Journals::Results(2, {0, 2}));
  journals_.Close(Journals::Closed(2, 3, 0));
  ExpectLine(
      std::string(kProven) +
      "\nbatch 2: closed (3 ok, 0 failed, 0 cancelled), and the book has no report of it yet; "
      "nothing is wrong so far");
}

TEST_F(EndsTest, ABatchOfNoTasksIsProven) {
  journals_.Open(2);
  journals_.Seal(2, 0);
  journals_.Begin(2);
  journals_.SealInLedger(2, 0);
  journals_.Close(Journals::Closed(2, 0, 0));
  journals_.Tell(Journals::Closed(2, 0, 0), 0);
  EXPECT_THAT(ToText(journals_.Prove({{2}})), HasSubstr("batch 2: proven: 0 tasks"));
}

// ---- cancelled batches --------------------------------------------------------------------------

class CancelledTest : public WholeBatch {
 protected:
  // Ten tasks, not sealed; two had ended when the cancel came, a third while it was written.
  void SetUp() override {
    journals_.Open(1);
    journals_.Append(1, 0, 10);
    journals_.Begin(1);
    journals_.Frame(1, Journals::Results(1, {4, 7}));
    journals_.Frame(1, Journals::Results(1, {5}));
    close_ = journals_.Close(Journals::Closed(1, 2, 0, 8, true));
    journals_.Tell(Journals::Closed(1, 3, 0, 7, true), 0);
  }
};

// R77
TEST_F(CancelledTest, WhatHasNoEndIsCancelled) {
  ExpectLine("batch 1: proven: 10 tasks, each with one end (3 ok, 0 failed, 7 cancelled)");
}

TEST_F(CancelledTest, ClosedDoesNotSayMoreThanTheRows) {
  ReplaceClosed(Journals::Closed(1, 4, 0, 6, true));
  ExpectOne(Rule::kClosed, File::kLedger, close_, "CLOSED says 4 ok and 0 failed, and the rows");
}

TEST_F(CancelledTest, ClosedCoversAllThatWasAppended) {
  ReplaceClosed(Journals::Closed(1, 2, 0, 7, true));
  journals_.Forget(File::kBook, 1);
  journals_.Forget(File::kManifest, 1);
  journals_.last[File::kBook] = journals_.last[File::kManifest] = 0;
  journals_.Open(1);
  journals_.Append(1, 0, 10);
  ExpectOne(Rule::kCounts, File::kLedger, close_,
            "CLOSED adds up to 9 tasks, and 10 were appended");
}

TEST_F(CancelledTest, ClosedAddsUpToTheSeal) {
  pb::LedgerRecord seal;
  seal.mutable_sealed()->set_batch(1);
  seal.mutable_sealed()->set_tasks(9);
  Replace(File::kLedger, 1, seal);
  const Proofs proofs = journals_.Prove();
  EXPECT_EQ(proofs.findings.shown()[0].rule, Rule::kClosed);
  EXPECT_THAT(ToText(proofs), HasSubstr("CLOSED adds up to 10 tasks, and the rows before it have a "
                                        "seal at 9"));
}

// ---- large outputs ------------------------------------------------------------------------------

class LargeTest : public WholeBatch {
 protected:
  // Two tasks; the stdout of the first came in two parts.
  void SetUp() override {
    journals_.Open(1);
    journals_.Append(1, 0, 2);
    journals_.Seal(1, 2);
    journals_.Begin(1);
    journals_.SealInLedger(1, 2);
    journals_.Frame(1, Journals::Part(1, 0, 0, "0123456789"));
    part_ = journals_.Frame(1, Journals::Part(1, 0, 1, "abc"));
    pb::Envelope result = Journals::Results(1, {0});
    pb::LargeOutput& large = *result.mutable_results()->add_large();
    large.set_task(0);
    large.set_stream(1);
    large.set_size(13);
    large.set_parts(2);
    result_ = journals_.Frame(1, result);
    journals_.Frame(1, Journals::Results(1, {1}));
    close_ = journals_.Close(Journals::Closed(1, 2, 0));
    journals_.Tell(Journals::Closed(1, 2, 0), 2);
  }
  uint64_t part_, result_;
};

// R64
TEST_F(LargeTest, IsProvenWithItsParts) {
  ExpectLine("batch 1: proven: 2 tasks, each with one end (2 ok, 0 failed, 0 cancelled)");
}

// R64
TEST_F(LargeTest, AMissingPartIsNamed) {
  Replace(File::kLedger, part_, Journals::Part(1, 1, 1, "abc"));
  ExpectOne(
      Rule::kParts, File::kLedger, close_,
      "task 1: CLOSED as done, and the only result of this one, in row 5, has no part 2 of 2 of "
      "its stdout",
      0);
}

// R64: a sink keeps none above the limit, so it has not come.
TEST_F(LargeTest, APartBeyondTheLastThatThereCanBeIsNone) {
  Replace(File::kLedger, part_, Journals::Part(1, 0, 16384, "abc"));
  ExpectOne(Rule::kParts, File::kLedger, close_, "has no part 2 of 2 of its stdout", 0);
}

// R64: it came again, whole.
TEST_F(LargeTest, AResultBeforeItsPartsCountsForNothing) {
  std::swap(Row(File::kLedger, part_), Row(File::kLedger, result_));
  journals_.rows[File::kLedger].erase(close_);
  journals_.last[File::kLedger] = close_ - 1;
  journals_.Frame(1, [this] {
    pb::Envelope result;
    EXPECT_TRUE(result.ParseFromString(Row(File::kLedger, part_).bytes));
    return result;
  }());
  journals_.Close(Journals::Closed(1, 2, 0));
  EXPECT_TRUE(journals_.Prove().findings.empty()) << ToText(journals_.Prove());
}

TEST_F(LargeTest, PartsAddUpToItsSize) {
  Replace(File::kLedger, part_, Journals::Part(1, 0, 1, "ab"));
  ExpectOne(Rule::kParts, File::kLedger, result_, "its stdout has 13 bytes, and the parts of it 12",
            0);
}

// ---- what is told -------------------------------------------------------------------------------

TEST_F(EndsTest, OnlyTheFirstFindingsOfAKindAreTold) {
  for (int i = 0; i < 9; ++i) journals_.FinalFailed(1, 3);
  const Proofs proofs = journals_.Prove();
  EXPECT_EQ(proofs.findings.shown().size(), Findings::kShownMax);
  EXPECT_EQ(proofs.findings.CountOf(1), 9u);
  EXPECT_THAT(ToText(proofs), HasSubstr("and 4 more like these\nbatch 1: WRONG: 9 findings"));
}

TEST_F(EndsTest, ProgramsAreToldTheSame) {
  const uint64_t row = journals_.FinalFailed(1, 3);
  const nlohmann::json json = nlohmann::json::parse(ToJson(journals_.Prove()));
  EXPECT_EQ(json["schema"], "fanmill.verify/1");
  EXPECT_EQ(json["sound"], false);
  EXPECT_EQ(json["batches"][0]["verdict"], "wrong");
  EXPECT_EQ(json["batches"][0]["tasks"], 10);
  EXPECT_EQ(json["findings"][0]["rule"], "after_closed");
  EXPECT_EQ(json["findings"][0]["file"], "ledger.db");
  EXPECT_EQ(json["findings"][0]["row"], row);
  EXPECT_EQ(json["findings"][0]["task"], 4) << "people count from 1";
}

TEST_F(EndsTest, OnlyWhatIsWantedIsLookedInto) {
  journals_.Open(2);
  journals_.Seal(2, 3);  // and nothing appended
  EXPECT_TRUE(journals_.Prove({{1}}).findings.empty());
  EXPECT_EQ(journals_.Prove({{2}}).findings.count(), 1u);
  EXPECT_EQ(journals_.Prove({{2}}).batches.size(), 1u);
}

}  // namespace
}  // namespace fanmill::verify
