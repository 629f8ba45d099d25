// Every rule, broken once by rows made by hand: exactly that finding, and where it is.
#include "lib/verify/proving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/verify/whole_batch.h"

namespace fanmill::verify {
namespace {

using ::testing::HasSubstr;
using ProvingTest = WholeBatch;

// R61, R62, R63, R77
TEST_F(ProvingTest, ProvesABatchWithAllThatMayHappen) { ExpectLine(kProven); }

TEST_F(ProvingTest, ResultsAfterClosedAreLate) {
  journals_.Frame(1, Journals::Results(1, {3}));
  journals_.Frame(1, Journals::Results(1, {8}, pb::FAILED));
  EXPECT_EQ(journals_.Prove().batches[0].late, 3u);
  EXPECT_TRUE(journals_.Prove().findings.empty());
}

// ---- the files as such --------------------------------------------------------------------------

TEST_F(ProvingTest, ADamagedRowIsNamed) {
  Row(File::kManifest, 1 + seal_).sound = false;  // what the ventilator kept of the end
  ExpectOne(Rule::kDamaged, File::kManifest, 1 + seal_,
            "manifest.db row 5, batch 1: it is not what");
}

TEST_F(ProvingTest, ADamagedResultLeavesItsTasksWithoutAnEnd) {
  Row(File::kLedger, results_).sound = false;
  const Proofs proofs = journals_.Prove();
  EXPECT_THAT(ToText(proofs), HasSubstr("ledger.db row 3, batch 1: it is not what was written"));
  EXPECT_THAT(ToText(proofs),
              HasSubstr("ledger.db row 9, batch 1, task 2: CLOSED as done, and this "
                        "task and 6 more have no end before it"));
  EXPECT_EQ(proofs.findings.count(), 2u);
}

TEST_F(ProvingTest, ARowOfNothingIsNamed) {
  Row(File::kBook, 3).bytes = "\xff\xff";
  ExpectOne(Rule::kUnreadable, File::kBook, 3, "its bytes are no record");
}

TEST_F(ProvingTest, ARowOfAnotherBatchIsNamed) {
  pb::Envelope late = Journals::Results(2, {0});
  const uint64_t row = journals_.Frame(1, late);
  ExpectOne(Rule::kUnreadable, File::kLedger, row, "it has results of another batch");
}

TEST_F(ProvingTest, AMissingRowIsNamed) {
  journals_.rows[File::kLedger].erase(begin_);
  ExpectOne(Rule::kGap, File::kLedger, begin_, "ledger.db row 2: it is missing (2)");
}

TEST_F(ProvingTest, OnlyTheFirstGapsAreNamed) {
  for (int i = 0; i < 6; ++i) {
    journals_.last[File::kBook] += 2;
    journals_.rows[File::kBook][journals_.last[File::kBook]] = Row(File::kBook, 1);
  }
  ExpectOne(Rule::kGap, File::kBook, 5, "rows are missing (5, 7, 9, 11, 13, ...), and no batch");
}

TEST_F(ProvingTest, ALostEndOfTheFileIsNamed) {
  journals_.last[File::kBook] += 3;
  ExpectOne(Rule::kGap, File::kBook, 5, "rows are missing (5..7)");
}

TEST_F(ProvingTest, ARowBehindTheLastOneIsNamed) {
  --journals_.last[File::kManifest];
  ExpectOne(Rule::kLast, File::kManifest, 5, "the file remembers row 4 as its last one");
}

// ---- the manifest -------------------------------------------------------------------------------

TEST_F(ProvingTest, ABatchIsOpenedOnce) {
  const uint64_t row = journals_.Open(1);
  ExpectOne(Rule::kOpened, File::kManifest, row, "it opens the batch a second time");
}

TEST_F(ProvingTest, ABatchIsOpenedFirst) {
  pb::ManifestRecord started;
  started.set_batch(1);
  started.set_started(1);
  Replace(File::kManifest, 1, started);
  ExpectOne(Rule::kOpened, File::kManifest, 1, "was not opened before it");
}

// R81
TEST_F(ProvingTest, TasksAreAppendedOneBehindTheOther) {
  pb::ManifestRecord append;
  append.set_batch(1);
  append.mutable_appended()->set_batch(1);
  append.mutable_appended()->set_count(5);
  Replace(File::kManifest, append_, append);
  ExpectOne(Rule::kAppended, File::kManifest, append_ + 1,
            "it appends tasks from 7 on, and the rows before it end with task 5");
}

// R83
TEST_F(ProvingTest, NothingIsAppendedAfterTheSeal) {
  const uint64_t row = journals_.Append(1, 10, 1);
  ExpectOne(Rule::kAppended, File::kManifest, row, "after row 4, which seals");
}

// R83
TEST_F(ProvingTest, ABatchIsSealedAtTheNumberOfItsTasks) {
  pb::ManifestRecord seal;
  seal.set_batch(1);
  seal.mutable_sealed()->set_batch(1);
  seal.mutable_sealed()->set_tasks(11);
  Replace(File::kManifest, seal_, seal);
  ExpectOne(Rule::kSealed, File::kManifest, seal_, "at 11 tasks, and 10 were appended");
}

TEST_F(ProvingTest, TheManifestKnowsTheSameEnd) {
  pb::ManifestRecord record;
  record.set_batch(1);
  *record.mutable_closed() = Journals::Closed(1, 10, 0);
  Replace(File::kManifest, 5, record);
  ExpectOne(Rule::kCounts, File::kManifest, 5, "it says done with 10 ok, 0 failed, 0 cancelled");
}

// ---- the ledger ---------------------------------------------------------------------------------

TEST_F(ProvingTest, AResultIsOfATaskThatWasAppended) {
  const uint64_t row = journals_.Frame(1, Journals::Results(1, {9, 10}));
  ExpectOne(Rule::kStray, File::kLedger, row, "task 11: there is no such task: 10 were appended",
            10);
}

TEST_F(ProvingTest, WithoutTheManifestTheSealTellsOfStrayResults) {
  Replace(File::kLedger, results_, Journals::Results(1, {0, 1, 2, 3, 4, 5, 6, 7, 12}));
  journals_.Forget(File::kManifest, 1);
  const Proofs proofs = journals_.Prove();
  EXPECT_EQ(proofs.findings.shown()[0].rule, Rule::kStray);
  EXPECT_EQ(proofs.findings.shown()[0].task, 12u);
}

// R63
TEST_F(ProvingTest, FinalFailedIsForATaskWithoutAnOk) {
  Row(File::kLedger, last_result_ - 2).bytes = Row(File::kLedger, final_failed_).bytes;
  pb::LedgerRecord again;
  *again.mutable_final_failed() = [] {
    pb::AttemptFailure failure;
    failure.set_batch(1);
    failure.set_task(0);
    failure.set_attempt(1);
    failure.set_status(pb::LOST);
    return failure;
  }();
  Row(File::kLedger, last_result_ - 2).is_frame = false;
  Replace(File::kLedger, final_failed_, again);
  ExpectOne(Rule::kFinalFailed, File::kLedger, final_failed_,
            "task 1: FINAL_FAILED, though it had ended OK before", 0);
}

// R63
TEST_F(ProvingTest, FinalFailedComesOnce) {
  Row(File::kLedger, final_failed_ - 1) = Row(File::kLedger, final_failed_);
  ExpectOne(Rule::kFinalFailed, File::kLedger, final_failed_, "FINAL_FAILED a second time", 8);
}

// R77
TEST_F(ProvingTest, NothingTerminalComesAfterClosed) {
  const uint64_t row = journals_.FinalFailed(1, 3);
  ExpectOne(Rule::kAfterClosed, File::kLedger, row, "FINAL_FAILED after row 9, which closes", 3);
}

TEST_F(ProvingTest, ABatchIsClosedOnce) {
  const uint64_t row = journals_.Close(closed_);
  ExpectOne(Rule::kAfterClosed, File::kLedger, row, "CLOSED a second time, after row 9");
}

TEST_F(ProvingTest, ASealIsNotTakenBack) {
  const uint64_t row = journals_.SealInLedger(1, 11);
  ExpectOne(Rule::kSealed, File::kLedger, row, "at 11 tasks, and row 4 did at 10");
}

TEST_F(ProvingTest, EveryTaskOfADoneBatchHasAnEnd) {
  Replace(File::kLedger, last_result_, Journals::Results(1, {8}));
  ExpectOne(Rule::kNoEnd, File::kLedger, close_,
            "task 10: CLOSED as done, and this task has no end", 9);
}

TEST_F(ProvingTest, ClosedSaysWhatTheRowsComeTo) {
  ReplaceClosed(Journals::Closed(1, 10, 0));
  ExpectOne(Rule::kClosed, File::kLedger, close_,
            "CLOSED says 10 ok and 0 failed and 0 cancelled, and the rows before it give 9 ok");
}

TEST_F(ProvingTest, ADoneBatchWasSealed) {
  Replace(File::kLedger, ledger_seal_, Journals::Results(1, {0}));
  Row(File::kLedger, ledger_seal_).is_frame = true;
  ExpectOne(Rule::kClosed, File::kLedger, close_, "no seal stands before it");
}

// ---- the files together -------------------------------------------------------------------------

TEST_F(ProvingTest, LedgerAndManifestHaveTheSameTasks) {
  for (const File file : {File::kManifest}) {
    journals_.rows[file].erase(seal_);
    pb::ManifestRecord started;
    started.set_batch(1);
    started.set_started(1);
    journals_.rows[file][seal_] = {1, false, true, started.SerializeAsString()};
  }
  ExpectOne(Rule::kCounts, File::kLedger, ledger_seal_, "and in manifest.db not at all");
}

// R97
TEST_F(ProvingTest, AReportStands) {
  const uint64_t row = journals_.Report(Journals::Closed(1, 8, 2), 10, true);
  ExpectOne(Rule::kCounts, File::kBook, row, "it reports another end of the batch than row 3");
}

TEST_F(ProvingTest, TheReportIsOfWhatTheLedgerComesTo) {
  journals_.rows[File::kBook].erase(3);
  journals_.rows[File::kBook].erase(4);
  journals_.last[File::kBook] = 2;
  journals_.Report(Journals::Closed(1, 8, 2), 10, true);
  ExpectOne(
      Rule::kCounts, File::kBook, 3,
      "it reports done with 8 ok, 2 failed, 0 cancelled, and ledger.db comes to done with 9 ok");
}

TEST_F(ProvingTest, TheReportsPhaseIsThatOfItsNumbers) {
  journals_.rows[File::kBook].erase(4);
  journals_.last[File::kBook] = 3;
  pb::BookRecord record;
  ASSERT_TRUE(record.ParseFromString(Row(File::kBook, 3).bytes));
  record.mutable_report()->set_phase(pb::DONE);
  Replace(File::kBook, 3, record);
  ExpectOne(Rule::kCounts, File::kBook, 3, "it calls the batch done");
}

TEST_F(ProvingTest, AnEndThatTheLedgerDoesNotHaveIsMissed) {
  journals_.rows[File::kLedger].clear();
  journals_.last[File::kLedger] = 0;
  ExpectOne(Rule::kLost, File::kLedger, 0, "there is no CLOSED of it, though row 3 of book.db");
}

TEST_F(ProvingTest, TasksThatWereNeverInTheManifestAreMissed) {
  journals_.rows[File::kManifest].clear();
  journals_.last[File::kManifest] = 0;
  ExpectOne(Rule::kLost, File::kManifest, 0, "nor were they forgotten: no row is missing");
}

TEST_F(ProvingTest, TasksOfALiveBatchAreMissed) {
  journals_.Forget(File::kManifest, 1);
  journals_.rows[File::kBook].clear();
  journals_.last[File::kBook] = 0;
  journals_.rows[File::kLedger].erase(close_);
  --journals_.last[File::kLedger];
  ExpectOne(Rule::kLost, File::kManifest, 0, "its tasks are not there, and it has not ended");
}

}  // namespace
}  // namespace fanmill::verify
