// Releases: which rows of a batch its reader will never need again, when it is the only one and
// says so. A row is spent once the reader has had everything that stands in it: its own ends, and
// the outputs and failed attempts that later rows refer to. It is let go when the reader asks on
// from behind it, for until then the answer may be lost and the question come again.
//
// Kept to the end of the batch, for there are few of them: rows with a failed attempt of a task
// that ended well at a later one, and parts of outputs that nobody claimed.
#ifndef FANMILL_SINK_RELEASES_H_
#define FANMILL_SINK_RELEASES_H_

#include <cstdint>
#include <map>
#include <vector>

#include "sink/batch_fold.h"
#include "sink/commit.h"
#include "sink/row_items.h"

namespace fanmill {

class Releases {
 public:
  // Of the answer that is being made: the reader has all items of the row, or the one whose bytes
  // stand in another row.
  void Passed(const LedgerRow& row, const BatchFold& fold);
  void Used(const RowItem& item);
  // The answer goes out, and ends before `cursor`.
  void Answered(uint64_t cursor) { answered_ = cursor; }

  // The reader asks from `cursor` on: the rows to let go now. From before the end of the answer: it
  // did not get that one.
  std::vector<uint64_t> AskedFrom(uint64_t cursor);
  // The highest row that was let go.
  uint64_t gone() const { return gone_; }

 private:
  struct Step {
    enum { kPassed, kPartUsed, kFailureUsed } what;
    uint64_t row;
    uint32_t failures = 0;  // kPassed: that a verdict may still refer to
  };
  bool IsSpent(const Step& step);

  std::vector<Step> steps_;  // of the last answer
  uint64_t answered_ = 0;
  std::map<uint64_t, uint32_t> owed_;  // by row that was passed: verdicts still to come
  uint64_t gone_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_RELEASES_H_
