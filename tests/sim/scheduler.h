// The simulator's time: events in order, the clock jumping from one to the next.
#ifndef FANMILL_TESTS_SIM_SCHEDULER_H_
#define FANMILL_TESTS_SIM_SCHEDULER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "lib/core/instant.h"

namespace fanmill::sim {

class Scheduler {
 public:
  Instant now() const { return now_; }
  uint64_t steps() const { return steps_; }

  // Ties go in the order of the calls, so that a seed replays.
  void At(Instant when, std::function<void()> event) {
    events_.push_back({std::max(when, now_), next_++, std::move(event)});
    std::push_heap(events_.begin(), events_.end());
  }
  void In(Duration delay, std::function<void()> event) { At(After(now_, delay), std::move(event)); }

  // Runs the next event; false when there is none up to `end`.
  bool Step(Instant end) {
    if (events_.empty() || events_.front().when > end) return false;
    std::pop_heap(events_.begin(), events_.end());
    const std::function<void()> event = std::move(events_.back().event);
    now_ = events_.back().when;
    events_.pop_back();
    ++steps_;
    event();
    return true;
  }

 private:
  struct Event {
    Instant when;
    uint64_t number;
    std::function<void()> event;

    // The heap's top is its greatest: the earliest.
    bool operator<(const Event& other) const {
      return std::pair(when, number) > std::pair(other.when, other.number);
    }
  };

  Instant now_{};
  uint64_t next_ = 0;
  uint64_t steps_ = 0;
  std::vector<Event> events_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_SCHEDULER_H_
