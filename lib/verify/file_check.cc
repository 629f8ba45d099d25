#include "lib/verify/file_check.h"

#include "absl/strings/str_cat.h"

namespace fanmill::verify {
namespace {

constexpr size_t kGapsShownMax = 5;

}  // namespace

bool FileCheck::Take(const Row& row, Findings& findings) {
  Skip(next_, row.sequence);
  next_ = row.sequence + 1;
  if (!row.sound) {
    findings.Add({.rule = Rule::kDamaged,
                  .file = file_,
                  .row = row.sequence,
                  .batch = row.batch,
                  .what = "it is not what was written: its checksum is another"});
    return false;
  }
  batches_.insert(row.batch);
  return true;
}

void FileCheck::Skip(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  missing_ += end - begin;
  if (gaps_.size() < kGapsShownMax) {
    gaps_.emplace_back(begin, end);
  } else {
    more_gaps_ = true;
  }
}

void FileCheck::End(uint64_t last) {
  last_ = last;
  if (next_ > last + 1) beyond_ = next_ - 1;
  Skip(next_, last + 1);
}

void FileCheck::JudgeGaps(bool forgot, Findings& findings) const {
  if (beyond_ != 0) {
    findings.Add({.rule = Rule::kLast,
                  .file = file_,
                  .row = beyond_,
                  .what = absl::StrCat("the file remembers row ", last_, " as its last one")});
  }
  if (missing_ == 0 || forgot) return;
  std::string rows;
  for (const auto& [begin, end] : gaps_) {
    absl::StrAppend(&rows, rows.empty() ? "" : ", ", begin);
    if (end - begin > 1) absl::StrAppend(&rows, "..", end - 1);
  }
  findings.Add(
      {.rule = Rule::kGap,
       .file = file_,
       .row = gaps_.front().first,
       .what = absl::StrCat(missing_ == 1 ? "it is missing (" : "rows are missing (", rows,
                            more_gaps_ ? ", ..." : "", "), and no batch was forgotten that ",
                            missing_ == 1 ? "it" : "they", " could be of")});
}

}  // namespace fanmill::verify
