// BatchFold: what became of one batch, as a fold of its ledger rows in sequence order. It decides
// which record of a task is its end; nothing else does. Rows come here when they are durable, live
// and at recovery by the same calls, so a restarted sink knows exactly what it knew.
//
//   task:  nothing --OK--> ok        first wins; whatever comes later is late
//             |  --FINAL_FAILED--> failed
//             +--failed attempt--> nothing (the ventilator decides)
//   batch: open -> sealed -> closed (done when terminal = tasks; or cancelled, at any time)
#ifndef FANMILL_SINK_BATCH_FOLD_H_
#define FANMILL_SINK_BATCH_FOLD_H_

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "lib/core/instant.h"
#include "proto/fanmill.pb.h"
#include "sink/failed_attempts.h"
#include "sink/output_parts.h"
#include "sink/run_totals.h"
#include "sink/sparse_bitmap.h"

namespace fanmill {

class BatchFold {
 public:
  explicit BatchFold(uint32_t batch) : batch_(batch) {}

  // What a result chunk came to.
  struct Applied {
    bool counts = true;                      // false: parts of its large outputs are missing
    uint64_t late = 0;                       // tasks that had their end before
    std::vector<pb::AttemptFailure> failed;  // tasks of it that are not ok, for the ack
  };

  // ---- Rows, in sequence order ----
  void Open(Instant arrived);
  void Seal(uint64_t tasks);  // the first count stands
  Applied ApplyResults(uint64_t sequence, const pb::ResultChunk& chunk, Instant now);
  bool ApplyPart(uint64_t sequence, const pb::OutputPart& part) {
    return parts_.Add(sequence, part);
  }
  // Whether the part is of use: its task has no end yet, and the part is not there.
  bool NeedsPart(const pb::OutputPart& part) const {
    return IsOpen(part.task()) && !parts_.Has(part);
  }
  void ApplyFinalFailed(uint64_t sequence, const pb::AttemptFailure& failure, Instant now);
  void ApplyClosed(const pb::BatchClosed& closed, Instant now);
  // R68: its rows are gone. What was needed to read them goes, all that is counted stays.
  // REQUIRES: closed(), and no row of it comes any more.
  void Shed();
  // After recovery the clock's true start is unknown; the controller remembers it.
  void ClockIs(Instant started, Instant ended);

  // ---- What is known ----
  uint32_t batch() const { return batch_; }
  bool IsTerminal(uint64_t task) const { return ok_.Test(task) || failed_.Test(task); }
  uint64_t terminal() const { return ok_.count() + failed_.count(); }
  const SparseBitmap& ok() const { return ok_; }
  const SparseBitmap& failed() const { return failed_; }
  const FailedAttempts& attempts() const { return attempts_; }
  const OutputParts& parts() const { return parts_; }
  bool opened() const { return opened_; }
  bool sealed() const { return sealed_; }
  uint64_t tasks() const { return tasks_; }  // when sealed
  bool closed() const { return closed_; }
  bool IsComplete() const { return sealed_ && terminal() == tasks_; }
  pb::BatchClosed Closed() const;  // as it stands; final when closed()
  pb::BatchSummary Summary(Instant now) const;

  // ---- For reading the rows again ----
  uint64_t last_terminal_row() const { return last_terminal_row_; }  // 0: none
  // Whether the row counts, and the result at `index` of it was the first for its task. What is
  // not OK is no end all the same.
  bool IsFirst(uint64_t sequence, uint64_t index) const;

  void CheckInvariants() const;

 private:
  bool IsOpen(uint64_t task) const { return !closed_ && !IsTerminal(task); }  // R61, R77
  void StartClock(Instant at);
  void EndAt(uint64_t sequence, Instant now);
  bool ApplyPlain(uint64_t sequence, const pb::ResultChunk& chunk, Instant now);
  bool ApplyTask(uint64_t sequence, const pb::ResultChunk& chunk, uint64_t index, uint64_t task);
  void TellFailed(const pb::ResultChunk& chunk, uint64_t index, uint64_t task, Applied& applied);
  void SkipAll(uint64_t sequence) { skipped_[sequence].clear(); }

  uint32_t batch_;
  bool opened_ = false;
  bool sealed_ = false;
  bool closed_ = false;
  bool cancelled_ = false;
  uint64_t tasks_ = 0;            // when sealed
  uint64_t cancelled_tasks_ = 0;  // when closed
  SparseBitmap ok_;
  SparseBitmap failed_;  // FINAL_FAILED
  FailedAttempts attempts_;
  OutputParts parts_;
  RunTotals totals_;
  uint64_t late_ = 0;
  bool clock_runs_ = false;
  Instant started_at_{};
  Instant ended_at_{};  // the last terminal record
  uint64_t last_terminal_row_ = 0;
  // Rows with late results, or that do not count: their indexes, ascending; none named: all.
  absl::btree_map<uint64_t, std::vector<uint64_t>> skipped_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_BATCH_FOLD_H_
