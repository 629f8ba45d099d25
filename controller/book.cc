#include "controller/book.h"

#include <algorithm>
#include <utility>

namespace fanmill::control {

void Book::Write(pb::BookRecord record, uint32_t batch, Outbox& outbox) {
  outbox.Send(PeerId{Channel::kJournal},
              JournalWrite{++last_, batch, record.SerializeAsString(), {}});
  pending_.push_back(std::move(record));
}

void Book::Recovered(uint64_t sequence) { last_ = std::max(last_, sequence); }

std::vector<pb::BookRecord> Book::Durable(uint64_t through) {
  std::vector<pb::BookRecord> rows;
  while (!pending_.empty() && durable() < through) {
    rows.push_back(std::move(pending_.front()));
    pending_.pop_front();
  }
  return rows;
}

}  // namespace fanmill::control
