// Which faults a run has, how often, and until when. Drawn from the seed.
#ifndef FANMILL_TESTS_SIM_FAULTS_H_
#define FANMILL_TESTS_SIM_FAULTS_H_

#include <cstdint>

#include "lib/core/instant.h"
#include "lib/core/random.h"

namespace fanmill::sim {

// Chances are in millionths, per message, per write or per step as named.
struct Faults {
  Instant until{};                   // none after this
  uint32_t sever_per_message = 0;    // the connection breaks: what is in flight on it is cut short
  uint32_t forever_per_sever = 0;    // ... and never comes back: only a new socket helps
  uint32_t unnoticed_per_sever = 0;  // ... and the bound side learns of it late: what it sends
                                     // meanwhile is accepted and lost
  uint32_t crash_per_send = 0;       // between two messages of one outbox
  uint32_t crash_per_write = 0;      // at a disk write: before, or after it became durable
  uint32_t pause_per_step = 0;
  uint32_t jump_per_step = 0;      // the process's clock leaps forward
  uint32_t noise_per_message = 0;  // a stranger's garbage to an open port
  uint32_t signal_loss = 0;        // a PUB frame is not delivered
  uint32_t slow_per_message = 0;   // this message takes up to 300 ms
  uint32_t results_kib_per_s = 0;  // what each link to the sink carries; 0: anything at once
  bool crash_controller = false;
  bool crash_ventilator = false;
  bool crash_sink = false;
  bool crash_workers = false;
  bool silent_deaths = false;    // a dead worker's guardian may be dead too
  bool deaths_for_good = false;  // a dead worker may never come back
  bool leavers = false;          // people stop workers, and start others
  bool reuse_ports = false;      // lane ports do not rest: ghosts meet new lanes
  bool slow_disk = false;        // some writes take up to 3 s

  bool any() const { return until > Instant{}; }
  static Faults None() { return {}; }
  static Faults Draw(Random& random);
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_FAULTS_H_
