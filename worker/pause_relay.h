// PauseRelay: a guardian's part in a pause. All of a job stops at Ctrl-Z, in an order that loses no
// SIGCONT: a shell sends that when it has seen the outer guardian stop, who therefore stops last.
//
//   terminal --SIGTSTP--> outer guardian --tstp--> inner guardian --tstp--> working child
//                                                                           its PauseHooks: pause
//                                <--still--  stops the child  <--still--
//                         stops itself
//   shell ----SIGCONT---> outer guardian --cont--> inner guardian --cont--> working child
//                                                  continues the child      its PauseHooks: resume
//
// The inner guardian stays awake, so that who is killed while stopped leaves nothing behind either.
// SIGTTIN and SIGTTOU, by which a terminal refuses a job in the background, are taken as SIGTSTP.
#ifndef FANMILL_WORKER_PAUSE_RELAY_H_
#define FANMILL_WORKER_PAUSE_RELAY_H_

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <cstdint>

namespace fanmill {

// How long the outer guardian waits for the others before it stops all the same.
inline constexpr std::chrono::seconds kPausePatience{3};

inline bool AsksToPause(int signal) {
  return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

// Into a pipe between the guarded, which is never full of words that matter.
void SendByte(int fd, uint8_t byte);

class PauseRelay {
 public:
  // Words go down through `child_fd`, and up through `up_fd`: -1 in the outer guardian.
  PauseRelay(pid_t child, int child_fd, int up_fd);

  // A signal from above. False when it has nothing to do with pauses.
  bool Take(int signal);
  // Another word from below: all stands still there. In the outer guardian, who stops now, it
  // returns when that is over.
  void OnStill();
  // As poll takes it: when Tick has something to do.
  int WaitMillis() const;
  void Tick();

 private:
  using Clock = std::chrono::steady_clock;

  bool is_outer() const { return up_fd_ < 0; }
  void Stop();

  const pid_t child_;
  const int child_fd_;
  const int up_fd_;
  bool wanted_ = false;
  int why_ = SIGTSTP;  // the signal that asked
  int awaited_ = 0;    // words from below
  Clock::time_point give_up_{};
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_PAUSE_RELAY_H_
