// Findings: what is wrong, each as a sentence that names file, row, batch and task. Of one rule and
// batch only the first few are kept, and the rest counted: a lost file has a million of them.
#ifndef FANMILL_LIB_VERIFY_FINDINGS_H_
#define FANMILL_LIB_VERIFY_FINDINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fanmill::verify {

enum class File { kBook, kManifest, kLedger };
std::string_view FileName(File file);  // "ledger.db"

enum class Rule {
  kDamaged,      // a row is not what was written
  kUnreadable,   // a row is what was written, and no record of its file
  kGap,          // rows are missing, and nothing was forgotten that they could be of
  kLast,         // there are rows behind the last one that is remembered
  kOpened,       // a batch is opened once, before anything else
  kAppended,     // tasks are appended one behind the other, and none after the seal or the end
  kSealed,       // a batch is sealed once, at the number of its tasks
  kStray,        // a result belongs to a task that was appended
  kParts,        // all parts of a large output are there before the result that counts
  kFinalFailed,  // FINAL_FAILED is for a task without an end
  kAfterClosed,  // nothing terminal after CLOSED
  kNoEnd,        // every task of a closed batch has an end
  kClosed,       // what CLOSED says is what the rows before it come to
  kCounts,       // the files say the same
  kLost,         // what one file tells of, another one has
};
inline constexpr size_t kRules = static_cast<size_t>(Rule::kLost) + 1;
std::string_view RuleName(Rule rule);  // for programs: "final_failed"

struct Finding {
  Rule rule;
  File file;
  uint64_t row = 0;                   // its sequence; 0: of none
  uint32_t batch = 0;                 // 0: of none
  std::optional<uint64_t> task = {};  // from 0
  std::string what;                   // goes on after "ledger.db row 7, batch 3, task 5: "
};
// Tasks are counted from 1 in it, as everywhere where people read.
std::string Sentence(const Finding& finding);

class Findings {
 public:
  static constexpr uint64_t kShownMax = 5;  // of one rule in one batch

  void Add(Finding finding);

  const std::vector<Finding>& shown() const { return shown_; }
  bool empty() const { return shown_.empty(); }
  uint64_t count() const { return count_; }
  uint64_t CountOf(uint32_t batch) const;
  // How many were not kept.
  uint64_t hidden() const { return count_ - shown_.size(); }

 private:
  std::vector<Finding> shown_;
  uint64_t count_ = 0;
  std::map<std::pair<uint32_t, Rule>, uint64_t> of_rule_;
  std::map<uint32_t, uint64_t> of_batch_;
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_FINDINGS_H_
