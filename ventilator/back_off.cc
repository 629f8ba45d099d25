#include "ventilator/back_off.h"

#include <algorithm>

#include "lib/core/check.h"

namespace fanmill::ventilator {

BackOff::BackOff(const pb::Spec& spec, uint64_t seed)
    : first_(static_cast<int64_t>(spec.retry_delay_us())),
      most_(std::max(first_, Duration(static_cast<int64_t>(spec.retry_delay_max_us())))),
      random_(seed) {}

Duration BackOff::Delay(uint64_t failures) {
  Duration delay = first_;
  for (uint64_t i = 1; i < failures && delay < most_; ++i) delay *= 2;
  delay = std::min(delay, most_);
  return delay + Duration(random_.Uniform(static_cast<uint64_t>(delay.count()) / 2 + 1));
}

std::optional<uint64_t> BackOff::Add(Instant now, uint64_t task, uint64_t failures) {
  if (first_ == Duration{0}) return task;
  const Instant due = now + Delay(failures);
  FANMILL_CHECK(due_of_.emplace(task, due).second, "a task waits once");
  by_due_.emplace(due, task);
  if (due_of_.size() <= kTasksMax) return std::nullopt;
  return TakeFirst();
}

bool BackOff::Remove(uint64_t task) {
  const auto found = due_of_.find(task);
  if (found == due_of_.end()) return false;
  by_due_.erase({found->second, task});
  due_of_.erase(found);
  return true;
}

std::optional<uint64_t> BackOff::TakeDue(Instant now) {
  if (now < due()) return std::nullopt;
  return TakeFirst();
}

uint64_t BackOff::TakeFirst() {
  const uint64_t task = by_due_.begin()->second;
  Remove(task);
  return task;
}

void BackOff::Clear() {
  due_of_.clear();
  by_due_.clear();
}

}  // namespace fanmill::ventilator
