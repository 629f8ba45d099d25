// What the next chunk for a lane is: which tasks, and how many. A chunk aims at a few milliseconds
// of work; a lane holds one task per slot, and beside them no more than covers the round trip of
// the ring, so that nobody waits behind a long task while a slot elsewhere is idle.
#ifndef FANMILL_VENTILATOR_SCHEDULE_CHUNK_MAKER_H_
#define FANMILL_VENTILATOR_SCHEDULE_CHUNK_MAKER_H_

#include <optional>

#include "ventilator/batch_tasks.h"
#include "ventilator/lane.h"

namespace fanmill::ventilator {

inline constexpr uint64_t kChunkWorkNs = 4'000'000;
inline constexpr uint64_t kPrefetchNsPerSlot = 2'000'000;
inline constexpr uint64_t kTinyChunksPerLane = 4;  // of kTasksPerChunkMax tasks each

// How many tasks of that cost (0: unknown) a lane with so many slots may hold unfinished.
uint64_t WindowTasks(uint64_t cost_ns, uint32_t slots);
// How many tasks of that cost make one chunk, if there is room for them.
uint64_t ChunkTasksAim(uint64_t cost_ns, uint64_t chunk_max, uint64_t window);

// Takes tasks from the batch; nothing when it has none for this lane now, or the lane is full. The
// chunk has no id yet. `tasks` gets its columns.
std::optional<Chunk> MakeChunk(BatchTasks& batch, const Lane& lane, pb::TaskChunk& tasks);

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_SCHEDULE_CHUNK_MAKER_H_
