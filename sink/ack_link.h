// AckLink: where acks go, and when the socket for them is made anew. Nobody answers an ack, so a
// connection that died unseen shows only by its effects: a probe that keeps coming round.
#ifndef FANMILL_SINK_ACK_LINK_H_
#define FANMILL_SINK_ACK_LINK_H_

#include <cstdint>
#include <string>

#include "absl/container/btree_map.h"
#include "lib/core/message.h"

namespace fanmill {

class AckLink {
 public:
  explicit AckLink(Duration lease) : lease_(lease) {}

  // Connects when the ventilator is another, or somewhere else.
  void Follow(const pb::ClusterState& state, Instant now, Outbox& outbox);
  // A lane's probe came: when the same lane's came a lease ago too, its acks do not arrive.
  void OnProbe(uint64_t lane, Instant now, Outbox& outbox);
  void OnUndeliverable(Instant now, Outbox& outbox) { Remake(now, outbox); }

  bool connected() const { return !endpoint_.empty(); }

 private:
  static constexpr size_t kLanesMax = 4096;  // remembered; above it, all are forgotten

  void Connect(Instant now, Outbox& outbox);
  void Remake(Instant now, Outbox& outbox);  // at most once in a lease

  Duration lease_;
  std::string endpoint_;
  uint64_t epoch_ = 0;
  Instant connected_at_{};
  absl::btree_map<uint64_t, Instant> probed_;  // lane -> its first probe over this connection
};

}  // namespace fanmill

#endif  // FANMILL_SINK_ACK_LINK_H_
