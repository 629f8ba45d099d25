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
#include "lib/io/stop_signals.h"
#include "worker/descendants.h"
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

void WriteByte(int fd, uint8_t byte) {
  // A full pipe holds thousands of signals nobody has read: one more would tell nothing.
  [[maybe_unused]] const ssize_t written = write(fd, &byte, 1);
}

bool WaitReadable(int fd) {
  pollfd wanted{fd, POLLIN, 0};
  return poll(&wanted, 1, -1) > 0;
}

[[noreturn]] void EndWithoutGuardian() {
  StopSpawning();
  bool quiet = false;
  while (!quiet) {  // a spawn under way may still make a child that this round does not see
    quiet = !SpawnUnderWay();
    KillAllDescendants();
  }
  _exit(kGuardianDiedCode);
}

// In a thread of its own, since the child's loop may hang just when the guardian dies.
void WatchGuardian(int guardian_fd, int signals_out) {
  while (true) {
    uint8_t signals[64];
    const ssize_t n = read(guardian_fd, signals, sizeof signals);
    if (n == 0) EndWithoutGuardian();
    for (ssize_t i = 0; i < n; ++i) WriteByte(signals_out, signals[i]);
    if (n < 0) WaitReadable(guardian_fd);
  }
}

int BeWorkingChild(const std::function<int(int)>& child_main, int guardian_fd) {
  BecomeSubreaper();
  const Pipe signals = MakePipe();
  std::thread(WatchGuardian, guardian_fd, signals.write_end).detach();
  return child_main(signals.read_end);
}

// Where a guardian hears of stop signals: from the kernel, or from the guardian above it, whose
// death it hears of by the end of that pipe.
struct SignalSource {
  int fd;
  bool is_kernel;
};

enum class Died { kChild, kGuardianAbove };

// Passes on what has come. False when the guardian above is dead.
bool PassSignalsOn(const SignalSource& from, int child_fd) {
  if (from.is_kernel) {
    signalfd_siginfo got;
    while (read(from.fd, &got, sizeof got) == sizeof got) {
      WriteByte(child_fd, static_cast<uint8_t>(got.ssi_signo));
    }
    return true;
  }
  for (uint8_t signal;;) {
    const ssize_t n = read(from.fd, &signal, 1);
    if (n == 0) return false;
    if (n < 0) return true;
    WriteByte(child_fd, signal);
  }
}

// Returns at the first death. The child stays unreaped.
Died AwaitDeath(int child_pidfd, const SignalSource& signals, int child_fd) {
  while (true) {
    pollfd wanted[] = {{child_pidfd, POLLIN, 0}, {signals.fd, POLLIN, 0}};
    if (poll(wanted, 2, -1) < 0) {
      FANMILL_CHECK(errno == EINTR);
      continue;
    }
    if (wanted[0].revents != 0) return Died::kChild;
    if (wanted[1].revents != 0 && !PassSignalsOn(signals, child_fd)) return Died::kGuardianAbove;
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

// What both guardians know.
struct Guarded {
  const GuardianHooks& hooks;
  const std::atomic<pid_t>& working_child;  // 0: there is none yet
};

// How long the working child is left alone to end what it started, once it knows that it must.
constexpr int kOwnEndMillisMax = 2000;

// It does so itself, and goes on when the guardians are killed meanwhile; were it killed first, and
// the killer next, nobody would be left to go on.
void AwaitOwnEnd(pid_t working_child) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, working_child, 0));
  if (pidfd < 0) return;  // it is gone
  pollfd wanted{pidfd, POLLIN, 0};
  poll(&wanted, 1, kOwnEndMillisMax);
  close(pidfd);
}

int BeGuardian(pid_t child, int child_fd, const Guarded& guarded, const SignalSource& signals,
               const std::atomic<bool>& returned) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  FANMILL_CHECK(pidfd >= 0);
  const Died died = AwaitDeath(pidfd, signals, child_fd);
  close(child_fd);  // whoever is below sees it
  const bool orderly = died == Died::kChild && returned.load();
  if (!orderly) AwaitOwnEnd(guarded.working_child.load());
  const Death death = ReapAll(child);
  close(pidfd);
  if (!returned.load() && guarded.hooks.on_child_death) guarded.hooks.on_child_death(death);
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

// Forks: runs body(guardian_fd) in the new process, which ends with it, and guards that.
int Guard(const std::function<int(int guardian_fd)>& body, const Guarded& guarded,
          const SignalSource& signals) {
  BecomeSubreaper();
  std::atomic<bool>& returned = MakeShared<bool>();
  const Pipe to_child = MakePipe();
  std::fflush(nullptr);  // or what is buffered would be written twice
  const pid_t child = fork();
  if (child == 0) {
    close(signals.fd);
    close(to_child.write_end);
    const int code = body(to_child.read_end);
    returned.store(true);
    std::exit(code);
  }
  close(to_child.read_end);
  if (child < 0) {
    std::fprintf(stderr, "fanmill: cannot fork a working child: %s; see ulimit -u\n",
                 std::strerror(errno));
    close(to_child.write_end);
    return kCannotGuardCode;
  }
  return BeGuardian(child, to_child.write_end, guarded, signals, returned);
}

}  // namespace

int RunGuarded(const std::function<int(int)>& child_main, const GuardianHooks& hooks) {
  OccupyStandardDescriptors();
  signal(SIGCHLD, SIG_DFL);  // where it was ignored, nobody could wait for a child
  const sigset_t stop = BlockStopSignals({SIGQUIT});
  const int signal_fd = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  FANMILL_CHECK(signal_fd >= 0);
  std::atomic<pid_t>& working_child = MakeShared<pid_t>();
  const Guarded guarded{hooks, working_child};
  const auto work = [&](int guardian_fd) {
    working_child.store(getpid());
    return BeWorkingChild(child_main, guardian_fd);
  };
  const auto guard_work = [&](int guardian_fd) {
    return Guard(work, guarded, {guardian_fd, false});
  };
  return Guard(guard_work, guarded, {signal_fd, true});
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
