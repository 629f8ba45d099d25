#include "sink/acks.h"

#include <utility>

#include "lib/core/limits.h"
#include "lib/core/task_set.h"

namespace fanmill {
namespace {

// An ack is cut here; one more chunk, with all of its tasks failed, still fits below the limit.
constexpr size_t kAckBytes = 1 << 20;
constexpr size_t kFailureBytesMax = 64;
static_assert(kAckBytes + kTasksPerChunkMax * (kFailureBytesMax + 10) < kAckFrameBytesMax);

}  // namespace

void Acks::Chunk(const pb::ResultChunk& chunk, std::vector<pb::AttemptFailure> failed) {
  owed_ = true;
  if (chunk.whole()) {
    whole_.push_back(chunk.chunk());
    bytes_ += 10;
  } else {  // R67
    pb::PartialAck& partial = *ack_.add_partial();
    partial.set_chunk(chunk.chunk());
    *partial.mutable_tasks() = chunk.tasks();
    bytes_ += 40 + 10 * static_cast<size_t>(chunk.tasks().delta_size());
  }
  for (pb::AttemptFailure& failure : failed) *ack_.add_failed() = std::move(failure);
  bytes_ += kFailureBytesMax * failed.size();
  if (bytes_ > kAckBytes) Cut();
}

void Acks::Cut() {
  PackDeltas(whole_, ack_.mutable_whole());
  whole_.clear();
  full_.push_back(std::exchange(ack_, {}));
  bytes_ = 0;
  owed_ = false;
}

void Acks::Flush(const Identity& self, uint64_t sequence, uint64_t room_bytes, Outbox& outbox) {
  if (owed_) Cut();
  for (pb::Ack& ack : std::exchange(full_, {})) {
    ack.set_sequence(sequence);
    ack.set_room_bytes(room_bytes);
    pb::Envelope envelope = NewEnvelope(self);
    *envelope.mutable_ack() = std::move(ack);
    outbox.Send(PeerId{Channel::kAcks}, std::move(envelope));
  }
}

}  // namespace fanmill
