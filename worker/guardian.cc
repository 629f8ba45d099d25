#include "worker/guardian.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include "lib/core/check.h"
#include "lib/io/pause_hook.h"
#include "lib/io/stop_signals.h"
#include "worker/descendants.h"
#include "worker/pause_relay.h"
#include "worker/spawn.h"

namespace fanmill {
namespace {

struct Pipe {
  int read_end;
  int write_end;
};

Pipe MakePipe() {
  int ends[2];
  FANMILL_CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  return {ends[0], ends[1]};
}

// A pipe that came to be descriptor 1 would get somebody's log lines.
void OccupyStandardDescriptors() {
  int fd;
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

bool WaitReadable(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  return poll(&wanted, 1, -1) > 0;
}

// What all of the guarded know.
struct Guarded {
  const GuardianHooks& hooks;
  std::atomic<bool>& reported;        // the working child has told of a guardian's death
  std::atomic<pid_t>& working_child;  // 0: there is none yet
};

// It tells of that itself: a guardian that is left may be killed before it comes to it.
[[noreturn]] void EndWithoutGuardian(const Guarded& guarded) {
  StopSpawning();
  Death death;
  bool quiet = false;
  while (!quiet) {  // a spawn under way may still make a child that this round does not see
    quiet = !SpawnUnderWay();
    death.left_over = KillAllDescendants();
  }
  death.status = W_EXITCODE(kGuardianDiedCode, 0);
  if (guarded.hooks.on_child_death) guarded.hooks.on_child_death(death);
  guarded.reported.store(true);
  _exit(kGuardianDiedCode);
}

// How one of the guarded reaches the guardian above it.
struct Above {
  int words;  // to be read; ends with the guardian
  int still;  // where to say that all stands still
};

void OnWord(uint8_t signal, const Above& guardian, int signals_out) {
  if (signal == SIGTSTP) {
    PauseHook::PauseAll();
    SendByte(guardian.still, signal);
  } else if (signal == SIGCONT) {
    PauseHook::ResumeAll();
  } else {
    SendByte(signals_out, signal);
  }
}

// In a thread of its own, since the child's loop may hang just when the guardian dies.
void WatchGuardian(const Guarded& guarded, Above guardian, int signals_out) {
  while (true) {
    uint8_t words[64];
    const ssize_t n = read(guardian.words, words, sizeof words);
    if (n == 0) EndWithoutGuardian(guarded);
    for (ssize_t i = 0; i < n; ++i) OnWord(words[i], guardian, signals_out);
    if (n < 0) WaitReadable(guardian.words);
  }
}

// Between two attempts to use the terminal from the background: we shall be stopped in a moment.
void Nap(int) {
  const int error = errno;
  poll(nullptr, 0, 10);
  errno = error;
}

// Where they are blocked, a terminal gives an error to who reads from it in the background. Like
// this it sends them to the whole group, and the outer guardian sees to it that all is stopped;
// who reads goes on when the job is in the foreground again.
void LetTheTerminalStopUs() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTTIN, SIGTTOU}) {
    struct sigaction action = {};
    FANMILL_CHECK(sigaction(signal, nullptr, &action) == 0);
    if (action.sa_handler == SIG_IGN) continue;
    action.sa_handler = Nap;
    action.sa_flags = SA_RESTART;
    FANMILL_CHECK(sigaction(signal, &action, nullptr) == 0);
    sigaddset(&set, signal);
  }
  FANMILL_CHECK(pthread_sigmask(SIG_UNBLOCK, &set, nullptr) == 0);
}

int BeWorkingChild(const std::function<int(int)>& child_main, const Guarded& guarded,
                   Above guardian) {
  guarded.working_child.store(getpid());
  BecomeSubreaper();
  const Pipe signals = MakePipe();
  std::thread(WatchGuardian, std::cref(guarded), guardian, signals.write_end).detach();
  LetTheTerminalStopUs();
  return child_main(signals.read_end);
}

// Where a guardian hears of signals: from the kernel, or from the guardian above it, whose death it
// hears of by the end of that pipe.
struct SignalSource {
  int fd;
  bool is_kernel;
};

// How a guardian reaches the process below it.
struct Below {
  pid_t pid;
  int words;  // where to write
  int still;  // to be read
};

enum class Died { kChild, kGuardianAbove };

// Passes on what has come. False when the guardian above is dead.
bool PassSignalsOn(const SignalSource& from, const Below& child, PauseRelay& pauses) {
  const auto pass_on = [&](uint8_t signal) {
    if (!pauses.Take(signal)) SendByte(child.words, signal);
  };
  if (from.is_kernel) {
    signalfd_siginfo got;
    while (read(from.fd, &got, sizeof got) == sizeof got) {
      pass_on(static_cast<uint8_t>(got.ssi_signo));
    }
    return true;
  }
  for (uint8_t signal;;) {
    const ssize_t n = read(from.fd, &signal, 1);
    if (n == 0) return false;
    if (n < 0) return true;
    pass_on(signal);
  }
}

