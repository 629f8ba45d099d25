// Commit: gives every row its place in the ledger, hands it to the journal at once, and keeps it
// until the journal says that it is durable. Only then is the row folded and answered for: what was
// not yet durable has not happened. Rows written while the disk is busy become durable together.
#ifndef FANMILL_SINK_COMMIT_H_
#define FANMILL_SINK_COMMIT_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "lib/core/message.h"
#include "proto/records.pb.h"

namespace fanmill {

// One row of the ledger: results as they came, or a record of the sink's own.
struct LedgerRow {
  uint64_t sequence = 0;
  uint32_t batch = 0;
  Instant arrived{};
  std::shared_ptr<const pb::Envelope> envelope;    // ResultChunk or OutputPart; else null
  std::shared_ptr<const pb::LedgerRecord> record;  // else null
  uint64_t bytes = 0;                              // of memory, until durable
};

// A row as the journal gave it back. Nothing when its bytes are no row of a ledger.
std::optional<LedgerRow> ParseRow(const JournalRow& row, Instant now);

class Commit {
 public:
  // REQUIRES: nothing written yet. The next row follows this one.
  void Recovered(uint64_t sequence) { written_ = durable_ = sequence; }

  // How much of memory a row of results takes until it is durable.
  static uint64_t BytesOf(const Wire& wire);

  // Each returns the row's sequence.
  uint64_t WriteFrame(uint32_t batch, const Wire& wire, Instant now, Outbox& outbox);
  uint64_t WriteRecord(uint32_t batch, pb::LedgerRecord record, Instant now, Outbox& outbox);

  // Whether results that wait for the disk have an OK of the task.
  bool HoldsOk(uint32_t batch, uint64_t task) const;

  // Takes the next row that is durable through `through`; nothing when there is none left.
  std::optional<LedgerRow> TakeDurable(uint64_t through);

  uint64_t written() const { return written_; }
  uint64_t durable() const { return durable_; }  // and taken
  uint64_t held_bytes() const { return held_bytes_; }

 private:
  std::deque<LedgerRow> waiting_;
  uint64_t written_ = 0;
  uint64_t durable_ = 0;
  uint64_t held_bytes_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_COMMIT_H_
