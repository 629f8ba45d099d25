#include "sink/ack_link.h"

namespace fanmill {

void AckLink::Follow(const pb::ClusterState& state, Instant now, Outbox& outbox) {
  const std::string& endpoint = state.ventilator().acks();
  if (endpoint.empty()) return;
  if (endpoint == endpoint_ && state.ventilator_epoch() == epoch_) return;
  endpoint_ = endpoint;
  epoch_ = state.ventilator_epoch();
  Connect(now, outbox);
}

void AckLink::OnProbe(uint64_t lane, Instant now, Outbox& outbox) {
  if (probed_.size() >= kLanesMax) probed_.clear();
  const auto [first, fresh] = probed_.emplace(lane, now);
  if (!fresh && now - first->second >= lease_) Remake(now, outbox);
}

void AckLink::Remake(Instant now, Outbox& outbox) {
  if (connected() && now - connected_at_ >= lease_) Connect(now, outbox);
}

void AckLink::Connect(Instant now, Outbox& outbox) {
  connected_at_ = now;
  probed_.clear();
  outbox.Send(PeerId{Channel::kNet}, fanmill::Connect{Channel::kAcks, endpoint_});
}

}  // namespace fanmill
