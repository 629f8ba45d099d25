// TaskSet, the packed form of an ordered list of task numbers, and small tools to read and write
// it. A list without gaps costs two numbers on the wire, however long it is.
#ifndef FANMILL_LIB_CORE_TASK_SET_H_
#define FANMILL_LIB_CORE_TASK_SET_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

bool IsContiguous(const pb::TaskSet& set);

// False when counts and deltas contradict each other, a number is negative or at least
// kTasksPerBatchMax, or there are more than `count_max` tasks. A contiguous set may be as long as
// `count_max`.
bool IsValid(const pb::TaskSet& set, uint64_t count_max);

// In its order. REQUIRES: IsValid.
template <class Visit>  // void(uint64_t index, uint64_t task)
void ForEachTask(const pb::TaskSet& set, Visit&& visit) {
  uint64_t task = set.first();
  for (uint64_t i = 0; i < set.count(); ++i) {
    if (i > 0) {
      task += set.delta_size() == 0 ? 1 : static_cast<uint64_t>(set.delta(static_cast<int>(i) - 1));
    }
    visit(i, task);
  }
}

std::vector<uint64_t> Unpack(const pb::TaskSet& set);

// Tasks in the given order. REQUIRES: not empty.
pb::TaskSet PackTasks(const std::vector<uint64_t>& tasks);
pb::TaskSet PackRange(uint64_t first, uint64_t count);

// Numbers coded as differences to the one before, from 0 (Ack.whole, Finished.chunks, ...).
// Decoding wraps as two's complement does, so that no sender can cause an overflow.
void PackDeltas(const std::vector<uint64_t>& numbers,
                google::protobuf::RepeatedField<int64_t>* deltas);
std::vector<uint64_t> UnpackDeltas(const google::protobuf::RepeatedField<int64_t>& deltas);

// Chunk ids: unique in the cluster and rising, since the ventilator's epoch stands in the high
// bits.
inline constexpr int kChunkCounterBits = 40;
constexpr uint64_t ChunkId(uint64_t epoch, uint64_t n) { return (epoch << kChunkCounterBits) + n; }
constexpr uint64_t ChunkEpoch(uint64_t chunk) { return chunk >> kChunkCounterBits; }

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_TASK_SET_H_
