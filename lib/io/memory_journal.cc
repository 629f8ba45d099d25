#include "lib/io/memory_journal.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "lib/core/check.h"

namespace fanmill {
namespace {

// A row's cost beside its bytes, so that many small ones count too.
constexpr uint64_t kRowBytes = 128;
// A smaller frame may share a receive buffer of that size with its neighbours, and would keep all
// of it: it is copied.
constexpr size_t kSharedBytesMin = 8192;
// Room is told again when it changed by this part of all there is.
constexpr uint64_t kRoomSteps = 64;

}  // namespace

MemoryJournal::MemoryJournal(MemoryJournalOptions options)
    : options_(std::move(options)),
      spool_(options_.spool_directory),
      told_room_(options_.bytes_max) {
  answers_.push_back(JournalRecovered{{}, true});
  answers_.push_back(JournalRoom{told_room_});
}

void MemoryJournal::Deliver(Message message) {
  std::visit(Overloaded{
                 [this](JournalWrite& write) { OnWrite(std::move(write)); },
                 [this](const JournalRead& read) { OnRead(read); },
                 [this](const JournalForget& forget) { OnForget(forget); },
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
  Row row{write.sequence, write.frame.owner != nullptr};
  row.frame = row.is_frame ? std::move(write.frame) : Frame::Own(std::move(write.record));
  bytes_ += row.size() + kRowBytes;
  memory_bytes_ += row.size() + kRowBytes;
  if (memory_bytes_ > options_.memory_bytes_max) Spool(row);
  if (!row.spool.has_value() && row.is_frame && row.size() < kSharedBytesMin) {
    row.frame = Frame::Own(std::string(row.frame.bytes));
  }
  batches_[write.batch].push_back(std::move(row));
}

void MemoryJournal::Spool(Row& row) {
  if (options_.spool_directory.empty() || troubled_) return;
  const absl::StatusOr<SpoolSpan> span = spool_.Append(row.frame.bytes);
  if (!span.ok()) return Trouble(span.status());
  memory_bytes_ -= row.size();
  row.spool = *span;
  row.frame = {};
}

std::optional<JournalRow> MemoryJournal::Fetch(uint32_t batch, const Row& row) {
  if (!row.spool.has_value()) return JournalRow{row.sequence, batch, row.is_frame, row.frame};
  absl::StatusOr<std::string> bytes = spool_.Read(*row.spool);
  if (bytes.ok())
    return JournalRow{row.sequence, batch, row.is_frame, Frame::Own(*std::move(bytes))};
  Trouble(bytes.status());
  return std::nullopt;
}

void MemoryJournal::OnRead(const JournalRead& read) {
  JournalRows answer{read.token, {}, std::max<uint64_t>(read.from, written_ + 1)};
  if (const auto found = batches_.find(read.batch); found != batches_.end()) {
    const Rows& rows = found->second;
    auto row = std::lower_bound(
        rows.begin(), rows.end(), read.from,
        [](const Row& each, uint64_t sequence) { return each.sequence < sequence; });
    for (uint64_t bytes = 0; row != rows.end(); ++row) {
      if (row->released) continue;
      bytes += row->size();
      if (!answer.rows.empty() && bytes > read.max_bytes) {
        answer.next = row->sequence;
        break;
      }
      std::optional<JournalRow> fetched = Fetch(read.batch, *row);
      if (fetched.has_value()) answer.rows.push_back(*std::move(fetched));
    }
  }
  answers_.push_back(std::move(answer));
}

void MemoryJournal::OnForget(const JournalForget& forget) {
  const auto found = batches_.find(forget.batch);
  if (found == batches_.end()) return;
  Rows& rows = found->second;
  if (forget.rows.empty()) {
    for (Row& row : rows) Release(row);
    batches_.erase(found);
    return;
  }
  for (const uint64_t sequence : forget.rows) {
    const auto row =
        std::lower_bound(rows.begin(), rows.end(), sequence,
                         [](const Row& each, uint64_t wanted) { return each.sequence < wanted; });
    if (row != rows.end() && row->sequence == sequence) Release(*row);
  }
  while (!rows.empty() && rows.front().released) rows.pop_front();
}

void MemoryJournal::Release(Row& row) {
  if (row.released) return;
  bytes_ -= row.size() + kRowBytes;
  memory_bytes_ -= kRowBytes;
  if (row.spool.has_value()) {
    spool_.Release(*row.spool);
  } else {
    memory_bytes_ -= row.size();
  }
  row.released = true;
  row.spool.reset();
  row.frame = {};
}

void MemoryJournal::Trouble(const absl::Status& why) {
  if (!std::exchange(troubled_, true) && options_.on_trouble) options_.on_trouble(why);
}

uint64_t MemoryJournal::Room() const {
  if (troubled_) return 0;
  const bool spools = !options_.spool_directory.empty();
  if (spools && memory_bytes_ > 2 * options_.memory_bytes_max) return 0;
  return options_.bytes_max - std::min(bytes_, options_.bytes_max);
}

}  // namespace fanmill
