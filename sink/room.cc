// What the sink may still take, and how it makes room: a cluster that lives for long must not fill
// up with results that everybody has had time to read.
#include <algorithm>
#include <utility>

#include "sink/ledger.h"

namespace fanmill {
namespace {

// Rounded down: "512 MiB", "1.5 GiB".
std::string SizeText(uint64_t bytes) {
  const uint64_t mib = bytes >> 20;
  if (mib < 1024) return std::to_string(mib) + " MiB";
  const uint64_t tenths = mib % 1024 * 10 / 1024;
  const std::string whole = std::to_string(mib / 1024);
  return whole + (tenths == 0 ? "" : "." + std::to_string(tenths)) + " GiB";
}

}  // namespace

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
  if (!std::exchange(told_of_full_, true)) {
    notices_.push_back(
        WhyFull() +
        ". Results are dropped meanwhile: workers keep them and send them again, so no task is "
        "lost, but none is handed out until there is room");
  }
  return false;
}

// In few words: `fanmill status` shows them.
std::string Ledger::WhyFull() const {
  if (FreeBytes() < journal_room_) return "the sink waits for its disk to catch up with results";
  uint32_t largest = 0;
  uint64_t bytes = 0;
  for (const auto& [number, batch] : batches_.all()) {
    if (batch.forgotten || batch.bytes <= bytes) continue;
    largest = number;
    bytes = batch.bytes;
  }
  const std::string what =
      "the sink is full (" + SizeText(journal_room_max_) + ": fanmill-sink --disk)";
  if (largest == 0) return what;
  const std::string number = std::to_string(largest);
  return what + ", most of it by batch " + number + ": `fanmill cancel " + number + "` makes room";
}

// ---- R68 ----------------------------------------------------------------------------------------

void Ledger::OnJournalRoom(uint64_t bytes, Outbox& outbox) {
  journal_room_ = bytes;
  journal_room_max_ = std::max(journal_room_max_, bytes);
  MakeRoom(journal_room_max_ / kLowRoomPart, 1, outbox);
}

// While none is told of nothing is handed out, so no result would come to find that there is none.
void Ledger::MakeRoomFor(const pb::FactsRequest& request, Outbox& outbox) {
  if (RoomBytes() > 0) return;
  const bool waits = std::ranges::any_of(request.batches(), [this](const pb::BatchFacts& facts) {
    const Batch* batch = batches_.Find(facts.batch());
    return facts.started() && batch != nullptr && !batch->fold.closed();
  });
  if (waits) MakeRoom(std::max<uint64_t>(lacked_, 1), 0, outbox);
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
  forgotten_.push_back(number);
  batch.fold.Shed();
  batch.arriving.clear();
  journal_room_ += batch.bytes;
  outbox.Send(PeerId{Channel::kJournal}, JournalForget{number});
}

}  // namespace fanmill
