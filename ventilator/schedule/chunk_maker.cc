#include "ventilator/schedule/chunk_maker.h"

#include <algorithm>

#include "lib/core/limits.h"

namespace fanmill::ventilator {
namespace {

constexpr uint64_t kSpoolBytesAssumed = uint64_t{64} << 20;  // of a worker that does not say

// Fills one chunk as far as the lane and the chunk's own limits allow.
class ChunkFiller {
 public:
  ChunkFiller(BatchTasks& batch, const Lane& lane) : batch_(batch), lane_(lane) {}

  // Of a run of equal cost: how many of its first tasks fit in a chunk of this lane now.
  uint64_t FitOfRun(uint64_t first, uint64_t count) const {
    const uint64_t cost = batch_.CostNs(first);
    // What was only learned is trusted step by step.
    const bool declared = batch_.blocks().CostUs(first) != 0;
    const uint64_t chunk_max = declared ? kTasksPerChunkMax : batch_.chunk_max();
    const uint64_t window =
        std::min(WindowTasks(cost, lane_.slots), lane_.slots + kTinyChunksPerLane * chunk_max);
    if (lane_.unfinished >= window) return 0;
    const uint64_t room = window - lane_.unfinished;
    const uint64_t aim = ChunkTasksAim(cost, chunk_max, window);
    // Rather wait for more room than dribble: unless a slot is idle.
    if (!lane_.IsIdle() && room < aim / 2) return 0;
    return FitBytes(first, std::min({count, room, aim}));
  }

  // One task more, of whatever cost, after those taken before.
  bool FitsNext(uint64_t task) const {
    const uint64_t cost = batch_.CostNs(task);
    const uint64_t held = lane_.unfinished + chunk_.tasks.size();
    if (held >= WindowTasks(cost, lane_.slots)) return false;
    if (chunk_.tasks.size() == 0) return FitBytes(task, 1) == 1;
    return chunk_.tasks.size() < kTasksPerChunkMax && work_ns_ + cost <= kChunkWorkNs &&
           cost != 0 && batch_.blocks().SameKind(chunk_.tasks[0], task) &&
           payload_bytes_ + batch_.blocks().PayloadSize(task) <= kChunkPayloadBytesMax;
  }

  void Take(uint64_t task) {
    const uint32_t attempt = batch_.plain() ? 1 : batch_.NextAttempt(task);
    if (attempt > 1 && chunk_.attempts.empty()) chunk_.attempts.assign(chunk_.tasks.size(), 1);
    if (attempt > 1 || !chunk_.attempts.empty()) chunk_.attempts.push_back(attempt);
    if (attempt > 1) batch_.CountRetried(1);
    chunk_.tasks.Append(task);
    payload_bytes_ += batch_.blocks().PayloadSize(task);
    work_ns_ += batch_.blocks().costs_vary() ? batch_.CostNs(task) : 0;
  }

  void TakeRun(uint64_t begin, uint64_t end) {
    if (!batch_.plain() || payload_bytes_ > 0 || chunk_.tasks.size() > 0) {
      for (uint64_t task = begin; task < end; ++task) Take(task);
    } else {
      chunk_.tasks = TaskList(begin, end - begin);
    }
  }

  std::optional<Chunk> Finish(pb::TaskChunk& out) {
    if (chunk_.tasks.size() == 0) return std::nullopt;
    out.set_batch(batch_.id());
    *out.mutable_tasks() = chunk_.tasks.Pack();
    out.mutable_attempt()->Assign(chunk_.attempts.begin(), chunk_.attempts.end());
    batch_.blocks().FillAll(chunk_.tasks, out);
    chunk_.batch = batch_.id();
    chunk_.unfinished = chunk_.tasks.size();
    chunk_.bytes = out.payloads().size() + kResultBytesReckoned * chunk_.tasks.size();
    return std::move(chunk_);
  }

 private:
  // How many of `count` tasks from `first` on have payloads of one kind that fit together.
  uint64_t FitBytes(uint64_t first, uint64_t count) const {
    const PayloadBlocks& blocks = batch_.blocks();
    const uint64_t end = blocks.KindEnd(first, first + count);
    if (!blocks.HasBytes(first)) return end - first;
    uint64_t bytes = blocks.PayloadSize(first);
    uint64_t task = first + 1;
    for (; task < end; ++task) {
      bytes += blocks.PayloadSize(task);
      if (bytes > kChunkPayloadBytesMax) break;
    }
    return task - first;
  }

  BatchTasks& batch_;
  const Lane& lane_;
  Chunk chunk_;
  uint64_t payload_bytes_ = 0;
  uint64_t work_ns_ = 0;
};

bool SpoolHasRoom(const Lane& lane) {  // R24, R41
  const uint64_t spool = lane.spool_bytes == 0 ? kSpoolBytesAssumed : lane.spool_bytes;
  return lane.chunks.empty() || lane.undurable_bytes < spool;
}

}  // namespace

uint64_t WindowTasks(uint64_t cost_ns, uint32_t slots) {
  if (cost_ns == 0) return slots;
  const uint64_t prefetch = slots * (kPrefetchNsPerSlot / cost_ns);
  const bool tiny = cost_ns * kTasksPerChunkMax <= kChunkWorkNs;
  const uint64_t window = slots + prefetch;
  return tiny ? std::max<uint64_t>(window, kTinyChunksPerLane * kTasksPerChunkMax) : window;
}

uint64_t ChunkTasksAim(uint64_t cost_ns, uint64_t chunk_max, uint64_t window) {
  if (cost_ns == 0) return 1;
  // At least two chunks fill the window, so that one runs while the next is on its way.
  const uint64_t aim =
      std::min({kChunkWorkNs / cost_ns, window / 2, chunk_max, uint64_t{kTasksPerChunkMax}});
  return std::max<uint64_t>(aim, 1);
}

std::optional<Chunk> MakeChunk(BatchTasks& batch, const Lane& lane, pb::TaskChunk& tasks) {
  if (!SpoolHasRoom(lane)) return std::nullopt;
  ChunkFiller filler(batch, lane);
  if (batch.HasLonely() && lane.chunks.empty()) {  // R54
    filler.Take(batch.TakeLonely());
  } else if (batch.HasAgain()) {
    const auto [begin, end] = batch.PeekAgain();
    const uint64_t count = filler.FitOfRun(begin, end - begin);
    filler.TakeRun(begin, begin + count);
    batch.TakeAgain(begin, begin + count);
  } else if (batch.blocks().costs_vary()) {
    while (const LookAhead::Entry* next = batch.PeekLongest()) {
      if (!filler.FitsNext(next->task)) break;
      filler.Take(next->task);
      batch.TakeLongest();
    }
  } else {
    const auto [begin, end] = batch.PeekFresh(kTasksPerChunkMax);
    const uint64_t count = begin == end ? 0 : filler.FitOfRun(begin, end - begin);
    filler.TakeRun(begin, begin + count);
    batch.TakeFresh(begin, begin + count);
  }
  return filler.Finish(tasks);
}

}  // namespace fanmill::ventilator
