// What the sink may still take, and how it makes room: a cluster that lives for long must not fill
// up with results that everybody has had time to read.
#include <algorithm>
#include <utility>

#include "sink/ledger.h"

namespace fanmill {

uint64_t Ledger::FreeBytes() const {
  const uint64_t held = std::min(commit_.held_bytes(), options_.memory_bytes);
  return std::min(options_.memory_bytes - held, journal_room_);
}

// What is too little for a row that came is none: more of its kind would only be dropped.
uint64_t Ledger::RoomBytes() const { return FreeBytes() < lacked_ ? 0 : FreeBytes(); }

// R65
bool Ledger::HasRoomFor(uint64_t bytes, Outbox& outbox) {
  MakeRoom(bytes, 0, outbox);
  const uint64_t room = FreeBytes();
  if (room > options_.memory_bytes / 2) told_of_full_ = false;  // told once each time it fills
  if (room >= bytes) {
    if (room >= lacked_) lacked_ = 0;
    return true;
  }
  lacked_ = bytes;
  counts_.Add("R65");
  if (!std::exchange(told_of_full_, true)) notices_.push_back(WhyFull());
  return false;
}

std::string Ledger::WhyFull() const {
  const std::string what =
      "the sink has no room for more results: it drops them, and workers keep them and send them "
      "again; no task is lost, but none is handed out until there is room";
  if (FreeBytes() < journal_room_) return what;  // the disk will catch up
  uint32_t largest = 0;
  uint64_t bytes = 0;
  for (const auto& [number, batch] : batches_.all()) {
    if (batch.forgotten || batch.bytes <= bytes) continue;
    largest = number;
    bytes = batch.bytes;
  }
  if (largest == 0) return what;
  return what + ". Its ledger is full, and no batch that ended is left to drop: batch " +
         std::to_string(largest) + " alone has results of " + std::to_string(bytes >> 20) +
         " MiB in it; `fanmill cancel " + std::to_string(largest) + "` ends it";
}

// ---- R68 ----------------------------------------------------------------------------------------

void Ledger::OnJournalRoom(uint64_t bytes, Outbox& outbox) {
  journal_room_ = bytes;
  journal_room_max_ = std::max(journal_room_max_, bytes);
  MakeRoom(journal_room_max_ / kLowRoomPart, 1, outbox);
}

// Forgets the oldest of the ended batches until so much is free, or only `kept` of them are left.
// The journal tells of room late and roughly, so what was freed counts at once.
void Ledger::MakeRoom(uint64_t wanted, size_t kept, Outbox& outbox) {
  while (journal_room_ < wanted && ended_.size() > kept) ForgetOldest(outbox);
}

void Ledger::ForgetOldest(Outbox& outbox) {
  const uint32_t number = ended_.front();
  ended_.pop_front();
  Batch& batch = *batches_.Find(number);
  counts_.Add("R68");
  counts_.Add("forgotten_batches");
  counts_.Add("forgotten_bytes", batch.bytes);
  notices_.push_back("the ledger runs out of room: the results of batch " + std::to_string(number) +
                     ", which has ended, are dropped; its report stays");
  batch.forgotten = true;
  batch.fold.Shed();
  batch.arriving.clear();
  journal_room_ += batch.bytes;
  outbox.Send(PeerId{Channel::kJournal}, JournalForget{number});
}

}  // namespace fanmill
