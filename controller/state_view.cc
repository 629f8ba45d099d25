#include "controller/state_view.h"

#include <algorithm>

namespace fanmill::control {
namespace {

uint64_t AgeUs(Instant now, Instant then) {
  return static_cast<uint64_t>(std::max(now - then, Duration{0}).count());
}

void FillAges(pb::BatchState& state, Instant now, Instant start, Instant end) {
  if (state.started()) state.set_start_age_us(AgeUs(now, start));
  if (state.ended()) state.set_end_age_us(AgeUs(now, end));
}

}  // namespace

pb::BatchState StateOf(const Batch& batch, Instant now) {
  pb::BatchState state;
  state.set_batch(batch.id);
  state.set_phase(batch.phase);
  state.set_generation(batch.generation);
  state.set_started(batch.started);
  state.set_ended(batch.closed);
  FillAges(state, now, batch.start, batch.end);
  return state;
}

const pb::ClusterState& StateView::State(Instant now, const Membership& members,
                                         const Wishes& wishes,
                                         const std::map<uint32_t, Batch>& batches,
                                         const Reports& reports) {
  if (built_.version() != version_) Build(members, wishes, batches, reports);
  for (int i = 0; i < built_.batches_size(); ++i) {
    const Ages& ages = ages_[static_cast<size_t>(i)];
    FillAges(*built_.mutable_batches(i), now, ages.start, ages.end);
  }
  return built_;
}

void StateView::Build(const Membership& members, const Wishes& wishes,
                      const std::map<uint32_t, Batch>& batches, const Reports& reports) {
  built_.Clear();
  ages_.clear();
  built_.set_version(version_);
  built_.set_wish(wishes.wish());
  built_.set_generation(wishes.generation());
  built_.set_leave_stage(wishes.stage());
  // Those of a silent ventilator or sink too: silence is no proof, and their address stands.
  if (const Member* ventilator = members.ventilator(); ventilator != nullptr) {
    built_.set_ventilator_epoch(ventilator->incarnation);
    *built_.mutable_ventilator() = ventilator->hello.endpoints();
  }
  if (const Member* sink = members.sink(); sink != nullptr) {
    built_.set_sink_epoch(sink->incarnation);
    *built_.mutable_sink() = sink->hello.endpoints();
  }
  for (const auto& [id, batch] : batches) {
    *built_.add_batches() = StateOf(batch, Instant{});
    ages_.push_back({batch.start, batch.end});
  }
  for (pb::BatchState& owed : reports.Owed(members)) {  // R92
    *built_.add_batches() = std::move(owed);
    ages_.emplace_back();
  }
  built_.set_batches_through(batches_through_);
}

}  // namespace fanmill::control
