// From what the executor told to the packets that answer a chunk. Plain successes, in runs, become
// one ResultChunk without status, code or size columns and with one mean run time. Other outcomes
// carry the columns they need. One with a large output goes alone, after the parts of that output.
#ifndef FANMILL_WORKER_RESULT_PACKER_H_
#define FANMILL_WORKER_RESULT_PACKER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "lib/core/chunk_tasks.h"
#include "lib/core/limits.h"
#include "lib/core/local.h"
#include "lib/core/wire.h"

namespace fanmill::worker {

// Of one part of a large output. As much as may be sent goes into fewer messages, but a queue full
// of these is no burden.
inline constexpr size_t kPartBytes = 256 << 10;
static_assert(kPartBytes <= kOutputPartBytesMax);

struct PlainRun {
  uint32_t first;
  uint32_t count;
  Duration run;  // in sum
};

// Outcomes of one chunk that are in no packet yet.
struct PendingResults {
  std::vector<PlainRun> plain;
  std::vector<TaskOutcome> others;
  bool empty() const { return plain.empty() && others.empty(); }
};

// An output that has to travel as parts before its result.
struct LargePart {
  uint64_t handle;
  uint64_t task;
  uint32_t attempt;
  uint32_t stream;  // 1 stdout, 2 stderr
  uint64_t size;
  int entry;  // the result's large output that says it; others there travel in no parts
};

struct ResultPacket {
  std::shared_ptr<const pb::Envelope> envelope;  // a ResultChunk
  std::vector<LargePart> large;
  // What it takes of the spool: the frame, and what waits in files for it.
  uint64_t SpoolBytes() const;
};

// The handles of an outcome's spilled outputs, to be given back by OutputDone.
std::vector<uint64_t> SpillsOf(const TaskOutcome& outcome);

// `none_before`: nothing of this chunk was packed before, so that a packet may be the whole of it.
// R67
std::vector<ResultPacket> PackResults(const Identity& identity, uint32_t worker,
                                      const pb::TaskChunk& chunk, const ChunkTasks& tasks,
                                      PendingResults pending, bool none_before);

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_RESULT_PACKER_H_
