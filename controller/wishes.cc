#include "controller/wishes.h"

#include <algorithm>

namespace fanmill::control {
namespace {

bool IsThere(const Member* member) { return member != nullptr && member->live(); }

}  // namespace

void Wishes::SawGeneration(uint64_t generation) {
  last_generation_ = std::max(last_generation_, generation);
}

bool Wishes::Apply(const pb::ClusterWish& wish) {
  if (wish.wish() <= wish_) return false;
  SawGeneration(wish.generation());
  wish_ = wish.wish();
  asked_ = std::max(asked_, wish_);
  generation_ = wish.generation();
  stage_ = std::max(stage_, 1u);
  return true;
}

void Wishes::Reset() {
  const uint64_t seen = last_generation_;
  *this = Wishes();
  last_generation_ = seen;
}

bool Wishes::Advance(const Membership& members) {
  if (wish_ == pb::RUN || over_) return false;
  const uint32_t before = stage_;
  const bool workers_left = members.LiveWorkers() == 0;
  if (stage_ == 1 && workers_left) stage_ = 2;
  if (stage_ == 2 && !IsThere(members.ventilator())) stage_ = 3;
  over_ = stage_ == 3 && workers_left && !IsThere(members.ventilator()) && !IsThere(members.sink());
  return stage_ != before || over_;
}

}  // namespace fanmill::control
