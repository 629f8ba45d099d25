// Finds and ends every process that stems from this one. Relies on PR_SET_CHILD_SUBREAPER: what
// was double-forked or left its session comes back to the caller as a child when its parent dies.
// What a task had started by somebody else (a daemon, cron, a container engine) is no descendant.
#ifndef FANMILL_WORKER_DESCENDANTS_H_
#define FANMILL_WORKER_DESCENDANTS_H_

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lib/io/file.h"

namespace fanmill {

// How long killing goes on before what cannot be killed (another user's process, one that hangs in
// the kernel) is given up and counted.
inline constexpr std::chrono::seconds kKillTimeMax{10};

// Makes this process the new parent of all its orphaned descendants.
void BecomeSubreaper();

// Pids of all that stem from `root`, parents before children; a snapshot that may be old already.
std::vector<pid_t> Descendants(pid_t root);

// SIGKILLs all descendants and reaps them until none is left. `reaped` hears the wait status of
// each direct child. Returns how many were left after kKillTimeMax: 0 but for the unkillable.
// Steals the exit statuses of children from everybody else in the process: for the end only.
int KillAllDescendants(const std::function<void(pid_t, int status)>& reaped = {});

// Processes known by pidfd, so that no stranger that got the number of one is ever killed.
class HeldProcesses {
 public:
  HeldProcesses() = default;
  HeldProcesses(HeldProcesses&&) = default;
  HeldProcesses& operator=(HeldProcesses&&) = default;
  // Adds what stems from `root` now, without it, kHeldMax at most: also who has left its session,
  // or has an environment of its own.
  void AddDescendants(pid_t root);
  void Add(HeldProcesses other);
  int KillLiving();  // how many were alive

  static constexpr size_t kHeldMax = 256;

 private:
  std::vector<FileDescriptor> pidfds_;
};

// SIGKILLs descendants pass by pass, a millisecond or so apart, for who must not wait meanwhile.
class Sweep {
 public:
  // Those whose environment holds all of the marks, each "NAME=value" in full: what a task left
  // behind in other sessions, named by the FANMILL_... variables it was started with. Reaps
  // nothing. Without marks: all descendants, with the dead reaped, as KillAllDescendants does.
  explicit Sweep(std::vector<std::string> marks);
  // These too, whatever their environment.
  void Add(HeldProcesses held) { held_.Add(std::move(held)); }
  // One pass. True when it is over: none is left, or kKillTimeMax has passed since the first pass.
  bool Pass();
  // Nothing of it happened for that long: it does not count.
  void Excuse(std::chrono::microseconds pause);
  int left() const { return left_; }  // when over: 0 but for the unkillable

 private:
  bool PassAll();
  bool PassMarked();

  std::vector<std::string> marks_;
  HeldProcesses held_;
  std::chrono::steady_clock::time_point give_up_{};
  int left_ = 0;
  int unclear_looks_ = 0;
};

// Reaps the dead that nobody waits for: orphans this process adopted. `is_task` tells those that
// have somebody who will call Reap for them. To be called now and then by the thread that spawns.
void ReapAdopted(const std::function<bool(pid_t)>& is_task);

}  // namespace fanmill

#endif  // FANMILL_WORKER_DESCENDANTS_H_
