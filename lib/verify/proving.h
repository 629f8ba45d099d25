// Proving: takes the rows of the three files, as of one instant, and proves what they say. The book
// comes first, then the manifest, which says what tasks there are, then the ledger.
#ifndef FANMILL_LIB_VERIFY_PROVING_H_
#define FANMILL_LIB_VERIFY_PROVING_H_

#include <cstdint>
#include <utility>

#include "lib/verify/batch_check.h"
#include "lib/verify/file_check.h"
#include "lib/verify/proof_text.h"
#include "lib/verify/row.h"

namespace fanmill::verify {

class Proving {
 public:
  // Of the batches that are wanted. The files as such are looked at whichever these are: a damaged
  // row may be of any batch.
  explicit Proving(Wanted wanted) : wanted_(std::move(wanted)) {}
  Proving(const Proving&) = delete;
  Proving& operator=(const Proving&) = delete;

  // In ascending order.
  void Take(File file, const Row& row);
  // There are no more. `last`: the sequence of the last row ever written, as the file remembers it.
  void End(File file, uint64_t last);

  // The rest: REQUIRES that all three have ended. Whether any file knows of the batch.
  bool Knows(uint32_t batch) const;
  Proofs Conclude();  // once

 private:
  FileCheck& RowsOf(File file);
  Evidence Of(uint32_t batch) const;
  void JudgeGaps();

  const Wanted wanted_;
  Findings findings_;
  FileCheck book_rows_{File::kBook};
  FileCheck manifest_rows_{File::kManifest};
  FileCheck ledger_rows_{File::kLedger};
  BookCheck book_{wanted_};
  ManifestCheck manifest_{wanted_};
  LedgerCheck ledger_{wanted_, manifest_};
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_PROVING_H_
