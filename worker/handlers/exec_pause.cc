// How all that runs stands still while the process is stopped (Ctrl-Z).
#include <poll.h>

#include <algorithm>

#include "lib/io/clock.h"
#include "worker/handlers/exec_loop.h"
#include "worker/standstill.h"

namespace fanmill {

void ExecLoop::OnPause(Pause& pause) {
  if (IsResumed()) return;  // this thread was busy for so long that it is over
  const Instant began = Now();
  Standstill standstill;
  standstill.Begin();
  pause.stands->set_value();
  pollfd wanted{orders_.event_fd(), POLLIN, 0};
  while (!IsResumed()) poll(&wanted, 1, -1);
  CountNot(Now() - began);
  standstill.End();
}

// Takes the Resume out; what else has come waits for its turn.
bool ExecLoop::IsResumed() {
  for (Order& order : orders_.Take()) taken_.push_back(std::move(order));
  const auto resume = std::find_if(taken_.begin(), taken_.end(), [](const Order& order) {
    return std::holds_alternative<Resume>(order);
  });
  if (resume == taken_.end()) return false;
  taken_.erase(resume);
  return true;
}

void ExecLoop::CountNot(Duration pause) {
  for (Slot& slot : slots_) {
    if (slot.phase != Phase::kIdle && slot.phase != Phase::kStopped) slot.began += pause;
  }
  timers_.Postpone(pause);
  for (auto& [batch, stop] : stops_) stop.sweep.Excuse(pause);
  for (Sweep& sweep : timed_out_) sweep.Excuse(pause);
}

}  // namespace fanmill
