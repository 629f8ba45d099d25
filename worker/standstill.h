// Standstill: all that stems from this process, stopped (SIGSTOP) and continued together, wherever
// it went: another session and another process group make no difference. Who was stopped before,
// by whomever, stays so afterwards.
#ifndef FANMILL_WORKER_STANDSTILL_H_
#define FANMILL_WORKER_STANDSTILL_H_

#include <chrono>
#include <set>
#include <utility>

#include "worker/kin.h"

namespace fanmill {

// How long Begin waits for all to stand still: one that hangs in the kernel does so for ever.
inline constexpr std::chrono::seconds kStandstillTimeMax{1};

class Standstill {
 public:
  // Returns when nothing that stems from us runs, nor can start anything. It must not be us who
  // starts something meanwhile.
  void Begin();
  void End();

 private:
  using Named = std::pair<pid_t, uint64_t>;  // a pid, and when it began

  bool Pass();

  std::set<Named> stopped_;  // by us
  std::set<Named> stood_;    // when we came
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_STANDSTILL_H_
