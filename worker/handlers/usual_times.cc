#include "worker/handlers/usual_times.h"

#include <algorithm>

namespace fanmill {

void UsualTimes::Add(uint32_t batch, Duration run) {
  if (batches_.size() >= kBatchesMax && !batches_.contains(batch)) {
    batches_.erase(batches_.begin());
  }
  batches_[batch].Add(static_cast<uint64_t>(std::max<int64_t>(run.count(), 0)));
}

std::optional<Duration> UsualTimes::Share(uint32_t batch, uint32_t percent) const {
  const auto found = batches_.find(batch);
  if (found == batches_.end() || found->second.count() < kEndedMin) return std::nullopt;
  const double share = static_cast<double>(found->second.Quantile(0.5)) / 100 * percent;
  constexpr double kShareMax = 1e18;  // in microseconds; fits
  return std::max(kShareMin, Micros(static_cast<int64_t>(std::min(share, kShareMax))));
}

}  // namespace fanmill
