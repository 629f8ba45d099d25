// The batch that most tests of the rules break: a fixture, so that each begins with it whole.
#ifndef FANMILL_TESTS_VERIFY_WHOLE_BATCH_H_
#define FANMILL_TESTS_VERIFY_WHOLE_BATCH_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/verify/journals.h"

namespace fanmill::verify {

// A batch of ten tasks: 1 to 8 are ok, 9 failed twice and is FINAL_FAILED, 10 failed once and was
// ok then, and 1 came again.
class WholeBatch : public ::testing::Test {
 protected:
  void SetUp() override {
    pb::LedgerRecord epoch;
    epoch.set_ventilator_epoch(1);
    journals_.Write(File::kLedger, 0, epoch.SerializeAsString());
    pb::BookRecord pinned;
    pinned.mutable_pinned()->set_directory(7);
    journals_.Write(File::kBook, 0, pinned.SerializeAsString());
    journals_.Started(1);
    journals_.Open(1);
    append_ = journals_.Append(1, 0, 6);
    journals_.Append(1, 6, 4);
    seal_ = journals_.Seal(1, 10);
    begin_ = journals_.Begin(1);
    results_ = journals_.Frame(1, Journals::Results(1, {0, 1, 2, 3, 4, 5, 6, 7}));
    ledger_seal_ = journals_.SealInLedger(1, 10);
    journals_.Frame(1, Journals::Results(1, {8, 9}, pb::FAILED));
    journals_.Frame(1, Journals::Results(1, {0}));
    final_failed_ = journals_.FinalFailed(1, 8);
    last_result_ = journals_.Frame(1, Journals::Results(1, {9}));
    close_ = journals_.Close(closed_);
    journals_.Tell(closed_, 10);
  }

  Journals::Kept& Row(File file, uint64_t row) { return journals_.rows[file].at(row); }
  void Replace(File file, uint64_t row, const google::protobuf::MessageLite& message) {
    Row(file, row).bytes = message.SerializeAsString();
  }
  void ReplaceClosed(const pb::BatchClosed& closed) {
    pb::LedgerRecord record;
    *record.mutable_closed() = closed;
    Replace(File::kLedger, close_, record);
  }
  // There is one finding, of this rule, there; the batch is wrong if it is of one.
  void ExpectOne(Rule rule, File file, uint64_t row, const std::string& what,
                 std::optional<uint64_t> task = {}) {
    const Proofs proofs = journals_.Prove();
    ASSERT_EQ(proofs.findings.count(), 1u) << ToText(proofs);
    const Finding& finding = proofs.findings.shown()[0];
    EXPECT_EQ(finding.rule, rule) << RuleName(finding.rule) << " " << Sentence(finding);
    EXPECT_EQ(finding.file, file);
    EXPECT_EQ(finding.row, row);
    EXPECT_EQ(finding.task, task);
    EXPECT_THAT(Sentence(finding), ::testing::HasSubstr(what));
    ASSERT_EQ(proofs.batches.size(), 1u);
    EXPECT_EQ(proofs.batches[0].verdict == Verdict::kWrong, finding.batch == 1);
  }
  void ExpectLine(const std::string& line) { EXPECT_EQ(ToText(journals_.Prove()), line + "\n"); }

  Journals journals_;
  const pb::BatchClosed closed_ = Journals::Closed(1, 9, 1);
  uint64_t append_, seal_, begin_, results_, ledger_seal_, final_failed_, last_result_, close_;
};

inline constexpr char kProven[] =
    "batch 1: proven: 10 tasks, each with one end (9 ok, 1 failed, 0 cancelled); 1 late result "
    "counts for nothing";

}  // namespace fanmill::verify

#endif  // FANMILL_TESTS_VERIFY_WHOLE_BATCH_H_
