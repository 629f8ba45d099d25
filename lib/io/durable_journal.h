// DurableJournal: a journal that survives its process, and with Durability::kFull the machine. A
// thread of its own writes: whatever has come while it waited for the disk shares the next commit
// (group commit), and is told as durable after it.
//
//   recovering --last page taken--> writing --disk full--> waiting for room --> writing
//                                      |
//                                      +--any other error--> on_failure, which ends the process
#ifndef FANMILL_LIB_IO_DURABLE_JOURNAL_H_
#define FANMILL_LIB_IO_DURABLE_JOURNAL_H_

#include <sys/eventfd.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/io/file.h"
#include "lib/io/local_peer.h"
#include "lib/io/row_store.h"

namespace fanmill {

struct DurableJournalOptions {
  std::string file;
  std::string what;  // "book", "manifest", "ledger"
  Durability durability = Durability::kFull;
  uint64_t bytes_max = uint64_t{1} << 40;  // what it grants room for, if the disk has it
  // Called by the journal's thread. A row that was damaged, or a disk that is full: the journal
  // goes on. Each is told once.
  std::function<void(const absl::Status&)> on_trouble = {};
  // What was written may not be there: to end the process, before anybody is told otherwise. Must
  // not return.
  std::function<void(const absl::Status&)> on_failure = {};
};

class DurableJournal final : public LocalPeer {
 public:
  // Errors are sentences for a person: damaged, of a newer version, not writable.
  static absl::StatusOr<std::unique_ptr<DurableJournal>> Open(DurableJournalOptions options);
  ~DurableJournal() override;  // commits what has come

  void Deliver(Message message) override;
  int event_fd() const override { return event_.get(); }
  void Collect(std::vector<Message>& messages) override;

 private:
  DurableJournal(DurableJournalOptions options, RowStore store);
  void Serve();
  void Recover();
  void TellDamage(uint64_t rows);
  std::vector<Message> TakeOrders();
  bool Apply(const std::vector<Message>& orders);
  absl::Status Apply(const Message& order);
  bool Retry(const absl::Status& why);
  void AnswerReads(const std::vector<Message>& orders);
  void TellRoom();
  uint64_t Room() const;
  void Put(Message answer);
  void AwaitTaken();

  const DurableJournalOptions options_;
  RowStore store_;  // of the thread
  bool told_full_ = false;
  uint64_t told_room_ = 0;

  const FileDescriptor event_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Message> orders_ ABSL_GUARDED_BY(mutex_);
  std::vector<Message> answers_ ABSL_GUARDED_BY(mutex_);
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_DURABLE_JOURNAL_H_
