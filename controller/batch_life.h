// The life of one batch: its phases, what may move it from one to the next, and its barrier.
//
//  FORMING --barrier--> READY --START durable--> RUNNING --sink closed--> DONE | BATCH_FAILED
//     |                                             |
//     +----------------- CANCEL durable ------------+--> DRAINING --closed, all receipts--> an end
#ifndef FANMILL_CONTROLLER_BATCH_LIFE_H_
#define FANMILL_CONTROLLER_BATCH_LIFE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "proto/fanmill.pb.h"

namespace fanmill::control {

inline constexpr size_t kServedMax = 8192;  // workers remembered per batch

enum class BatchEvent {
  kBarrierPassed,
  kStartDurable,
  kKillDurable,
  kEndedDone,       // closed by the sink (and, when DRAINING, all receipts are in):
  kEndedFailed,     // at least one task failed
  kEndedCancelled,  // as cancelled
};
inline constexpr int kBatchEvents = 6;

// The whole transition table. Nothing: the event changes nothing in that phase.
std::optional<pb::BatchPhase> NextPhase(pb::BatchPhase from, BatchEvent event);

// A worker that was there while the batch ran: it owes an account of its slots. R95
struct Served {
  uint32_t number = 0;
  std::string label;  // MemberLabel
  std::optional<pb::SlotAccount> account;
  bool final = false;  // given after the end, or on leaving
};

struct Batch {
  uint32_t id = 0;
  pb::BatchPhase phase = pb::FORMING;
  pb::BatchProgress progress;  // as the ventilator told last, texts cut
  bool listed = false;         // the ventilator has told of it
  Instant opened = kNever;
  Instant unlisted = kNever;  // since when the ventilator knows nothing of it

  // What is durable.
  bool released = false;  // held, and START was commanded
  bool started = false;
  uint64_t generation = 0;
  // Rows on their way to the disk.
  bool release_asked = false;
  bool start_asked = false;
  bool kill_asked = false;
  bool end_asked = false;
  bool report_asked = false;

  uint64_t start_request = 0;  // the command that released it
  Instant start;
  bool start_guessed = false;   // after a restart, until the sink tells
  std::set<uint64_t> receipts;  // incarnations

  std::string lost;  // why it was given up, for people; empty: it was not. R96

  pb::BatchSummary summary;  // the sink's last word
  bool closed = false;
  Instant end;
  Instant ask_due = kNever;     // when to ask the sink (again)
  Instant ledger_due = kNever;  // when to compare what a new sink knows, and with what:
  std::optional<uint64_t> terminal_known;
  Instant accounts_due = kNever;      // when to stop waiting for accounts
  std::map<uint64_t, Served> served;  // by incarnation
};

// Applies the event when the table allows it; returns whether the phase changed.
bool Move(Batch& batch, BatchEvent event);
// Which end the sink's summary of a closed batch means.
BatchEvent EndOf(const pb::BatchSummary& summary);

// `offering`: how many ready workers offer the batch's handler. R90
bool BarrierPassed(const Batch& batch, uint32_t offering, Instant now);
// When the barrier's deadline passes; kNever without one.
Instant BarrierDeadline(const Batch& batch);
// Why a forming batch does not start, for a person. R94
std::string WaitingText(const Batch& batch, uint32_t offering);

// Microseconds that a peer claims, never so many that adding them overflows.
Duration Believable(uint64_t us);

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_BATCH_LIFE_H_
