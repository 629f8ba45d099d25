// TaskList: the tasks of one chunk, in order. A run without gaps costs two numbers.
#ifndef FANMILL_VENTILATOR_TASK_LIST_H_
#define FANMILL_VENTILATOR_TASK_LIST_H_

#include <cstdint>
#include <vector>

#include "lib/core/task_set.h"

namespace fanmill::ventilator {

class TaskList {
 public:
  TaskList() = default;
  TaskList(uint64_t first, uint64_t count) : first_(first), count_(count) {}
  explicit TaskList(const pb::TaskSet& set) : first_(set.first()), count_(set.count()) {
    if (!IsContiguous(set)) listed_ = Unpack(set);
  }

  void Append(uint64_t task) {
    if (count_ == 0) first_ = task;
    if (listed_.empty() && task != first_ + count_) {
      for (uint64_t i = 0; i < count_; ++i) listed_.push_back(first_ + i);
    }
    if (!listed_.empty()) listed_.push_back(task);
    ++count_;
  }
  uint64_t size() const { return count_; }
  uint64_t operator[](uint64_t index) const {
    return listed_.empty() ? first_ + index : listed_[index];
  }
  bool contiguous() const { return listed_.empty(); }
  pb::TaskSet Pack() const {
    return listed_.empty() ? PackRange(first_, count_) : PackTasks(listed_);
  }

 private:
  uint64_t first_ = 0;
  uint64_t count_ = 0;
  std::vector<uint64_t> listed_;  // empty: contiguous
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_TASK_LIST_H_
