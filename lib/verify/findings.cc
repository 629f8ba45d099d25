#include "lib/verify/findings.h"

#include "absl/strings/str_cat.h"

namespace fanmill::verify {

std::string_view FileName(File file) {
  switch (file) {
    case File::kBook:
      return "book.db";
    case File::kManifest:
      return "manifest.db";
    case File::kLedger:
      return "ledger.db";
  }
  return "";
}

std::string_view RuleName(Rule rule) {
  static constexpr std::string_view kNames[kRules] = {
      "damaged", "unreadable",   "gap",          "last",   "opened", "appended", "sealed", "stray",
      "parts",   "final_failed", "after_closed", "no_end", "closed", "counts",   "lost"};
  return kNames[static_cast<size_t>(rule)];
}

std::string Sentence(const Finding& finding) {
  std::string text(FileName(finding.file));
  if (finding.row != 0) absl::StrAppend(&text, " row ", finding.row);
  if (finding.batch != 0) absl::StrAppend(&text, ", batch ", finding.batch);
  if (finding.task.has_value()) absl::StrAppend(&text, ", task ", *finding.task + 1);
  return absl::StrCat(text, ": ", finding.what);
}

void Findings::Add(Finding finding) {
  ++count_;
  ++of_batch_[finding.batch];
  if (++of_rule_[{finding.batch, finding.rule}] > kShownMax) return;
  shown_.push_back(std::move(finding));
}

uint64_t Findings::CountOf(uint32_t batch) const {
  const auto found = of_batch_.find(batch);
  return found == of_batch_.end() ? 0 : found->second;
}

}  // namespace fanmill::verify
