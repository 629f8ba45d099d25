// SlotTimers: at most one deadline per slot, the next one at hand.
#ifndef FANMILL_WORKER_SLOT_TIMERS_H_
#define FANMILL_WORKER_SLOT_TIMERS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "lib/core/instant.h"

namespace fanmill {

class SlotTimers {
 public:
  explicit SlotTimers(uint32_t slots) : due_(slots, kNever) {}

  // Replaces the slot's deadline; kNever: it has none.
  void Set(uint32_t slot, Instant due) {
    if (due_[slot] != kNever) order_.erase({due_[slot], slot});
    if (due != kNever) order_.insert({due, slot});
    due_[slot] = due;
  }

  // All deadlines, later by this much.
  void Postpone(Duration pause) {
    for (uint32_t slot = 0; slot < due_.size(); ++slot) Set(slot, After(due_[slot], pause));
  }

  Instant Next() const { return order_.empty() ? kNever : order_.begin()->first; }

  // A slot whose deadline is at or before `now`, which it has no longer; the earliest first.
  std::optional<uint32_t> TakeDue(Instant now) {
    if (Next() > now || order_.empty()) return std::nullopt;
    const uint32_t slot = order_.begin()->second;
    Set(slot, kNever);
    return slot;
  }

 private:
  std::vector<Instant> due_;
  std::set<std::pair<Instant, uint32_t>> order_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_SLOT_TIMERS_H_
