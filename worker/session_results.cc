// Results on their way to the sink, and kept until they are not needed any more.
#include <algorithm>

#include "lib/core/check.h"
#include "worker/session.h"

namespace fanmill {

void Session::Flush(worker::HeldChunk& chunk, Outbox& outbox) {  // R67
  if (chunk.pending.empty()) return;
  std::vector<worker::ResultPacket> packets =
      worker::PackResults(member_.identity(), member_.number(), chunk.source->chunk(),
                          chunk.source->tasks, std::exchange(chunk.pending, {}), !chunk.packed);
  chunk.packed = true;
  for (worker::ResultPacket& packet : packets) {
    const bool large = !packet.large.empty();
    if (large) {
      transfer_.Queue(chunk.id(), packet);
    } else {
      outbox.Send(PeerId{Channel::kResults}, Wire{packet.envelope, {}});
    }
    // What is not wanted any more is sent and not kept, but for outputs that are yet to be read.
    if (large || !chunk.forsaken) held_.Keep(chunk, std::move(packet));
  }
}

void Session::FlushDueChunks(Instant now, Outbox& outbox) {
  while (!flush_due_.empty() && flush_due_.front().due <= now) {
    worker::HeldChunk* const chunk = held_.Find(flush_due_.front().chunk);
    flush_due_.pop_front();
    if (chunk == nullptr) continue;
    chunk->flush_waits = false;
    Flush(*chunk, outbox);
    EraseIfOver(*chunk, outbox);
  }
}

void Session::Resend(worker::HeldChunk& chunk, bool* socket_is_new, Outbox& outbox) {  // R42
  Count("R42");
  ++chunk.resends;
  // A socket that takes parts is alive, only slow; a new one would lose what waits in it.
  const bool moves = transfer_.parts_sent() > parts_at_resend_;
  parts_at_resend_ = transfer_.parts_sent();
  if (chunk.resends > 1 && !moves && !*socket_is_new && !sink_endpoint_.empty()) {
    Count("results_socket_anew");
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kResults, sink_endpoint_});
    *socket_is_new = true;
  }
  const bool under_way = transfer_.Has(chunk.id());
  for (const worker::ResultPacket& packet : chunk.packets) {
    if (packet.large.empty()) {
      outbox.Send(PeerId{Channel::kResults}, Wire{packet.envelope, {}});
    } else if (!under_way) {
      transfer_.Queue(chunk.id(), packet);
    }
  }
}

void Session::Drop(Instant now, worker::HeldChunk& chunk, Outbox& outbox) {  // R40
  if (chunk.forsaken) return;
  chunk.Forsake();
  Changed(now, chunk);
  DropResults(chunk, outbox);
  EraseIfOver(chunk, outbox);
}

void Session::DropResults(worker::HeldChunk& chunk, Outbox& outbox) {
  transfer_.Forget(chunk.id());
  for (const uint64_t handle : held_.DropResults(chunk)) {
    outbox.Send(PeerId{Channel::kExecutor}, OutputDone{handle});
  }
}

void Session::EraseIfOver(worker::HeldChunk& chunk, Outbox& outbox) {
  if (!chunk.forsaken || chunk.in_slots > 0 || transfer_.Has(chunk.id())) return;
  FANMILL_CHECK(chunk.pending.empty());
  DropResults(chunk, outbox);
  held_.Erase(chunk.id());
}

void Session::OnOutputRead(const OutputRead& read, Outbox& outbox) {
  if (read.bytes.empty()) Count("output_short");
  const std::optional<uint64_t> through = transfer_.OnRead(member_.identity(), read, outbox);
  if (!through.has_value()) return;
  Count("large_output");
  EraseIfOver(*held_.Find(*through), outbox);
}

uint64_t Session::SpoolRoom() const {
  return options_.spool_bytes - std::min(options_.spool_bytes, held_.spool_bytes());
}

}  // namespace fanmill
