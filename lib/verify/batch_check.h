// BatchCheck: what the three files, as of one instant, say of one batch: whether they agree, and so
// whether it is proven that every task of it has exactly one end.
#ifndef FANMILL_LIB_VERIFY_BATCH_CHECK_H_
#define FANMILL_LIB_VERIFY_BATCH_CHECK_H_

#include <cstdint>
#include <string>

#include "lib/verify/book_check.h"
#include "lib/verify/findings.h"
#include "lib/verify/ledger_check.h"
#include "lib/verify/manifest_check.h"

namespace fanmill::verify {

// What there is of it. Null: nothing.
struct Evidence {
  uint32_t batch = 0;
  const BookBatch* book = nullptr;
  const ManifestBatch* manifest = nullptr;
  const LedgerBatch* ledger = nullptr;
  // Rows are missing there, which may have been its own.
  bool manifest_has_gaps = false;
  bool ledger_has_gaps = false;
};

enum class Verdict {
  kProven,     // it has ended, and all of that is sound
  kNotEnded,   // what there is so far is sound
  kForgotten,  // it has ended, and its results were dropped to make room: what is left is sound
  kWrong,      // there are findings
};

struct Proof {
  uint32_t batch = 0;
  Verdict verdict = Verdict::kWrong;
  uint64_t tasks = 0;
  uint64_t ok = 0;
  uint64_t failed = 0;
  uint64_t cancelled = 0;
  uint64_t late = 0;
  bool sealed = false;
  bool in_manifest = false;  // else what was appended can no longer be compared
  bool closed = false;       // by the sink; the book's report may be still to come
};

// REQUIRES: the rows of all files were taken, so that `findings` has what is wrong inside each.
Proof CheckBatch(const Evidence& evidence, Findings& findings);

// Its results were dropped to make room after its end; rows that came later may be there. R68
bool WasDropped(const Evidence& evidence);

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_BATCH_CHECK_H_
