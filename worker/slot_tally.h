// Tally: slots added up over time, with a memory of its recent past. A batch's start and end are
// learned after the event, so what was counted until then must be known later.
#ifndef FANMILL_WORKER_SLOT_TALLY_H_
#define FANMILL_WORKER_SLOT_TALLY_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "lib/core/instant.h"

namespace fanmill::worker {

class Tally {
 public:
  static constexpr size_t kStepsMax = 4096;

  explicit Tally(Instant origin);
  // From `now` on it grows by `slots` microseconds each microsecond. Times do not go back.
  void Set(Instant now, uint32_t slots);
  uint32_t slots() const { return steps_.back().slots; }
  // Slot-microseconds from the origin to `t`: exact within the last kStepsMax changes, evenly
  // spread before them; in any case it never falls as `t` rises.
  int64_t At(Instant t) const;

 private:
  struct Step {
    Instant at;
    int64_t total;
    uint32_t slots;
  };
  Instant origin_;
  std::deque<Step> steps_;  // never empty
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_SLOT_TALLY_H_
