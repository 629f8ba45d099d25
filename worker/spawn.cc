#include "worker/spawn.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/wait.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>

#include "lib/core/check.h"

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer takes clone for a fork, and in its memory, which is ours, ignores from then on
// whatever lock this thread takes. It does not know libc's other name for it.
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);
#define clone __clone
#endif

namespace fanmill {
namespace {

constexpr size_t kChildStackBytes = 32 << 10;    // the child makes a few system calls, no more
constexpr size_t kArgumentBytesMax = 128 << 10;  // the kernel's MAX_ARG_STRLEN, with the final NUL

std::atomic<bool> spawning_stopped{false};
std::atomic<int> spawns_under_way{0};

enum class Step { kNone, kClone, kStdin, kOutput, kCwd, kExec };

// What the child is told, and what it tells: it runs in the parent's memory until it execs.
struct Plan {
  const char* program;
  char* const* argv;
  char* const* env;
  const char* cwd;
  int stdout_fd;
  int stderr_fd;
  pid_t parent;
  Step failed_step;
  int error;
};

[[noreturn]] __attribute__((no_sanitize("address", "thread", "undefined"))) void Fail(Plan* plan,
                                                                                      Step step) {
  plan->failed_step = step;
  plan->error = errno;
  syscall(SYS_exit_group, 127);
  __builtin_unreachable();
}

// Raw system calls only: it shares memory with a parent that other threads go on using, so no lock
// may be taken and no libc state touched. The kernel's sigaction begins with the handler; all zero,
// it is SIG_DFL.
__attribute__((no_sanitize("address", "thread", "undefined"))) void ResetSignals() {
  // To ignore a signal forgets it: what a terminal sent to our group, before the child had left it,
  // was not meant for the task.
  const unsigned long ignored[8] = {1};
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU}) {
    syscall(SYS_rt_sigaction, signal, ignored, nullptr, _NSIG / 8);
  }
  const unsigned long by_default[8] = {};
  for (int signal = 1; signal < _NSIG; ++signal) {
    syscall(SYS_rt_sigaction, signal, by_default, nullptr, _NSIG / 8);
  }
  const unsigned long none[_NSIG / 8 / sizeof(unsigned long)] = {};
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, nullptr, _NSIG / 8);
}

