#include "ventilator/room.h"

#include <algorithm>

namespace fanmill::ventilator {

Room::Room(const Mill& mill) : options_(mill.options) {
  for (const auto& [id, batch] : mill.batches) held_ += batch->bytes();
}

uint64_t Room::For(const BatchTasks* batch) const {
  const uint64_t own = batch == nullptr ? 0 : batch->bytes();
  const uint64_t most = options_.intake_bytes_max;
  const uint64_t left = most - std::min(held_ - own, most);
  const uint64_t share = std::max(left / 2, options_.intake_batch_bytes_min);
  const uint64_t room = share - std::min(own, share);
  return room < kRoomMin ? 0 : std::min(room, options_.intake_client_bytes_max);
}

}  // namespace fanmill::ventilator
