// Room: how much more a client may bring of its batch. Every batch may hold half of the memory that
// all others leave, and a little in any case: one that does not move, because it is held or nobody
// offers its handler, never stops the others. R82
#ifndef FANMILL_VENTILATOR_ROOM_H_
#define FANMILL_VENTILATOR_ROOM_H_

#include <cstdint>

#include "ventilator/mill.h"

namespace fanmill::ventilator {

inline constexpr uint64_t kRoomMin = 64 << 10;  // less than this is none: better wait for more

class Room {
 public:
  explicit Room(const Mill& mill);  // as things are now

  // What may be unanswered of one client; 0: it has to wait. `batch` null: of a new one.
  uint64_t For(const BatchTasks* batch) const;

 private:
  const DispatcherOptions& options_;
  uint64_t held_ = 0;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_ROOM_H_
