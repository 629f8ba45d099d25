// LookAhead: the tasks that come next in order of their declared cost, the longest first; equal
// ones by number, so that they still make chunks without gaps.
#ifndef FANMILL_VENTILATOR_SCHEDULE_LOOK_AHEAD_H_
#define FANMILL_VENTILATOR_SCHEDULE_LOOK_AHEAD_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fanmill::ventilator {

class LookAhead {
 public:
  static constexpr uint64_t kTasksMax = 65536;

  struct Entry {
    uint64_t cost_us;
    uint64_t task;
  };

  bool full() const { return heap_.size() >= kTasksMax; }
  bool empty() const { return heap_.empty(); }
  uint64_t size() const { return heap_.size(); }
  void Add(Entry entry) {
    heap_.push_back(entry);
    std::push_heap(heap_.begin(), heap_.end(), Later);
  }
  const Entry& Longest() const { return heap_.front(); }
  void Pop() {
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    heap_.pop_back();
  }
  const std::vector<Entry>& entries() const { return heap_; }

 private:
  static bool Later(const Entry& a, const Entry& b) {
    return a.cost_us != b.cost_us ? a.cost_us < b.cost_us : a.task > b.task;
  }
  std::vector<Entry> heap_;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_SCHEDULE_LOOK_AHEAD_H_