__attribute__((no_sanitize("address", "thread", "undefined"))) int RunInChild(void* argument) {
  Plan* const plan = static_cast<Plan*>(argument);
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (syscall(SYS_getppid) != plan->parent) syscall(SYS_exit_group, 127);  // it died meanwhile
  syscall(SYS_setpgid, 0, 0);
  const long null_fd = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
  if (null_fd < 0) Fail(plan, Step::kStdin);
  if (null_fd != 0 && syscall(SYS_dup3, null_fd, 0, 0) < 0) Fail(plan, Step::kStdin);
  if (syscall(SYS_dup3, plan->stdout_fd, 1, 0) < 0) Fail(plan, Step::kOutput);
  if (syscall(SYS_dup3, plan->stderr_fd, 2, 0) < 0) Fail(plan, Step::kOutput);
  syscall(SYS_close_range, 3u, ~0u, 0u);  // a kernel without it: all were made close-on-exec
  if (plan->cwd[0] != '\0' && syscall(SYS_chdir, plan->cwd) < 0) Fail(plan, Step::kCwd);
  ResetSignals();
  syscall(SYS_execve, plan->program, plan->argv, plan->env);
  Fail(plan, Step::kExec);
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Clones with all signals blocked: no handler may run in the child while it shares our memory.
Child CloneChild(Plan& plan) {
  static thread_local const std::unique_ptr<char[]> stack(new char[kChildStackBytes]);
  const auto top = reinterpret_cast<uintptr_t>(stack.get() + kChildStackBytes) & ~uintptr_t{15};
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Child child;
  child.pid = clone(RunInChild, reinterpret_cast<void*>(top),
                    CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &child.pidfd);
  if (child.pid < 0) {
    plan.failed_step = Step::kClone;
    plan.error = errno;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return child;
}

std::string TooLongText(const Command& command) {
  const auto is_long = [](const std::string& text) { return text.size() >= kArgumentBytesMax; };
  size_t total = 0;
  for (const auto* texts : {&command.argv, &command.env}) {
    for (const std::string& text : *texts) total += text.size() + 1 + sizeof(char*);
  }
  const auto arg = std::find_if(command.argv.begin(), command.argv.end(), is_long);
  if (arg != command.argv.end()) {
    return "argument " + std::to_string(arg - command.argv.begin()) + " has " +
           std::to_string(arg->size()) + " bytes and Linux takes " +
           std::to_string(kArgumentBytesMax - 1) + " in one; put the value in a file";
  }
  const auto var = std::find_if(command.env.begin(), command.env.end(), is_long);
  if (var != command.env.end()) {
    return "environment variable " + var->substr(0, std::min<size_t>(var->find('='), 64)) +
           " has " + std::to_string(var->size()) + " bytes and Linux takes " +
           std::to_string(kArgumentBytesMax - 1) + " in one; put the value in a file";
  }
  return "arguments and environment have " + std::to_string(total) +
         " bytes, more than this system takes (a quarter of ulimit -s); put values in a file";
}

std::string ExecReason(const Command& command, int error) {
  switch (error) {
    case E2BIG:
      return TooLongText(command);
    case ENOEXEC:
      return "it is no program for this machine; a script needs a first line like #!/bin/sh";
    case ENOENT:
      return "it, or the interpreter its first line names, does not exist";
    case EACCES:
      return "permission denied; see its mode, the folders above it, and mount option noexec";
    case ETXTBSY:
      return "somebody has it open for writing; close it first";
    default:
      return std::strerror(error);
  }
}

SpawnFailure Explain(const Command& command, const Plan& plan) {
  const std::string what = "cannot run " + command.program + ": ";
  const std::string reason = std::strerror(plan.error);
  switch (plan.failed_step) {
    case Step::kNone:
      return {};
    case Step::kClone:
      if (plan.error == EAGAIN) {
        return {EAGAIN, what + "no further process is allowed; see ulimit -u and pids.max"};
      }
      if (plan.error == EMFILE) {
        return {EMFILE, what + "too many open files; raise ulimit -n or take fewer slots"};
      }
      return {plan.error, what + "no process could be made: " + reason};
    case Step::kStdin:
      return {plan.error, what + "its stdin, /dev/null, could not be opened: " + reason};
    case Step::kOutput:
      return {plan.error, what + "its output could not be connected: " + reason};
    case Step::kCwd:
      return {plan.error, what + "cannot enter its working directory " + command.cwd + ": " +
                              reason + "; create it on this host or choose another with --cwd"};
    case Step::kExec:
      return {plan.error, what + ExecReason(command, plan.error)};
  }
  return {plan.error, what + reason};
}

int WaitForChild(const Child& child, int flags, siginfo_t* info, rusage* usage) {
  long got;
  do {
    got = syscall(SYS_waitid, P_PIDFD, child.pidfd, info, WEXITED | flags, usage);
  } while (got < 0 && errno == EINTR);
  return static_cast<int>(got);
}

enum class Found { kNothing, kNotExecutable, kProgram };

Found LookAt(const std::string& path) {
  struct stat seen {};
  if (stat(path.c_str(), &seen) != 0) return Found::kNothing;
  if (!S_ISREG(seen.st_mode)) return Found::kNotExecutable;
  const bool may_run = faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
  return may_run ? Found::kProgram : Found::kNotExecutable;
}

// The path as seen from the task's working directory.
std::string Below(const std::string& cwd, std::string_view path) {
  if (cwd.empty() || (!path.empty() && path.front() == '/')) return std::string(path);
  return cwd + "/" + std::string(path);
}

SpawnFailure NotExecutable(const std::string& path) {
  struct stat seen {};
  stat(path.c_str(), &seen);
  if (!S_ISREG(seen.st_mode))
    return {EACCES, "cannot run " + path + ": it is not a file; name a program"};
  return {EACCES, "cannot run " + path + ": it is not executable; see chmod +x"};
}

Resolved SearchPath(std::string_view program, std::string_view search_path,
                    const std::string& cwd) {
  std::string refused;
  std::string_view rest = search_path;
  for (bool more = true; more;) {
    const size_t colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    more = colon != std::string_view::npos;
    rest.remove_prefix(more ? colon + 1 : rest.size());
    const std::string path =
        Below(cwd, std::string(folder.empty() ? "." : folder) + "/" + std::string(program));
    const Found found = LookAt(path);
    if (found == Found::kProgram) return {path, {}};
    if (found == Found::kNotExecutable && refused.empty()) refused = path;
  }
  if (!refused.empty()) return {"", NotExecutable(refused)};
  return {"",
          {ENOENT, "program not found: " + std::string(program) +
                       "; install it on this host or give its path; searched PATH=" +
                       std::string(search_path)}};
}

}  // namespace

Resolved Resolve(std::string_view program, std::string_view search_path, const std::string& cwd) {
  struct stat folder {};
  if (!cwd.empty() && (stat(cwd.c_str(), &folder) != 0 || !S_ISDIR(folder.st_mode))) {
    return {"",
            {ENOTDIR, "the working directory " + cwd +
                          " does not exist here; create it on this host or choose another with"
                          " --cwd"}};
  }
  if (program.empty()) return {"", {ENOENT, "the command is empty: no program to run"}};
  if (program.find('/') == std::string_view::npos) return SearchPath(program, search_path, cwd);
  const std::string path = Below(cwd, program);
  switch (LookAt(path)) {
    case Found::kProgram:
      return {path, {}};
    case Found::kNotExecutable:
      return {"", NotExecutable(path)};
    case Found::kNothing:
      break;
  }
  return {"", {ENOENT, "program not found: " + path + "; install it on this host"}};
}

Spawned Spawn(const Command& command, int stdout_fd, int stderr_fd) {
  FANMILL_CHECK(stdout_fd > STDERR_FILENO && stderr_fd > STDERR_FILENO);
  const std::vector<char*> argv = Pointers(command.argv);
  const std::vector<char*> env = Pointers(command.env);
  Plan plan{.program = command.program.c_str(),
            .argv = argv.data(),
            .env = env.data(),
            .cwd = command.cwd.c_str(),
            .stdout_fd = stdout_fd,
            .stderr_fd = stderr_fd,
            .parent = getpid(),
            .failed_step = Step::kNone,
            .error = 0};
  Spawned spawned;
  spawns_under_way.fetch_add(1);
  if (spawning_stopped.load()) {
    spawns_under_way.fetch_sub(1);
    return {{}, {ECANCELED, "cannot run " + command.program + ": this worker is ending"}};
  }
  spawned.child = CloneChild(plan);
  spawns_under_way.fetch_sub(1);
  if (plan.failed_step == Step::kNone) return spawned;
  spawned.failure = Explain(command, plan);
  if (spawned.child.pid > 0) {
    WaitForChild(spawned.child, 0, nullptr, nullptr);
    close(spawned.child.pidfd);
    spawned.child = {};
  }
  return spawned;
}

void SignalGroup(const Child& child, int signal) {
  FANMILL_CHECK(child.pid > 1);
  kill(-child.pid, signal);
}

std::optional<Ending> Reap(Child& child) {
  siginfo_t seen{};
  const int peeked = WaitForChild(child, WNOHANG | WNOWAIT, &seen, nullptr);
  if (spawning_stopped.load()) return std::nullopt;
  FANMILL_CHECK(peeked == 0);  // or somebody else reaped it
  if (seen.si_pid == 0) return std::nullopt;
  SignalGroup(child, SIGKILL);  // while the dead one still holds the id
  Ending ending{};
  siginfo_t ended{};
  WaitForChild(child, 0, &ended, &ending.usage);
  ending.signaled = ended.si_code != CLD_EXITED;
  ending.code = ended.si_status;
  close(child.pidfd);
  child = {};
  return ending;
}

void StopSpawning() { spawning_stopped.store(true); }

bool SpawningStopped() { return spawning_stopped.load(); }

bool SpawnUnderWay() { return spawns_under_way.load() > 0; }

}  // namespace fanmill
