#include "lib/verify/book_check.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fanmill::verify {
namespace {

void Tell(Rule rule, const Row& row, std::string what, Findings& findings) {
  findings.Add({.rule = rule,
                .file = File::kBook,
                .row = row.sequence,
                .batch = row.batch,
                .what = std::move(what)});
}

// Why it is no row of a book; null: it is one.
const char* WhyUnreadable(const Row& row, pb::BookRecord& record) {
  if (row.is_frame) return "a message stands where a record of the controller should";
  if (!record.ParseFromArray(row.bytes.data(), static_cast<int>(row.bytes.size()))) {
    return "its bytes are no record";
  }
  switch (record.fact_case()) {
    case pb::BookRecord::FACT_NOT_SET:
      return "it tells of nothing that this version knows";
    case pb::BookRecord::kBatch:
      return record.batch().batch() == row.batch ? nullptr : "it is a wish for another batch";
    case pb::BookRecord::kReport:
      return record.report().batch() == row.batch ? nullptr : "it is the report of another batch";
    default:
      return nullptr;
  }
}

bool IsTheSame(const pb::BatchSummary& a, const pb::BatchSummary& b) {
  return a.ok() == b.ok() && a.failed() == b.failed() &&
         a.cancelled_tasks() == b.cancelled_tasks() && a.cancelled() == b.cancelled();
}

}  // namespace

const BookBatch* BookCheck::Find(uint32_t batch) const {
  const auto found = batches_.find(batch);
  return found == batches_.end() ? nullptr : &found->second;
}

void BookCheck::Take(const Row& row, Findings& findings) {
  if (const char* why = WhyUnreadable(row, record_)) {
    return Tell(Rule::kUnreadable, row, why, findings);
  }
  if (record_.has_batch()) batches_.try_emplace(row.batch);
  if (record_.has_report()) Report(row, findings);
}

// R97
void BookCheck::Report(const Row& row, Findings& findings) {
  const pb::BatchReport& report = record_.report();
  BookBatch& batch = batches_[row.batch];
  if (batch.report_row == 0) {
    batch.report_row = row.sequence;
    batch.phase = report.phase();
    if (!wanted_.Has(row.batch)) return;
    batch.summary.set_tasks(report.summary().tasks());
    batch.summary.set_ok(report.summary().ok());
    batch.summary.set_failed(report.summary().failed());
    batch.summary.set_cancelled(report.summary().cancelled());
    batch.summary.set_cancelled_tasks(report.summary().cancelled_tasks());
    return;
  }
  if (!wanted_.Has(row.batch)) return;
  if (IsTheSame(report.summary(), batch.summary) && report.phase() == batch.phase) return;
  Tell(Rule::kCounts, row,
       absl::StrCat("it reports another end of the batch than row ", batch.report_row), findings);
}

}  // namespace fanmill::verify
