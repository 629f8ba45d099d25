// A process under guard. Three processes: the one that was started is the outer guardian, its fork
// the inner guardian, and a fork of that the working child, which does the work. Each sees the
// death of its neighbours at once, and whoever is left when one or two die, for whatever reason
// and in the same instant, ends every descendant there is. With one guardian only, `kill -9` of
// both in a row was too quick: within the 100 microseconds that a process needs to wake up and
// look, the second was dead too.
//
// Signals: whoever is asked to stop (SIGINT, SIGTERM, SIGHUP, SIGQUIT), the outer guardian alone
// counts it and tells the working child through the pipes between them. The others block these
// signals, so that one Ctrl-C (which goes to the whole foreground group) or one `pkill` or one
// systemd stop (which goes to all) counts once. SIGHUP stays ignored where it was (nohup).
//
// All stay in one process group, so that Ctrl-Z, fg and reading from the terminal work as for any
// command. Ctrl-Z stops the working child's tasks first, which are in groups of their own: whatever
// has a PauseHook is told, and pause_relay.h says in which order the guarded stop. `kill -STOP`
// stops whom it is sent to and nobody else, and a SIGTSTP counts in the outer guardian alone.
//
// Not covered: all three killed in the same instant. Then the kernel still kills each task's first
// process (see spawn.h), but not what those had started.
#ifndef FANMILL_WORKER_GUARDIAN_H_
#define FANMILL_WORKER_GUARDIAN_H_

#include <functional>
#include <vector>

namespace fanmill {

// The exit code of whoever ends because the guardian above it died.
inline constexpr int kGuardianDiedCode = 137;
// The exit code when there could be no guardian at all ("Fanmill could not work").
inline constexpr int kCannotGuardCode = 5;

struct Death {
  int status = 0;     // of the process below, as from waitpid
  int left_over = 0;  // descendants that could not be killed
};

struct GuardianHooks {
  // After a death of the working child, or of a guardian, that was no return from child_main, and
  // after all descendants are gone that could be killed: called once. In the working child, beside
  // its threads, when it was a guardian that died, and else in a guardian that is left; of these
  // none ever had a second thread, and the hook may start some. Stop signals stay blocked: the hook
  // has to bound its own time, in the child to 3 s.
  std::function<void(const Death& death)> on_child_death;
};

// To be called first thing in main, before any thread or socket exists and before anything that
// must not exist twice. Runs child_main(signals_fd) in the working child and exits there with what
// it returned; static destructors run. signals_fd is to be polled by the child's loop and read
// with TakeSignals. When the guardians die, the child's descendants are killed and it ends by
// itself, whatever its loop is doing, without child_main being told.
// Returns only in the outer guardian, when no descendant is left: the working child's exit code,
// or 128 + N when signal N ended it.
int RunGuarded(const std::function<int(int signals_fd)>& child_main, const GuardianHooks& hooks);

// The numbers of the stop signals that have come since the last call, in order; never blocks.
std::vector<int> TakeSignals(int signals_fd);

}  // namespace fanmill

#endif  // FANMILL_WORKER_GUARDIAN_H_
