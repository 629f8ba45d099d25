#include "ventilator/mill.h"

#include "lib/core/task_set.h"

namespace fanmill::ventilator {
namespace {

MemberOptions AsMember(const DispatcherOptions& options) {
  MemberOptions member;
  member.role = pb::VENTILATOR;
  member.epoch = options.epoch;
  member.controller = options.controller;
  member.hello.set_version(options.version);
  member.hello.set_host(options.host);
  member.hello.set_pid(options.pid);
  member.hello.set_name(options.name);
  member.hello.set_directory(options.directory);
  *member.hello.mutable_endpoints() = options.endpoints;
  member.topics = {SignalPrefix(Signal::Topic::kAll, 0), "b/"};
  member.hello_every = options.hello_every;
  member.lease = options.lease;
  return member;
}

}  // namespace

Mill::Mill(const DispatcherOptions& o) : options(o), member(AsMember(o)) {}

bool Mill::IsLeaving(uint32_t worker) const {
  const pb::ClusterState& state = member.state();
  if (state.wish() != pb::RUN) return true;
  for (const pb::WorkerWish& wish : state.workers()) {
    if (wish.number() == worker && wish.wish() != pb::RUN) return true;
  }
  return false;
}

}  // namespace fanmill::ventilator
