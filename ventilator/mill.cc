#include "ventilator/mill.h"

#include "lib/core/task_set.h"

namespace fanmill::ventilator {
namespace {

MemberOptions AsMember(const DispatcherOptions& options) {
  MemberOptions member(pb::VENTILATOR, options.epoch, options);
  *member.hello.mutable_endpoints() = options.endpoints;
  member.hello.set_durability(options.durability);
  return member;
}

}  // namespace

Mill::Mill(const DispatcherOptions& o) : options(o), member(AsMember(o)) {}

bool Mill::IsLeaving(uint32_t worker) const {
  if (IsShuttingDown()) return true;
  for (const pb::WorkerWish& wish : member.state().workers()) {
    if (wish.number() == worker && wish.wish() != pb::RUN) return true;
  }
  return false;
}

}  // namespace fanmill::ventilator
