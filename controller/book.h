// Book: the controller's durable rows. It numbers what is written, and hands a row back once it is
// durable: only then may what the row says become state.
#ifndef FANMILL_CONTROLLER_BOOK_H_
#define FANMILL_CONTROLLER_BOOK_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "lib/core/message.h"
#include "proto/records.pb.h"

namespace fanmill::control {

// A stalled disk stops the intake of requests here; peers repeat them.
inline constexpr size_t kRowsPendingMax = 65536;

class Book {
 public:
  void Write(pb::BookRecord record, uint32_t batch, Outbox& outbox);
  // A row that was there before this start.
  void Recovered(uint64_t sequence);
  // The rows that became durable with `through`, oldest first. What it claims beyond the last row
  // is not believed.
  std::vector<pb::BookRecord> Durable(uint64_t through);

  bool full() const { return pending_.size() >= kRowsPendingMax; }
  uint64_t last() const { return last_; }
  uint64_t durable() const { return last_ - pending_.size(); }

 private:
  uint64_t last_ = 0;
  std::deque<pb::BookRecord> pending_;  // rows (durable, last]
};

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_BOOK_H_
