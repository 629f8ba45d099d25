// Who stems from whom, and how they are, as /proc tells it: each word a moment old already.
#ifndef FANMILL_WORKER_KIN_H_
#define FANMILL_WORKER_KIN_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "lib/io/file.h"

namespace fanmill {

struct Kin {
  pid_t pid;
  pid_t parent;
};

struct Stat {
  char state = 'X';  // as in ps; X: gone
  pid_t parent = 0;
  uint64_t began = 0;  // with the pid, this names a process for good

  bool IsDead() const { return state == 'Z' || state == 'X'; }
  bool IsStopped() const { return state == 'T' || state == 't'; }
};

Stat StatOf(pid_t pid);

// Its entries, each ended by a NUL. nullopt when it is gone, or not ours to read.
std::optional<std::string> EnvironmentOf(pid_t pid);

// Visits all below root, parents before children, and each one's children being listed before it
// is visited itself, so that a visit which kills loses sight of nobody.
void WalkKin(pid_t root, const std::function<void(const Kin&)>& visit);

// The pid may have died and be another process by now: asks whose child it is while holding it, so
// that no stranger is ever signalled. Invalid when it is gone.
FileDescriptor HoldKin(const Kin& kin);

}  // namespace fanmill

#endif  // FANMILL_WORKER_KIN_H_
