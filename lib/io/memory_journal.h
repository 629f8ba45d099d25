// MemoryJournal: a journal that lives as long as its process. It recovers nothing, and what it was
// given is as durable as it will ever be at once. Rows of batch 0 are for recovery alone: none is
// kept. With a directory for it, rows beyond some memory wait in a nameless file there.
#ifndef FANMILL_LIB_IO_MEMORY_JOURNAL_H_
#define FANMILL_LIB_IO_MEMORY_JOURNAL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "lib/io/local_peer.h"
#include "lib/io/spool_file.h"

namespace fanmill {

struct MemoryJournalOptions {
  // What it grants room for. Rows beyond are kept all the same: who writes them was told.
  uint64_t bytes_max = uint64_t{1} << 30;
  // Whether rows of batches can be read again. Nothing is recovered, so what is not read is kept
  // for nobody: else no row is, however many are written.
  bool readable = true;
  // Where rows go that are beyond `memory_bytes_max`; empty: all stay in memory. That much again
  // may go into remembering where they are: then there is no room either.
  std::string spool_directory = {};
  uint64_t memory_bytes_max = uint64_t{32} << 20;
  // The file could not be written, or read back. What could not be written stays in memory, and
  // from then on there is no room; what cannot be read is left out of the answer.
  std::function<void(const absl::Status&)> on_trouble = {};
};

class MemoryJournal final : public LocalPeer {
 public:
  explicit MemoryJournal(MemoryJournalOptions options = {});
  void Deliver(Message message) override;
  // JournalRecovered comes first; JournalDurable once for all writes since the last Collect.
  void Collect(std::vector<Message>& messages) override;

  uint64_t bytes() const { return bytes_; }                // kept, what it costs to keep included
  uint64_t memory_bytes() const { return memory_bytes_; }  // of these, in memory

 private:
  struct Row {
    uint64_t sequence;
    bool is_frame;
    bool released = false;
    Frame frame;                     // in memory
    std::optional<SpoolSpan> spool;  // else in the file
    uint64_t size() const { return spool.has_value() ? spool->size : frame.bytes.size(); }
  };
  // In order of their sequence; no released one is first.
  using Rows = std::deque<Row>;

  void OnWrite(JournalWrite write);
  void OnRead(const JournalRead& read);
  void OnForget(const JournalForget& forget);
  void Spool(Row& row);
  std::optional<JournalRow> Fetch(uint32_t batch, const Row& row);
  void Release(Row& row);
  void Trouble(const absl::Status& why);
  uint64_t Room() const;

  MemoryJournalOptions options_;
  SpoolFile spool_;
  bool troubled_ = false;
  // Per batch: reading one batch never touches another's rows.
  std::unordered_map<uint32_t, Rows> batches_;
  std::vector<Message> answers_;
  uint64_t bytes_ = 0;
  uint64_t memory_bytes_ = 0;
  uint64_t written_ = 0;       // sequence of the last row
  uint64_t told_durable_ = 0;  // what the node knows of it
  uint64_t told_room_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_MEMORY_JOURNAL_H_
