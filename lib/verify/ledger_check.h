// LedgerCheck: the rules of the sink's file, and what became of each batch: the first OK or
// FINAL_FAILED of a task in the order of the rows is its end, what comes later or after CLOSED is
// late, and in a cancelled batch a task without an end is CANCELLED. Of a batch that is not closed
// it keeps two bits for each task, of a closed one the counts.
#ifndef FANMILL_LIB_VERIFY_LEDGER_CHECK_H_
#define FANMILL_LIB_VERIFY_LEDGER_CHECK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "lib/verify/findings.h"
#include "lib/verify/large_parts.h"
#include "lib/verify/manifest_check.h"
#include "lib/verify/row.h"
#include "lib/verify/task_bits.h"
#include "proto/records.pb.h"

namespace fanmill::verify {

struct LedgerBatch {
  bool opened = false;
  std::optional<uint64_t> sealed;  // the first count stands
  uint64_t seal_row = 0;
  uint64_t ok = 0;
  uint64_t failed = 0;      // FINAL_FAILED
  uint64_t late = 0;        // results that count for nothing
  uint64_t closed_row = 0;  // 0: not closed
  bool cancelled = false;
  uint64_t tasks = 0;            // when closed: of the seal, else as CLOSED adds up
  uint64_t cancelled_tasks = 0;  // when closed
  bool disputed = false;         // CLOSED and the rows before it do not agree
};

class LedgerCheck {
 public:
  // The manifest was read before, as of the same instant: it says which tasks there are.
  LedgerCheck(const Wanted& wanted, const ManifestCheck& manifest)
      : wanted_(wanted), manifest_(manifest) {}

  // Sound rows, in ascending order.
  void Take(const Row& row, Findings& findings);
  // Null when there is nothing of it.
  const LedgerBatch* Find(uint32_t batch) const;

 private:
  // A result that counts for nothing, since a part of it has not come.
  struct Incomplete {
    uint64_t row;
    uint32_t stream;
    uint32_t part;
    uint32_t parts;
  };
  // What is needed of a batch until it is closed.
  struct Open {
    TaskBits ok;
    TaskBits failed;
    LargeParts parts;
    std::map<uint64_t, Incomplete> incomplete;
  };
  struct Batch {
    LedgerBatch told;
    std::unique_ptr<Open> open = std::make_unique<Open>();
    uint64_t highest = 0;  // the task with a result that has the highest number, and one more
    uint64_t highest_row = 0;
    bool HasEnd(uint64_t task) const { return open->ok.Has(task) || open->failed.Has(task); }
  };

  void TakeFrame(const Row& row, Findings& findings);
  void TakeRecord(const Row& row, Findings& findings);
  void Results(const Row& row, Batch& batch, Findings& findings) const;
  void Part(Batch& batch) const;
  bool IsStray(const Row& row, Batch& batch, uint64_t task, Findings& findings) const;
  bool AllPartsAreThere(const Row& row, Batch& batch, Findings& findings) const;
  void End(Batch& batch, uint64_t task, bool ok) const;
  void FinalFailed(const Row& row, Batch& batch, Findings& findings) const;
  void Seal(const Row& row, Batch& batch, Findings& findings) const;
  void Close(const Row& row, Batch& batch, Findings& findings) const;
  void CloseAsDone(const Row& row, const Batch& batch, Findings& findings) const;
  void CloseAsCancelled(const Row& row, const Batch& batch, Findings& findings) const;
  void TellWithoutEnd(const Row& row, const Batch& batch, Findings& findings) const;

  const Wanted& wanted_;
  const ManifestCheck& manifest_;
  std::map<uint32_t, Batch> batches_;
  pb::Envelope envelope_;  // the row that is looked at
  pb::LedgerRecord record_;
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_LEDGER_CHECK_H_
