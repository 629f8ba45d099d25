// Messages between a node and the peers inside its own process: the loop, the journal, the
// executor, the person. They never cross a wire.
#ifndef FANMILL_LIB_CORE_LOCAL_H_
#define FANMILL_LIB_CORE_LOCAL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/instant.h"
#include "lib/core/peer.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

// Bytes with a shared owner: as they came off a wire, or as they will go out. Never copied.
struct Frame {
  std::shared_ptr<const void> owner;
  std::string_view bytes;

  static Frame Own(std::string text) {
    auto held = std::make_shared<const std::string>(std::move(text));
    return Frame{held, *held};
  }
};

// ---- kNet ------------------------------------------------------------------------------------

// Node -> net. Binds a PUSH for the lane on a port of the net's range.
struct OpenLane {
  uint64_t lane;
};
// Net -> node. The endpoint to tell the worker.
struct LaneOpened {
  uint64_t lane;
  std::string endpoint;
};
// Net -> node. No port is free, or the cap on workers is reached: reason for a person.
struct LaneFailed {
  uint64_t lane;
  std::string reason;
};
// Node -> net. The port rests before its reuse.
struct CloseLane {
  uint64_t lane;
};
// Node -> net. Connects the channel's socket, closing and making it anew when there is one.
struct Connect {
  Channel channel;
  std::string endpoint;
  std::vector<std::string> prefixes = {};  // kSignal: what to subscribe to (SignalPrefix)
  uint64_t lane = 0;                       // kLane: its token, without which it lets nobody in
};
struct Disconnect {
  Channel channel;
};
// Net -> node. The message was not taken: nobody there (unreachable), or no room.
struct Undeliverable {
  PeerId to;
  bool unreachable;
};
// Net -> node. A frame that is none: too large, garbage, or of another protocol version. Counted
// and dropped by everybody; the controller answers one of another version with Refused.
struct BadFrame {
  std::string reason;
  uint32_t protocol;  // the sender's when it could be read and is not ours, else 0
};

// ---- kPerson ---------------------------------------------------------------------------------

// Drain at the first, kill at the second.
struct StopAsked {
  int times;
};

// ---- kJournal --------------------------------------------------------------------------------

// Node -> journal. Sequences are contiguous from 1. `record` is a serialised record of
// proto/records.proto; when `frame` is set the row is the frame's bytes instead (of results).
struct JournalWrite {
  uint64_t sequence;
  uint32_t batch;
  std::string record;
  Frame frame;
};
// Journal -> node. All rows up to it survive a crash of the machine.
struct JournalDurable {
  uint64_t through;
};
struct JournalRow {
  uint64_t sequence;
  uint32_t batch;
  bool is_frame;
  Frame bytes;
};
// Journal -> node, first thing after each start, in pages; the last page may be empty.
struct JournalRecovered {
  std::vector<JournalRow> rows;
  bool last;
};
// Node -> journal: rows of the batch that are frames or verdicts, from the sequence on.
struct JournalRead {
  uint64_t token;
  uint32_t batch;
  uint64_t from;
  uint64_t max_bytes;
};
struct JournalRows {
  uint64_t token;
  std::vector<JournalRow> rows;
  uint64_t next;  // read on from here
};
// Journal -> node, whenever it changed much: bytes it still has room for.
struct JournalRoom {
  uint64_t bytes;
};
// Node -> journal: nothing will ask for these rows of the batch any more; none named: for any.
struct JournalForget {
  uint32_t batch;
  std::vector<uint64_t> rows = {};
};

// ---- kExecutor -------------------------------------------------------------------------------

// One task as the executor sees it. Payload bytes live in the chunk's frame.
struct TaskToRun {
  uint64_t chunk;
  uint32_t index;  // in the chunk
  uint64_t task;
  uint32_t attempt;
  std::string_view payload;
};
// Session -> executor: run these in this slot, one after the other. `owner` keeps payloads alive.
struct RunTasks {
  uint32_t slot;
  uint32_t batch;
  std::shared_ptr<const pb::Spec> spec;
  std::vector<TaskToRun> tasks;
  std::shared_ptr<const void> owner;
};
// Large output that waits in the executor's spill; `handle` is good until OutputDone.
struct SpilledOutput {
  uint64_t handle = 0;
  uint64_t size = 0;
  uint64_t dropped = 0;
};
struct TaskOutcome {
  uint64_t chunk;
  uint32_t index;
  pb::Status status = pb::OK;
  int32_t code = 0;
  Duration run{0};
  std::string value;
  std::string out;  // up to kInlineOutputBytesMax, else empty and spilled
  std::string err;
  SpilledOutput out_spill;
  SpilledOutput err_spill;
};
// Executor -> session: the slot's tasks ended, or some of them (`idle` false: the rest goes on).
// Plain successes without a byte of output are told as a run: `ok_first`, `ok_count` indexes of
// `chunk` from ok_first on, `ok_run` their run time in sum; all others as outcomes.
struct TasksRan {
  uint32_t slot;
  bool idle;
  uint64_t chunk = 0;
  uint32_t ok_first = 0;
  uint32_t ok_count = 0;
  Duration ok_run{0};
  std::vector<TaskOutcome> outcomes;
  Instant began;  // when the first of these began to run
  Instant ended;  // when the last of these ended
};
// Session -> executor: stop whatever of this batch runs or waits in slots (0: of all). Each such
// task is answered with status CANCELLED. The grace between TERM and KILL is the spec's; `now`
// skips it.
struct StopTasks {
  uint32_t batch;
  bool now;
};
// Executor -> session, when all StopTasks of the batch so far are through, after their last
// TasksRan: nothing of it runs here any more, nor does anything that its tasks left behind (0: of
// all), but for `left` processes that could not be killed.
struct TasksStopped {
  uint32_t batch;
  uint32_t left = 0;
};
// Session -> executor and back: one part of a spilled output; empty bytes: past its end.
struct ReadOutput {
  uint64_t handle;
  uint64_t offset;
  uint32_t size;
};
struct OutputRead {
  uint64_t handle;
  uint64_t offset;
  std::string bytes;
};
struct OutputDone {
  uint64_t handle;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_LOCAL_H_
