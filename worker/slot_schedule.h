// Which tasks go to which slot, and in which bites. The chunk that came first goes first. A bite is
// a run of tasks of one chunk that is expected to take about as long as *bite*: many tiny tasks,
// one long one; never so many that another slot would be left without. What tasks of a batch cost
// is learned: quick to believe that they are long, slow to believe that they are short.
#ifndef FANMILL_WORKER_SLOT_SCHEDULE_H_
#define FANMILL_WORKER_SLOT_SCHEDULE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "lib/core/instant.h"
#include "worker/held_chunks.h"

namespace fanmill::worker {

// What a slot was handed and has not told the end of: indexes [next, end) of the chunk.
struct Bite {
  uint64_t chunk = 0;
  uint32_t batch = 0;
  uint32_t next = 0;
  uint32_t end = 0;
  bool retry = false;
  Instant since;  // handed, or the end of what the slot told last
};

class SlotSchedule {
 public:
  SlotSchedule(uint32_t slots, Duration bite);

  // The chunk's waiting tasks may start from now on (its batch's spec is here).
  void Enqueue(const HeldChunk& chunk);
  // Takes the next bite, or nothing: no slot is idle, or no task may start. `begun_only`: no chunk
  // is begun that is not yet.
  struct Start {
    uint32_t slot;
    Bite bite;
  };
  std::optional<Start> Next(Instant now, HeldChunks& held, bool begun_only);

  // Null when the slot has nothing.
  const Bite* InSlot(uint32_t slot) const;
  // Tasks of the slot's bite ended, after `run` in sum; others were stopped.
  void Ran(Instant now, uint32_t slot, uint32_t ended, uint32_t stopped, Duration run);
  void Free(uint32_t slot);

  uint32_t slots() const { return static_cast<uint32_t>(bites_.size()); }
  uint32_t idle() const { return static_cast<uint32_t>(idle_.size()); }
  uint32_t busy() const { return slots() - idle(); }
  uint32_t BusyWith(uint32_t batch) const;
  const std::vector<std::optional<Bite>>& bites() const { return bites_; }
  void ForgetBatch(uint32_t batch) { learned_.erase(batch); }

  void CheckInvariants(const HeldChunks& held) const;

 private:
  struct Learned {
    bool known = false;
    double cost_us = 0;     // of a task: the dearest lately
    uint32_t bite_max = 1;  // grows as bites turn out cheap
  };
  HeldChunk* FirstStartable(HeldChunks& held, bool begun_only);
  uint32_t BiteSize(uint32_t batch, uint32_t waiting);

  const Duration bite_;
  std::vector<std::optional<Bite>> bites_;  // by slot
  std::vector<uint32_t> idle_;              // a stack
  std::set<uint64_t> queue_;                // chunks that have, or had, waiting tasks to start
  std::map<uint32_t, Learned> learned_;     // by batch
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_SLOT_SCHEDULE_H_
