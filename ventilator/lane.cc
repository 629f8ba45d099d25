#include "ventilator/lane.h"

#include <algorithm>

#include "lib/core/check.h"

namespace fanmill::ventilator {

bool Lane::Offers(const std::string& handler) const {
  return std::ranges::find(handlers, handler) != handlers.end();
}

bool Lane::Runs(uint64_t chunk, uint64_t index) const {
  return std::ranges::any_of(
      running, [&](const Running& at) { return at.chunk == chunk && at.index == index; });
}

uint64_t Lane::DurableThrough() const {
  return chunks.empty() ? sent_through : chunks.begin()->first - 1;
}

Chunk& Lane::Add(Chunk chunk) {
  const auto [entry, fresh] = chunks.emplace(chunk.id, std::move(chunk));
  FANMILL_CHECK(fresh, "a chunk has one id");
  unfinished += entry->second.unfinished;
  undurable_bytes += entry->second.bytes;
  return entry->second;
}

void Lane::SetUnfinished(Chunk& chunk, uint64_t now_unfinished) {
  unfinished += now_unfinished - chunk.unfinished;
  chunk.unfinished = now_unfinished;
}

void Lane::Finish(Chunk& chunk, Instant now) {
  SetUnfinished(chunk, 0);
  if (chunk.finished) return;
  chunk.finished = true;
  chunk.finished_at = now;
}

std::map<uint64_t, Chunk>::iterator Lane::Remove(std::map<uint64_t, Chunk>::iterator chunk) {
  unfinished -= chunk->second.unfinished;
  undurable_bytes -= chunk->second.bytes;
  return chunks.erase(chunk);
}

void Lane::CheckInvariants() const {
  uint64_t tasks = 0;
  uint64_t bytes = 0;
  for (const auto& [id, chunk] : chunks) {
    FANMILL_CHECK(id == chunk.id && chunk.unfinished <= chunk.tasks.size());
    FANMILL_CHECK(chunk.live() > 0 || chunk.late, "a chunk that holds nothing is no more");
    tasks += chunk.unfinished;
    bytes += chunk.bytes;
  }
  FANMILL_CHECK(tasks == unfinished && bytes == undurable_bytes, "sets, never counters");  // R24
}

}  // namespace fanmill::ventilator
