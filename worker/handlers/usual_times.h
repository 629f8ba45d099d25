// UsualTimes: how long tasks of a batch take here, for a timeout that is told as a share of that.
#ifndef FANMILL_WORKER_HANDLERS_USUAL_TIMES_H_
#define FANMILL_WORKER_HANDLERS_USUAL_TIMES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "lib/core/instant.h"
#include "lib/core/sketch.h"

namespace fanmill {

class UsualTimes {
 public:
  static constexpr uint64_t kEndedMin = 3;  // below, nobody knows what is usual
  // Below, a busy machine would be taken for a task that hangs.
  static constexpr Duration kShareMin = Millis(100);
  static constexpr size_t kBatchesMax = 64;  // the oldest are forgotten first

  // A task ended by itself.
  void Add(uint32_t batch, Duration run);
  // `percent` of the median, at least kShareMin. nullopt while it is not known.
  std::optional<Duration> Share(uint32_t batch, uint32_t percent) const;

 private:
  std::map<uint32_t, Sketch> batches_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_USUAL_TIMES_H_
