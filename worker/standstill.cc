#include "worker/standstill.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace fanmill {
namespace {

using Clock = std::chrono::steady_clock;

// One that sleeps in the kernel (D) stops before it runs again.
bool StandsStill(const Stat& stat) {
  return stat.IsStopped() || stat.IsDead() || stat.state == 'D';
}

void Signal(const Kin& kin, int signal) {
  const FileDescriptor pidfd = HoldKin(kin);
  if (pidfd.get() >= 0) syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}

}  // namespace

// Pass by pass, since one that runs may have started another since it was looked at.
void Standstill::Begin() {
  const auto give_up = Clock::now() + kStandstillTimeMax;
  while (!Pass() && Clock::now() < give_up) poll(nullptr, 0, 1);
}

// True when there was nobody new, and everybody stood. Parents come first, so that a shell among
// them does not see its children stop, which it would act on.
bool Standstill::Pass() {
  bool all_stand = true;
  WalkKin(getpid(), [&](const Kin& kin) {
    const Stat stat = StatOf(kin.pid);
    const Named name{kin.pid, stat.began};
    if (stat.IsDead() || stood_.contains(name)) return;
    if (stopped_.contains(name)) {
      all_stand = all_stand && StandsStill(stat);
    } else if (stat.IsStopped()) {
      stood_.insert(name);
    } else {
      stopped_.insert(name);
      Signal(kin, SIGSTOP);
      all_stand = false;
    }
  });
  return all_stand;
}

// Children first, for the same reason.
void Standstill::End() {
  std::vector<Kin> kin;
  WalkKin(getpid(), [&](const Kin& each) { kin.push_back(each); });
  std::reverse(kin.begin(), kin.end());
  for (const Kin& each : kin) {
    if (stopped_.contains({each.pid, StatOf(each.pid).began})) Signal(each, SIGCONT);
  }
  stopped_.clear();
  stood_.clear();
}

}  // namespace fanmill
