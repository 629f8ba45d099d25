#include "lib/io/memory_journal.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "lib/core/check.h"

namespace fanmill {
namespace {

// A row's cost beside its bytes, so that many small ones count too.
constexpr uint64_t kRowBytes = sizeof(JournalRow) + 64;
// A smaller frame may share a receive buffer of that size with its neighbours, and would keep all
// of it: it is copied.
constexpr size_t kSharedBytesMin = 8192;
// Room is told again when it changed by this part of all there is.
constexpr uint64_t kRoomSteps = 64;

}  // namespace

MemoryJournal::MemoryJournal(MemoryJournalOptions options)
    : options_(options), told_room_(options.bytes_max) {
  answers_.push_back(JournalRecovered{{}, true});
  answers_.push_back(JournalRoom{told_room_});
}

void MemoryJournal::Deliver(Message message) {
  std::visit(Overloaded{
                 [this](JournalWrite& write) { OnWrite(std::move(write)); },
                 [this](const JournalRead& read) { OnRead(read); },
                 [this](const JournalForget& forget) { OnForget(forget.batch); },
                 [](const auto&) { FANMILL_CHECK(false, "no message for a journal"); },
             },
             message);
}

void MemoryJournal::Collect(std::vector<Message>& messages) {
  for (Message& answer : answers_) messages.push_back(std::move(answer));
  answers_.clear();
  if (written_ > told_durable_) {
    told_durable_ = written_;
    messages.push_back(JournalDurable{written_});
  }
  const uint64_t room = Room();
  const uint64_t change = room > told_room_ ? room - told_room_ : told_room_ - room;
  if (change > options_.bytes_max / kRoomSteps || (room == 0 && told_room_ != 0)) {
    told_room_ = room;
    messages.push_back(JournalRoom{room});
  }
}

void MemoryJournal::OnWrite(JournalWrite write) {
  FANMILL_CHECK(write.sequence == written_ + 1, "journal sequences must be contiguous");
  written_ = write.sequence;
  if (!options_.readable || write.batch == 0) return;
  const bool is_frame = write.frame.owner != nullptr;
  if (is_frame && write.frame.bytes.size() < kSharedBytesMin) {
    write.frame = Frame::Own(std::string(write.frame.bytes));
  }
  JournalRow row{write.sequence, write.batch, is_frame,
                 is_frame ? std::move(write.frame) : Frame::Own(std::move(write.record))};
  bytes_ += row.bytes.bytes.size() + kRowBytes;
  batches_[write.batch].push_back(std::move(row));
}

void MemoryJournal::OnRead(const JournalRead& read) {
  JournalRows answer{read.token, {}, std::max<uint64_t>(read.from, written_ + 1)};
  if (const auto found = batches_.find(read.batch); found != batches_.end()) {
    const std::vector<JournalRow>& rows = found->second;
    auto row = std::lower_bound(
        rows.begin(), rows.end(), read.from,
        [](const JournalRow& each, uint64_t sequence) { return each.sequence < sequence; });
    for (uint64_t bytes = 0; row != rows.end(); ++row) {
      bytes += row->bytes.bytes.size();
      if (!answer.rows.empty() && bytes > read.max_bytes) {
        answer.next = row->sequence;
        break;
      }
      answer.rows.push_back(*row);
    }
  }
  answers_.push_back(std::move(answer));
}

void MemoryJournal::OnForget(uint32_t batch) {
  const auto found = batches_.find(batch);
  if (found == batches_.end()) return;
  for (const JournalRow& row : found->second) bytes_ -= row.bytes.bytes.size() + kRowBytes;
  batches_.erase(found);
}

uint64_t MemoryJournal::Room() const {
  return options_.bytes_max - std::min(bytes_, options_.bytes_max);
}

}  // namespace fanmill
