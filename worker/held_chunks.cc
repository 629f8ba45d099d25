#include "worker/held_chunks.h"

#include <algorithm>

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill::worker {
namespace {

// What else a report or hello says beside its chunks.
constexpr size_t kReportRestBytesMax = 256 << 10;

}  // namespace

HeldChunk::HeldChunk(std::shared_ptr<const TaskSource> from, uint64_t token)
    : source(std::move(from)), lane(token), waiting_end(source->tasks.size()) {
  unfinished.Add(0, waiting_end);
}

std::pair<uint32_t, uint32_t> HeldChunk::Take(uint32_t count) {
  FANMILL_CHECK(count > 0 && waiting() > 0);
  const uint32_t begin = next;
  const uint32_t end_max = begin + std::min(count, waiting());
  const ChunkTasks& tasks = source->tasks;
  const bool retry = tasks.attempt(begin) > 1;
  next = begin + 1;
  if (source->chunk().attempt().empty()) next = end_max;
  while (next < end_max && (tasks.attempt(next) > 1) == retry) ++next;
  in_slots += next - begin;
  return {begin, next};
}

void HeldChunk::Ended(uint32_t begin, uint32_t end) {
  FANMILL_CHECK(begin < end && end - begin <= in_slots);
  in_slots -= end - begin;
  unfinished.Remove(begin, end);
}

void HeldChunk::Stopped(uint32_t index) {
  Ended(index, index + 1);
  if (forsaken) return;
  returned.Add(index);
  stopped.Add(index);
}

uint32_t HeldChunk::GiveBack(uint32_t count) {
  const uint32_t given = std::min(count, waiting());
  if (given == 0) return 0;
  returned.Add(waiting_end - given, waiting_end);
  unfinished.Remove(waiting_end - given, waiting_end);
  waiting_end -= given;
  return given;
}

void HeldChunk::Forsake() {
  if (waiting() > 0) unfinished.Remove(next, waiting_end);
  waiting_end = next;
  forsaken = true;
  returned.Clear();
  stopped.Clear();
}

HeldChunk* HeldChunks::Add(std::shared_ptr<const TaskSource> source, uint64_t lane) {
  const uint64_t id = source->chunk().chunk();
  const auto [entry, fresh] = chunks_.try_emplace(id, std::move(source), lane);
  if (!fresh) return nullptr;
  Recount(entry->second);
  return &entry->second;
}

HeldChunk* HeldChunks::Find(uint64_t chunk) {
  const auto found = chunks_.find(chunk);
  return found == chunks_.end() ? nullptr : &found->second;
}

void HeldChunks::Erase(uint64_t chunk) {
  const auto found = chunks_.find(chunk);
  FANMILL_CHECK(found != chunks_.end() && found->second.in_slots == 0 &&
                found->second.counted == 0);
  spool_bytes_ -= found->second.spool_bytes;
  chunks_.erase(found);
}

void HeldChunks::Keep(HeldChunk& chunk, ResultPacket packet) {
  const uint64_t bytes = packet.SpoolBytes();
  chunk.spool_bytes += bytes;
  spool_bytes_ += bytes;
  chunk.packets.push_back(std::move(packet));
}

std::vector<uint64_t> HeldChunks::DropResults(HeldChunk& chunk) {
  std::vector<uint64_t> handles;
  for (const TaskOutcome& outcome : chunk.pending.others) {
    for (const uint64_t handle : SpillsOf(outcome)) handles.push_back(handle);
  }
  chunk.pending = {};
  for (const ResultPacket& packet : chunk.packets) {
    for (const LargePart& part : packet.large) handles.push_back(part.handle);
  }
  spool_bytes_ -= chunk.spool_bytes;
  chunk.spool_bytes = 0;
  chunk.packets.clear();
  return handles;
}

void HeldChunks::Recount(HeldChunk& chunk) {
  if (chunk.counted == chunk.waiting()) return;
  uint64_t& waiting = waiting_[chunk.batch()];
  waiting = waiting - chunk.counted + chunk.waiting();
  chunk.counted = chunk.waiting();
  if (waiting == 0) waiting_.erase(chunk.batch());
}

uint64_t HeldChunks::WaitingOf(uint32_t batch) const {
  const auto found = waiting_.find(batch);
  return found == waiting_.end() ? 0 : found->second;
}

bool HeldChunks::HasResults() const {
  return std::any_of(chunks_.begin(), chunks_.end(), [](const auto& entry) {
    return !entry.second.packets.empty() || !entry.second.pending.empty();
  });
}

std::vector<uint64_t> HeldChunks::OfBatch(uint32_t batch) const {
  std::vector<uint64_t> ids;
  for (const auto& [id, chunk] : chunks_) {
    if (chunk.batch() == batch) ids.push_back(id);
  }
  return ids;
}

uint64_t HeldChunks::Describe(bool with_tasks, const OutputTransfer& transfer,
                              google::protobuf::RepeatedPtrField<pb::HeldChunk>* held) const {
  size_t bytes = kReportRestBytesMax;
  uint64_t last = 0;
  for (const auto& [id, chunk] : chunks_) {
    if (chunk.forsaken) continue;
    pb::HeldChunk told;
    told.set_chunk(id);
    told.set_batch(chunk.batch());
    told.set_finished(chunk.finished() && !transfer.Has(id));
    if (!told.finished() && chunk.unfinished.size() < chunk.source->tasks.size()) {
      *told.mutable_unfinished() = chunk.unfinished.Pack();
    }
    if (!chunk.returned.empty()) *told.mutable_returned() = chunk.returned.Pack();
    if (!chunk.stopped.empty()) *told.mutable_stopped() = chunk.stopped.Pack();
    if (with_tasks) {
      *told.mutable_tasks() = chunk.source->chunk().tasks();
      *told.mutable_attempt() = chunk.source->chunk().attempt();
    }
    bytes += told.ByteSizeLong() + 8;
    if (bytes > kLeaseFrameBytesMax) return last;
    held->Add(std::move(told));
    last = id;
  }
  return 0;
}

void HeldChunks::CheckInvariants() const {
  uint64_t spool = 0;
  for (const auto& [id, chunk] : chunks_) {
    FANMILL_CHECK(id == chunk.id());
    FANMILL_CHECK(chunk.next <= chunk.waiting_end && chunk.counted == chunk.waiting());
    FANMILL_CHECK(chunk.unfinished.size() == chunk.waiting() + chunk.in_slots,
                  "an unfinished task waits or is in a slot");
    FANMILL_CHECK(!chunk.forsaken || chunk.waiting() == 0);
    spool += chunk.spool_bytes;
  }
  FANMILL_CHECK(spool == spool_bytes_);
}

}  // namespace fanmill::worker
