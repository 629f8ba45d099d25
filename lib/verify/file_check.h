// FileCheck: what holds of the rows of any journal, whatever they say: each is what was written,
// and none is missing but for those of whole batches that were forgotten. Which these were no file
// says; so it is told at the end whether there are any.
#ifndef FANMILL_LIB_VERIFY_FILE_CHECK_H_
#define FANMILL_LIB_VERIFY_FILE_CHECK_H_

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/verify/findings.h"
#include "lib/verify/row.h"

namespace fanmill::verify {

class FileCheck {
 public:
  explicit FileCheck(File file) : file_(file) {}

  // In ascending order. False: it is damaged, and nothing in it counts.
  bool Take(const Row& row, Findings& findings);
  // `last`: the sequence of the last row that was ever written, as the file remembers it.
  void End(uint64_t last);
  // REQUIRES: after End. `forgot`: batches are known whose rows went on purpose.
  void JudgeGaps(bool forgot, Findings& findings) const;

  // Batches of which there are rows. Those of no batch are batch 0's.
  const std::set<uint32_t>& batches() const { return batches_; }
  uint64_t missing() const { return missing_; }  // rows; REQUIRES: after End

 private:
  void Skip(uint64_t begin, uint64_t end);

  File file_;
  std::set<uint32_t> batches_;
  uint64_t next_ = 1;
  uint64_t beyond_ = 0;  // the highest row, when it lies behind the last one
  uint64_t last_ = 0;
  uint64_t missing_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> gaps_;  // the first of them: [begin, end)
  bool more_gaps_ = false;
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_FILE_CHECK_H_
