#include "worker/slot_tally.h"

#include <algorithm>

namespace fanmill::worker {

Tally::Tally(Instant origin) : origin_(origin), steps_{{origin, 0, 0}} {}

void Tally::Set(Instant now, uint32_t slots) {
  const Step& last = steps_.back();
  const Instant at = std::max(now, last.at);
  const int64_t total = last.total + (at - last.at).count() * last.slots;
  steps_.push_back({at, total, slots});
  if (steps_.size() > kStepsMax) steps_.pop_front();
}

int64_t Tally::At(Instant t) const {
  if (t <= origin_) return 0;
  const Step& oldest = steps_.front();
  if (t < oldest.at) {
    const auto share = static_cast<long double>((t - origin_).count()) /
                       static_cast<long double>((oldest.at - origin_).count());
    return static_cast<int64_t>(share * static_cast<long double>(oldest.total));
  }
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), t,
                                      [](Instant at, const Step& step) { return at < step.at; });
  const Step& step = *std::prev(after);
  return step.total + (t - step.at).count() * step.slots;
}

}  // namespace fanmill::worker
