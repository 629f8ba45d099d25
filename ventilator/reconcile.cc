#include "ventilator/reconcile.h"

#include <array>

namespace fanmill::ventilator {

const char* RuleOf(Row row) {
  static constexpr std::array kRules = {"R30", "R31", "R32", "R33", "R34",
                                        "R36", "R37", "R38", "R39"};
  return kRules[static_cast<size_t>(row)];
}

Row JudgeHeld(Instant now, const Chunk* here, const ReconcileTimes& times) {
  if (here == nullptr) return Row::kDropUnknown;
  if (!here->finished || times.sink_is_silent) return Row::kKeep;
  if (here->resent && !here->late && now >= After(here->resent_at, times.lease)) {
    return Row::kStuck;
  }
  return now > After(here->finished_at, times.resend_after) ? Row::kResend : Row::kKeep;
}

Row JudgeMissing(Instant now, const Chunk& here, uint64_t lane_through,
                 const ReconcileTimes& times) {
  if (here.id <= lane_through) return Row::kLost;
  const Duration patience = here.doubted ? times.doubt_after : times.lease;
  return now > After(here.sent, patience) ? Row::kLostWithConnection : Row::kKeep;
}

Row JudgeHello(bool all_terminal_or_dead, bool finished) {
  if (all_terminal_or_dead) return Row::kDropDone;
  return finished ? Row::kResume : Row::kAdopt;
}

}  // namespace fanmill::ventilator
