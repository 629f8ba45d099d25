// BackOff: the tasks of one batch that failed and wait before they are tried again (R108). Each
// waits the batch's delay, twice as long after each further failure, and up to half as much more by
// chance, so that what failed together does not come back together.
#ifndef FANMILL_VENTILATOR_BACK_OFF_H_
#define FANMILL_VENTILATOR_BACK_OFF_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "lib/core/random.h"

namespace fanmill::ventilator {

class BackOff {
 public:
  static constexpr uint64_t kTasksMax = 65536;  // with one more, who comes first waits no longer

  BackOff(const pb::Spec& spec, uint64_t seed);

  // The task failed, for the `failures`th time. Returns who need not wait, if anybody: itself where
  // there is no delay, or another one where too many wait. REQUIRES: it does not wait.
  std::optional<uint64_t> Add(Instant now, uint64_t task, uint64_t failures);
  bool Remove(uint64_t task);  // false: it did not wait
  // One whose time has come; it waits no longer.
  std::optional<uint64_t> TakeDue(Instant now);
  void Clear();

  bool Contains(uint64_t task) const { return due_of_.contains(task); }
  bool empty() const { return due_of_.empty(); }
  uint64_t size() const { return due_of_.size(); }
  Instant due() const { return by_due_.empty() ? kNever : by_due_.begin()->first; }  // the first

 private:
  Duration Delay(uint64_t failures);
  uint64_t TakeFirst();

  const Duration first_;
  const Duration most_;
  Random random_;
  std::map<uint64_t, Instant> due_of_;
  std::set<std::pair<Instant, uint64_t>> by_due_;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_BACK_OFF_H_
