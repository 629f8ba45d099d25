// MemoryJournal: a journal that lives as long as its process. It recovers nothing, and what it was
// given is as durable as it will ever be at once. Rows of batch 0 are for recovery alone: none is
// kept.
#ifndef FANMILL_LIB_IO_MEMORY_JOURNAL_H_
#define FANMILL_LIB_IO_MEMORY_JOURNAL_H_

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lib/io/local_peer.h"

namespace fanmill {

struct MemoryJournalOptions {
  // What it grants room for. Rows beyond are kept all the same: who writes them was told.
  uint64_t bytes_max = uint64_t{1} << 30;
  // Whether rows of batches can be read again. Nothing is recovered, so what is not read is kept
  // for nobody: else no row is, however many are written.
  bool readable = true;
};

class MemoryJournal final : public LocalPeer {
 public:
  explicit MemoryJournal(MemoryJournalOptions options = {});
  void Deliver(Message message) override;
  // JournalRecovered comes first; JournalDurable once for all writes since the last Collect.
  void Collect(std::vector<Message>& messages) override;

  uint64_t bytes() const { return bytes_; }

 private:
  void OnWrite(JournalWrite write);
  void OnRead(const JournalRead& read);
  void OnForget(uint32_t batch);
  uint64_t Room() const;

  MemoryJournalOptions options_;
  // Per batch in order of their sequence: reading one batch never touches another's rows.
  std::unordered_map<uint32_t, std::vector<JournalRow>> batches_;
  std::vector<Message> answers_;
  uint64_t bytes_ = 0;
  uint64_t written_ = 0;       // sequence of the last row
  uint64_t told_durable_ = 0;  // what the node knows of it
  uint64_t told_room_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_MEMORY_JOURNAL_H_
