// Wishes for the whole cluster: everybody leaves in stages, the controller last. R102
#include <utility>

#include "controller/controller.h"

namespace fanmill {

using control::Confirmation;
using control::ConfirmationOf;

void Controller::ApplyClusterWish(Instant now, const pb::ClusterWish& wish, Outbox& outbox) {
  if (wish.wish() == pb::RUN) {
    over_durable_ = true;  // the next start of this cluster begins afresh
    return;
  }
  if (!wishes_.Apply(wish)) return;
  Send({Signal::Topic::kAll, 0,
        wish.wish() == pb::KILL ? Signal::Verb::kKill : Signal::Verb::kDrain, wish.generation()},
       outbox);
  view_.Changed();
  Count(wish.wish() == pb::KILL ? "R101" : "R100");
  for (auto& [incarnation, worker] : members_.workers()) {
    const bool lacks = worker.ran && ConfirmationOf(worker, nullptr) == Confirmation::kLacking;
    worker.asked = worker.asked || !worker.left || lacks;
  }
  // Who is silent may be alive: nobody waits for it, but without its word it is named.
  for (const Member* role : {members_.ventilator(), members_.sink()}) {
    if (role != nullptr && !role->left) members_.Find(role->role, role->incarnation)->asked = true;
  }
  if (recovered_) AdvanceShutdown(now, outbox);
}

void Controller::AdvanceShutdown(Instant now, Outbox& outbox) {
  if (!wishes_.Advance(members_)) return;
  Count("R102");
  ChangedForAll(outbox);
  if (!wishes_.over() || over_since_ != kNever) return;
  over_since_ = now;
  pb::BookRecord record;
  record.mutable_whole()->set_wish(pb::RUN);
  record.mutable_whole()->set_generation(wishes_.last_generation());
  book_.Write(std::move(record), 0, outbox);
}

void Controller::Leave(Instant now) {
  if (over_since_ == kNever || !over_durable_ || done_) return;
  const bool told = told_ != kNever && now >= After(told_, options_.farewell);
  if (!told && now < After(over_since_, options_.untold)) return;
  for (const Member* member : members_.Everybody()) {
    if (member->asked && ConfirmationOf(*member, nullptr) != Confirmation::kGiven) {
      Notice(MemberName(*member) + " has not confirmed that nothing of it runs any more");
    }
  }
  done_ = true;
}

}  // namespace fanmill
