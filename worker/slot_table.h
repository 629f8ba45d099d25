// What a worker's guardian must know when the worker has died: who it was, whom to tell, and which
// attempts its slots had started. Lives in memory shared across the fork, so it must be made
// before it. The working child writes, each entry from one thread at a time; the guardian reads
// after the child's death, however sudden: it sees of each entry the last version set in full.
#ifndef FANMILL_WORKER_SLOT_TABLE_H_
#define FANMILL_WORKER_SLOT_TABLE_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <vector>

#include "lib/core/limits.h"

namespace fanmill {

// A value of which the last version set in full can be read even if its writer was killed while
// setting the next: that one goes to the other of two copies. All bytes zero are a valid T.
template <class T>
class Published {
  static_assert(std::is_trivially_copyable_v<T> && std::atomic<uint32_t>::is_always_lock_free);

 public:
  void Set(const T& value) {
    const uint32_t turn = turn_.load(std::memory_order_relaxed) + 1;
    copies_[turn & 1] = value;
    turn_.store(turn, std::memory_order_release);
  }
  // While a writer is alive only for the writer's own thread.
  T Get() const { return copies_[turn_.load(std::memory_order_acquire) & 1]; }

 private:
  std::atomic<uint32_t> turn_;
  T copies_[2];
};

// Text in a place of fixed size, ended by NUL. False, and left empty, when it does not fit.
template <size_t N>
bool SetText(char (&place)[N], std::string_view text) {
  const bool fits = text.size() < N;
  const size_t kept = fits ? text.copy(place, N - 1) : 0;
  place[kept] = '\0';
  return fits;
}

struct WorkerIdentity {
  uint64_t cluster;  // 0: not known yet, nobody to tell
  uint64_t incarnation;
  char name[kNameBytesMax + 1];
  char lease_endpoint[kNameBytesMax + 1];  // the ventilator's
  char controller[kNameBytesMax + 1];      // its endpoint
};

enum class SlotState : uint32_t { kIdle = 0, kStarting, kRunning };

struct SlotEntry {
  SlotState state;
  uint32_t batch;
  uint64_t task;
  uint64_t chunk;  // its upper bits are the epoch of the attempt
  uint32_t attempt;
  pid_t pid;  // 0: runs in the worker's own process
};

class SlotTable {
 public:
  // 1 to kSlotsPerWorkerMax slots.
  explicit SlotTable(uint32_t slots);
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  uint32_t slots() const { return slots_; }
  Published<WorkerIdentity>& identity() { return shared_->identity; }
  Published<SlotEntry>& slot(uint32_t index);

  // The entries that are not idle, by slot.
  std::vector<SlotEntry> Started() const;

 private:
  struct Shared {
    Published<WorkerIdentity> identity;
    Published<SlotEntry> slots[kSlotsPerWorkerMax];
  };

  uint32_t slots_;
  Shared* shared_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_SLOT_TABLE_H_
