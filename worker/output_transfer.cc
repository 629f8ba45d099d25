#include "worker/output_transfer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill::worker {

void OutputTransfer::Queue(uint64_t chunk, const ResultPacket& packet) {
  FANMILL_CHECK(!packet.large.empty());
  queue_.push_back({chunk, packet, {}, std::nullopt});
}

bool OutputTransfer::Has(uint64_t chunk) const {
  return std::any_of(queue_.begin(), queue_.end(),
                     [chunk](const Item& item) { return item.chunk == chunk; });
}

void OutputTransfer::Forget(uint64_t chunk) {
  if (queue_.empty()) return;
  if (queue_.front().chunk == chunk) asked_ = false;
  std::erase_if(queue_, [chunk](const Item& item) { return item.chunk == chunk; });
}

void OutputTransfer::Ask(Instant now, Outbox& outbox) {
  if (queue_.empty() || asked_ || now < not_before_) return;
  const Item& item = queue_.front();
  const LargePart& output = item.packet.large[item.next.output];
  const uint64_t left = output.size - item.next.offset;
  outbox.Send(PeerId{Channel::kExecutor},
              ReadOutput{output.handle, item.next.offset,
                         static_cast<uint32_t>(std::min<uint64_t>(left, kPartBytes))});
  asked_ = true;
}

std::optional<uint64_t> OutputTransfer::OnRead(const Identity& identity, const OutputRead& read,
                                               Outbox& outbox) {
  if (!asked_) return std::nullopt;
  Item& item = queue_.front();
  const LargePart& output = item.packet.large[item.next.output];
  if (read.handle != output.handle || read.offset != item.next.offset) return std::nullopt;
  asked_ = false;
  if (!read.bytes.empty()) SendPart(identity, read, outbox);
  item.next.offset += read.bytes.size();
  item.next.part += read.bytes.empty() ? 0 : 1;
  if (read.bytes.empty() || item.next.offset >= output.size) EndOutput(item);
  if (item.next.output < item.packet.large.size()) return std::nullopt;
  outbox.Send(PeerId{Channel::kResults}, Wire{item.packet.envelope, {}});
  const uint64_t chunk = item.chunk;
  queue_.pop_front();
  return chunk;
}

// What is said of the output is what was read of it.
void OutputTransfer::EndOutput(Item& item) {
  const Place end = std::exchange(item.next, {item.next.output + 1, 0, 0});
  const int index = item.packet.large[end.output].entry;
  const pb::LargeOutput& said = item.packet.envelope->results().large(index);
  if (said.size() == end.offset && said.parts() == end.part) return;
  auto envelope = std::make_shared<pb::Envelope>(*item.packet.envelope);
  pb::LargeOutput& cut = *envelope->mutable_results()->mutable_large(index);
  cut.set_size(end.offset);
  cut.set_parts(end.part);
  cut.set_dropped(said.dropped() + (said.size() - end.offset));
  item.packet.envelope = std::move(envelope);
  item.packet.large[end.output].size = end.offset;
}

void OutputTransfer::SendPart(const Identity& identity, const OutputRead& read, Outbox& outbox) {
  Item& item = queue_.front();
  const LargePart& output = item.packet.large[item.next.output];
  const pb::ResultChunk& results = item.packet.envelope->results();
  pb::Envelope envelope = NewEnvelope(identity);
  pb::OutputPart& part = *envelope.mutable_output();
  part.set_chunk(results.chunk());
  part.set_batch(results.batch());
  part.set_task(output.task);
  part.set_attempt(output.attempt);
  part.set_stream(output.stream);
  part.set_part(item.next.part);
  part.set_bytes(read.bytes);
  outbox.Send(PeerId{Channel::kResults}, std::move(envelope));
  item.last = item.next;
  ++parts_sent_;
}

void OutputTransfer::GoBack(Instant now) {
  if (queue_.empty() || !queue_.front().last.has_value()) return;
  Item& item = queue_.front();
  item.next = *item.last;
  item.last.reset();
  --parts_sent_;
  asked_ = false;
  not_before_ = now + retry_after_;
}

Instant OutputTransfer::NextDeadline() const {
  return queue_.empty() || asked_ ? kNever : not_before_;
}

}  // namespace fanmill::worker
