// What the sink may still take, and how it makes room: a cluster that lives for long must not fill
// up with results that everybody has had time to read.
#include <algorithm>
#include <utility>

#include "lib/core/size_text.h"
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
  while (journal_room_ < wanted && ended_.size() > kept) {
    ForgetOldest("the ledger runs out of room", outbox);
  }
}

void Ledger::ForgetOldest(const std::string& why, Outbox& outbox) {
  const uint32_t number = ended_.front();
  counts_.Add("R68");
  notices_.push_back(why + ": the results of batch " + std::to_string(number) +
                     ", which has ended, are dropped; its report stays");
  Forget(number, outbox);
}

void Ledger::Forget(uint32_t number, Outbox& outbox) {
  std::erase(ended_, number);
  Batch& batch = *batches_.Find(number);
  counts_.Add("forgotten_batches");
  counts_.Add("forgotten_bytes", batch.bytes);
  batch.forgotten = true;
  forgotten_.push_back(number);
  batch.fold.Shed();
  batch.arriving.clear();
  journal_room_ += std::min(batch.bytes, UINT64_MAX - journal_room_);  // or none was told yet
  outbox.Send(PeerId{Channel::kJournal}, JournalForget{number});
}

// ---- R109 ---------------------------------------------------------------------------------------

void Ledger::KeepNewest(Outbox& outbox) {
  while (ended_.size() > options_.keep_batches) {
    counts_.Add("R109");
    ForgetOldest("results of " + std::to_string(options_.keep_batches) + " batches are kept",
                 outbox);
  }
}

void Ledger::OnPrune(PeerId from, const pb::PruneRequest& request, Outbox& outbox) {
  counts_.Add("R109");
  pb::Envelope envelope = NewEnvelope(member_.identity());
  pb::PruneReply& reply = *envelope.mutable_prune_reply();
  reply.set_batch(request.batch());
  reply.set_request(request.request());
  const std::string name = "batch " + std::to_string(request.batch());
  const Batch* batch = batches_.Find(request.batch());
  if (batch == nullptr) {
    reply.set_no_such_batch(true);
    reply.set_error("the sink has never heard of " + name +
                    ": see `fanmill list` for those it has");
  } else if (!batch->fold.closed()) {
    reply.set_error(name + " has not ended, and its results stay until then: `fanmill cancel " +
                    std::to_string(request.batch()) + "` ends it");
  } else if (!batch->forgotten) {
    reply.set_bytes(batch->bytes);
    Forget(request.batch(), outbox);
  }
  outbox.Send(PeerId{Channel::kFacts, from.id}, std::move(envelope));
}

}  // namespace fanmill
