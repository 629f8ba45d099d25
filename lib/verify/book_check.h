// BookCheck: the rules of the controller's file, and what it says of each batch. It may tell of the
// end of a batch several times, and always the same.
#ifndef FANMILL_LIB_VERIFY_BOOK_CHECK_H_
#define FANMILL_LIB_VERIFY_BOOK_CHECK_H_

#include <cstdint>
#include <map>

#include "lib/verify/findings.h"
#include "lib/verify/row.h"
#include "proto/records.pb.h"

namespace fanmill::verify {

namespace pb = ::fanmill::v1;

struct BookBatch {
  uint64_t report_row = 0;  // of the first report; 0: the book knows of no end
  pb::BatchPhase phase = pb::FORMING;
  pb::BatchSummary summary;  // of that report
};

class BookCheck {
 public:
  explicit BookCheck(const Wanted& wanted) : wanted_(wanted) {}

  // Sound rows, in ascending order.
  void Take(const Row& row, Findings& findings);
  // Of every batch that it knows, wanted or not: who has ended may have been forgotten elsewhere.
  const std::map<uint32_t, BookBatch>& batches() const { return batches_; }
  const BookBatch* Find(uint32_t batch) const;

 private:
  void Report(const Row& row, Findings& findings);

  const Wanted& wanted_;
  std::map<uint32_t, BookBatch> batches_;
  pb::BookRecord record_;  // the row that is looked at
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_BOOK_CHECK_H_
