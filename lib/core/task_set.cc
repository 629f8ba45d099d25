#include "lib/core/task_set.h"

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill {

bool IsContiguous(const pb::TaskSet& set) { return set.delta_size() == 0; }

bool IsValid(const pb::TaskSet& set, uint64_t count_max) {
  const uint64_t count = set.count();
  if (count > count_max || set.first() >= kTasksPerBatchMax) return false;
  if (IsContiguous(set)) return count <= kTasksPerBatchMax - set.first();
  if (count != static_cast<uint64_t>(set.delta_size()) + 1) return false;
  uint64_t task = set.first();
  for (const int64_t delta : set.delta()) {
    task += static_cast<uint64_t>(delta);  // wraps; whatever is no task number shows as too large
    if (task >= kTasksPerBatchMax) return false;
  }
  return true;
}

std::vector<uint64_t> Unpack(const pb::TaskSet& set) {
  std::vector<uint64_t> tasks;
  tasks.reserve(set.count());
  ForEachTask(set, [&](uint64_t, uint64_t task) { tasks.push_back(task); });
  return tasks;
}

pb::TaskSet PackTasks(const std::vector<uint64_t>& tasks) {
  FANMILL_CHECK(!tasks.empty());
  bool contiguous = true;
  for (size_t i = 1; i < tasks.size() && contiguous; ++i) {
    contiguous = tasks[i] == tasks[i - 1] + 1;
  }
  if (contiguous) return PackRange(tasks.front(), tasks.size());
  pb::TaskSet set;
  set.set_first(tasks.front());
  set.set_count(tasks.size());
  set.mutable_delta()->Reserve(static_cast<int>(tasks.size() - 1));
  for (size_t i = 1; i < tasks.size(); ++i) {
    set.add_delta(static_cast<int64_t>(tasks[i] - tasks[i - 1]));
  }
  return set;
}

pb::TaskSet PackRange(uint64_t first, uint64_t count) {
  pb::TaskSet set;
  set.set_first(first);
  set.set_count(count);
  return set;
}

void PackDeltas(const std::vector<uint64_t>& numbers,
                google::protobuf::RepeatedField<int64_t>* deltas) {
  deltas->Reserve(deltas->size() + static_cast<int>(numbers.size()));
  uint64_t previous = 0;
  for (const uint64_t number : numbers) {
    deltas->Add(static_cast<int64_t>(number - previous));
    previous = number;
  }
}

std::vector<uint64_t> UnpackDeltas(const google::protobuf::RepeatedField<int64_t>& deltas) {
  std::vector<uint64_t> numbers;
  numbers.reserve(static_cast<size_t>(deltas.size()));
  uint64_t number = 0;
  for (const int64_t delta : deltas) {
    number += static_cast<uint64_t>(delta);
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace fanmill
