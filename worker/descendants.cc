#include "worker/descendants.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "lib/core/check.h"
#include "worker/kin.h"

namespace fanmill {
namespace {

using Clock = std::chrono::steady_clock;

void KillKin(const Kin& kin) {
  const FileDescriptor pidfd = HoldKin(kin);
  if (pidfd.get() >= 0) syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

// Takes in all that are dead now. False when there is no child left at all, dead or alive.
bool ReapDead(const std::function<void(pid_t, int)>& reaped) {
  while (true) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    if (pid == 0) return true;
    if (pid < 0) return errno != ECHILD;
    if (reaped) reaped(pid, status);
  }
}

void WaitAMillisecond() { poll(nullptr, 0, 1); }

enum class Marked { kNo, kYes, kUnclear };

// Unclear: alive, and without any environment. It may be in the middle of an exec.
Marked HasAll(pid_t pid, const std::vector<std::string>& marks) {
  const auto environment = EnvironmentOf(pid);
  if (!environment) return Marked::kNo;
  if (environment->empty()) {
    return StatOf(pid).IsDead() ? Marked::kNo : Marked::kUnclear;
  }
  const std::string nul(1, '\0');
  const std::string entries = nul + *environment + nul;
  const bool all = std::ranges::all_of(marks, [&](const std::string& mark) {
    return entries.find(nul + mark + nul) != std::string::npos;
  });
  return all ? Marked::kYes : Marked::kNo;
}

// How often in a row the unclear are looked at again, a millisecond apart, before they are taken
// for processes that really have no environment.
constexpr int kUnclearLooksMax = 20;

}  // namespace

void BecomeSubreaper() { FANMILL_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0); }

std::vector<pid_t> Descendants(pid_t root) {
  std::vector<pid_t> found;
  WalkKin(root, [&](const Kin& kin) { found.push_back(kin.pid); });
  return found;
}

int KillAllDescendants(const std::function<void(pid_t, int)>& reaped) {
  const auto give_up = Clock::now() + kKillTimeMax;
  while (true) {
    WalkKin(getpid(), KillKin);
    if (!ReapDead(reaped)) return 0;
    if (Clock::now() > give_up) return static_cast<int>(Descendants(getpid()).size());
    WaitAMillisecond();
  }
}

void HeldProcesses::AddDescendants(pid_t root) {
  WalkKin(root, [this](const Kin& kin) {
    if (pidfds_.size() >= kHeldMax) return;
    FileDescriptor pidfd = HoldKin(kin);
    if (pidfd.get() >= 0) pidfds_.push_back(std::move(pidfd));
  });
}

void HeldProcesses::Add(HeldProcesses other) {
  for (FileDescriptor& pidfd : other.pidfds_) pidfds_.push_back(std::move(pidfd));
}

int HeldProcesses::KillLiving() {
  std::erase_if(pidfds_, [](const FileDescriptor& pidfd) {
    pollfd dead{pidfd.get(), POLLIN, 0};
    if (poll(&dead, 1, 0) > 0) return true;
    syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    return false;
  });
  return static_cast<int>(pidfds_.size());
}

Sweep::Sweep(std::vector<std::string> marks) : marks_(std::move(marks)) {}

bool Sweep::Pass() {
  if (give_up_ == Clock::time_point()) give_up_ = Clock::now() + kKillTimeMax;
  return (marks_.empty() ? PassAll() : PassMarked()) || Clock::now() > give_up_;
}

void Sweep::Excuse(std::chrono::microseconds pause) {
  if (give_up_ != Clock::time_point()) give_up_ += pause;
}

bool Sweep::PassAll() {
  left_ = 0;
  WalkKin(getpid(), [this](const Kin& kin) {
    ++left_;
    KillKin(kin);
  });
  if (ReapDead({})) return false;
  left_ = 0;
  return true;
}

bool Sweep::PassMarked() {
  int unclear = 0;
  left_ = held_.KillLiving();
  WalkKin(getpid(), [&](const Kin& kin) {
    const Marked marked = HasAll(kin.pid, marks_);
    if (marked == Marked::kUnclear) ++unclear;
    if (marked != Marked::kYes) return;
    ++left_;
    KillKin(kin);
  });
  unclear_looks_ = left_ == 0 && unclear > 0 ? unclear_looks_ + 1 : 0;
  return left_ == 0 && (unclear == 0 || unclear_looks_ > kUnclearLooksMax);
}

void ReapAdopted(const std::function<bool(pid_t)>& is_task) {
  while (true) {
    siginfo_t dead{};
    if (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) != 0 || dead.si_pid == 0) return;
    if (is_task(dead.si_pid)) return;  // first in the queue: whoever waits for it comes before us
    waitpid(dead.si_pid, nullptr, WNOHANG);
  }
}

}  // namespace fanmill
