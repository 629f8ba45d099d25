// The chunks that a worker holds: tasks that wait or run, and results until they are durable. Says
// what of them waits, what is unfinished, what was given back, and how large the spool is.
//
//   waits --taken--> in a slot --ended--> result held --durable or DROP--> forgotten
//     |                  |
//     +--given back------+--stopped--> returned --DROP--> forgotten
#ifndef FANMILL_WORKER_HELD_CHUNKS_H_
#define FANMILL_WORKER_HELD_CHUNKS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "lib/core/chunk_tasks.h"
#include "lib/core/local.h"
#include "lib/core/range_set.h"
#include "worker/output_transfer.h"
#include "worker/result_packer.h"

namespace fanmill::worker {

// A task chunk as it came, and a view of its tasks. Never moved, since the view looks into it.
struct TaskSource {
  explicit TaskSource(std::shared_ptr<const pb::Envelope> from)
      : envelope(std::move(from)), tasks(envelope->tasks()) {}
  TaskSource(const TaskSource&) = delete;
  const pb::TaskChunk& chunk() const { return envelope->tasks(); }

  const std::shared_ptr<const pb::Envelope> envelope;
  const ChunkTasks tasks;
};

struct HeldChunk {
  HeldChunk(std::shared_ptr<const TaskSource> from, uint64_t lane);

  uint64_t id() const { return source->chunk().chunk(); }
  uint32_t batch() const { return source->chunk().batch(); }
  uint32_t waiting() const { return waiting_end - next; }
  bool begun() const { return next > 0; }
  bool finished() const { return unfinished.empty(); }

  // Takes up to `count` of the first that wait: [begin, end), all first attempts or all further
  // ones. REQUIRES: something waits.
  std::pair<uint32_t, uint32_t> Take(uint32_t count);
  // Tasks that were in a slot ended there.
  void Ended(uint32_t begin, uint32_t end);
  // ... were stopped there before they ended: they are given back, or forgotten with the chunk.
  void Stopped(uint32_t index);
  // Gives back up to `count` of the last that wait; how many it were.
  uint32_t GiveBack(uint32_t count);
  // R40: nothing that waits will start; what runs goes on.
  void Forsake();

  std::shared_ptr<const TaskSource> source;
  uint64_t lane;      // the token of the lane it came over
  uint32_t next = 0;  // [next, waiting_end) wait
  uint32_t waiting_end;
  uint32_t in_slots = 0;
  bool forsaken = false;  // only what is in slots is still of interest
  RangeSet unfinished;    // indexes that wait or run
  RangeSet returned;
  RangeSet stopped;                   // those of returned that were in a slot
  PendingResults pending;             // ended, not yet in a packet
  std::vector<ResultPacket> packets;  // sent, not known to be durable
  bool packed = false;                // something of it was put into a packet
  bool flush_waits = false;           // a time is set at which what is pending will be packed
  uint32_t resends = 0;
  uint64_t spool_bytes = 0;
  uint32_t counted = 0;  // what HeldChunks::WaitingOf has of it
};

class HeldChunks {
 public:
  using Map = std::map<uint64_t, HeldChunk>;  // in the order of arrival: ids rise

  // Null when the chunk is held already.
  HeldChunk* Add(std::shared_ptr<const TaskSource> source, uint64_t lane);
  HeldChunk* Find(uint64_t chunk);
  void Erase(uint64_t chunk);

  // Keeps account of the packets' size.
  void Keep(HeldChunk& chunk, ResultPacket packet);
  // Forgets all results of the chunk and returns the handles of its spilled outputs.
  std::vector<uint64_t> DropResults(HeldChunk& chunk);

  const Map& chunks() const { return chunks_; }
  Map& chunks() { return chunks_; }
  bool HasResults() const;  // that may still be needed
  uint64_t spool_bytes() const { return spool_bytes_; }
  // Brings the count of the batch's waiting tasks up to date after a change to the chunk.
  void Recount(HeldChunk& chunk);
  uint64_t WaitingOf(uint32_t batch) const;
  std::vector<uint64_t> OfBatch(uint32_t batch) const;

  // For reports and hellos, from the lowest id on, as many as fit into a frame. Returns the last
  // that did, or 0 when all did. A chunk whose large outputs are still on their way out is not told
  // as finished: nobody waits for it yet.
  uint64_t Describe(bool with_tasks, const OutputTransfer& transfer,
                    google::protobuf::RepeatedPtrField<pb::HeldChunk>* held) const;

  void CheckInvariants() const;

 private:
  Map chunks_;
  uint64_t spool_bytes_ = 0;
  std::map<uint32_t, uint64_t> waiting_;  // by batch; none that is 0
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_HELD_CHUNKS_H_
