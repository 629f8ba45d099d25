// The two tables of ventilator and worker (PROTOCOL.md, section 3) as pure functions: what is here,
// what is there, hence which row. Whoever asks acts on the answer.
#ifndef FANMILL_VENTILATOR_RECONCILE_H_
#define FANMILL_VENTILATOR_RECONCILE_H_

#include "lib/core/instant.h"
#include "ventilator/lane.h"

namespace fanmill::ventilator {

enum class Row : uint8_t {
  kKeep,                // R30
  kResend,              // R31
  kStuck,               // R32
  kLost,                // R33
  kLostWithConnection,  // R34
  kDropUnknown,         // R36
  kDropDone,            // R37
  kResume,              // R38: RESEND, and outstanding here again
  kAdopt,               // R39
};

// The rule's number, as counters name it.
const char* RuleOf(Row row);

struct ReconcileTimes {
  Duration resend_after;
  Duration lease;
  Duration doubt_after;  // R34 for a chunk that the net may not have taken
  bool sink_is_silent;   // then nobody can be late with an ack
};

// A report names the chunk. `here`: null when it is not outstanding on this lane. A chunk that is
// `finished` is so since finished_at, or since it was last told RESEND.
Row JudgeHeld(Instant now, const Chunk* here, const ReconcileTimes& times);

// A report does not name the outstanding chunk.
Row JudgeMissing(Instant now, const Chunk& here, uint64_t lane_through,
                 const ReconcileTimes& times);

// A LeaseHello names the chunk.
Row JudgeHello(bool all_terminal_or_dead, bool finished);

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_RECONCILE_H_
