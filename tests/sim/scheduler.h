// The simulator's time: events in order, the clock jumping from one to the next.
#ifndef FANMILL_TESTS_SIM_SCHEDULER_H_
#define FANMILL_TESTS_SIM_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "lib/core/instant.h"

namespace fanmill::sim {

class Scheduler {
 public:
  Instant now() const { return now_; }
  uint64_t steps() const { return steps_; }

  // Ties go in the order of the calls, so that a seed replays.
  void At(Instant when, std::function<void()> event) {
    events_.emplace(std::pair(std::max(when, now_), next_++), std::move(event));
  }
  void In(Duration delay, std::function<void()> event) { At(After(now_, delay), std::move(event)); }

  // Runs the next event; false when there is none up to `end`.
  bool Step(Instant end) {
    if (events_.empty() || events_.begin()->first.first > end) return false;
    auto node = events_.extract(events_.begin());
    now_ = node.key().first;
    ++steps_;
    node.mapped()();
    return true;
  }

 private:
  Instant now_{};
  uint64_t next_ = 0;
  uint64_t steps_ = 0;
  std::map<std::pair<Instant, uint64_t>, std::function<void()>> events_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_SCHEDULER_H_