// Returns at the first death. The child stays unreaped.
Died AwaitDeath(int child_pidfd, const SignalSource& signals, const Below& child,
                PauseRelay& pauses) {
  while (true) {
    pollfd wanted[] = {{child_pidfd, POLLIN, 0}, {signals.fd, POLLIN, 0}, {child.still, POLLIN, 0}};
    if (poll(wanted, 3, pauses.WaitMillis()) < 0) {
      FANMILL_CHECK(errno == EINTR);
      continue;
    }
    if (wanted[0].revents != 0) return Died::kChild;
    if (wanted[1].revents != 0 && !PassSignalsOn(signals, child, pauses)) {
      return Died::kGuardianAbove;
    }
    for (uint8_t word; wanted[2].revents != 0 && read(child.still, &word, 1) == 1;) {
      pauses.OnStill();
    }
    pauses.Tick();
  }
}

Death ReapAll(pid_t child) {
  Death death;
  death.left_over = KillAllDescendants([&](pid_t pid, int status) {
    if (pid == child) death.status = status;
  });
  if (death.left_over > 0) {
    std::fprintf(stderr,
                 "fanmill: %d processes that tasks had started could not be killed within %lld s;"
                 " they belong to another user or hang in the kernel: see ps --ppid %d\n",
                 death.left_over, static_cast<long long>(kKillTimeMax.count()), getpid());
  }
  return death;
}

// How long the working child is left alone to end what it started, once it knows that it must.
constexpr int kOwnEndMillisMax = 4000;

// It does so itself, and goes on when the guardians are killed meanwhile; were it killed first, and
// the killer next, nobody would be left to go on.
void AwaitOwnEnd(pid_t working_child) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, working_child, 0));
  if (pidfd < 0) return;                                       // it is gone
  syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, nullptr, 0);  // it may be stopped
  pollfd wanted{pidfd, POLLIN, 0};
  poll(&wanted, 1, kOwnEndMillisMax);
  close(pidfd);
}

int BeGuardian(const Below& child, const Guarded& guarded, const SignalSource& signals,
               PauseRelay pauses, const std::atomic<bool>& returned) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child.pid, 0));
  FANMILL_CHECK(pidfd >= 0);
  const Died died = AwaitDeath(pidfd, signals, child, pauses);
  close(child.words);  // whoever is below sees it
  const bool orderly = died == Died::kChild && returned.load();
  if (!orderly) AwaitOwnEnd(guarded.working_child.load());
  const Death death = ReapAll(child.pid);
  close(pidfd);
  const bool untold = !returned.load() && !guarded.reported.load();
  if (untold && guarded.hooks.on_child_death) guarded.hooks.on_child_death(death);
  if (died == Died::kGuardianAbove) return kGuardianDiedCode;
  return WIFEXITED(death.status) ? WEXITSTATUS(death.status) : 128 + WTERMSIG(death.status);
}

// In memory shared across the forks.
template <class T>
std::atomic<T>& MakeShared() {
  void* page = mmap(nullptr, sizeof(std::atomic<T>), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  FANMILL_CHECK(page != MAP_FAILED);
  return *new (page) std::atomic<T>(T{});
}

// Forks: runs body in the new process, which ends with it, and guards that. `up_fd` as of
// PauseRelay.
int Guard(const std::function<int(Above guardian)>& body, const Guarded& guarded,
          const SignalSource& signals, int up_fd) {
  BecomeSubreaper();
  std::atomic<bool>& returned = MakeShared<bool>();
  const Pipe down = MakePipe();
  const Pipe up = MakePipe();
  std::fflush(nullptr);  // or what is buffered would be written twice
  const pid_t child = fork();
  if (child == 0) {
    close(signals.fd);
    if (up_fd >= 0) close(up_fd);
    close(down.write_end);
    close(up.read_end);
    const int code = body({down.read_end, up.write_end});
    returned.store(true);
    std::exit(code);
  }
  close(down.read_end);
  close(up.write_end);
  if (child < 0) {
    std::fprintf(stderr, "fanmill: cannot fork a working child: %s; see ulimit -u\n",
                 std::strerror(errno));
    close(down.write_end);
    return kCannotGuardCode;
  }
  return BeGuardian({child, down.write_end, up.read_end}, guarded, signals,
                    PauseRelay(child, down.write_end, up_fd), returned);
}

}  // namespace

int RunGuarded(const std::function<int(int)>& child_main, const GuardianHooks& hooks) {
  OccupyStandardDescriptors();
  signal(SIGCHLD, SIG_DFL);  // where it was ignored, nobody could wait for a child
  const sigset_t stop = BlockStopSignals({SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT});
  const int signal_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  FANMILL_CHECK(signal_fd >= 0);
  const Guarded guarded{hooks, MakeShared<bool>(), MakeShared<pid_t>()};
  const auto work = [&](Above guardian) { return BeWorkingChild(child_main, guarded, guardian); };
  const auto guard_work = [&](Above guardian) {
    return Guard(work, guarded, {guardian.words, false}, guardian.still);
  };
  return Guard(guard_work, guarded, {signal_fd, true}, -1);
}

std::vector<int> TakeSignals(int signals_fd) {
  std::vector<int> signals;
  uint8_t bytes[64];
  ssize_t n;
  while ((n = read(signals_fd, bytes, sizeof bytes)) > 0) {
    signals.insert(signals.end(), bytes, bytes + n);
  }
  return signals;
}

}  // namespace fanmill
