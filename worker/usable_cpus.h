// How many CPUs this process may really use: the default number of slots.
#ifndef FANMILL_WORKER_USABLE_CPUS_H_
#define FANMILL_WORKER_USABLE_CPUS_H_

#include <string>

namespace fanmill {

// The CPUs of the affinity mask, or fewer where a cgroup's quota (rounded up) is less. At least 1.
int UsableCpus();

// The CPU quota, in CPUs, of the cgroups that `memberships` (the text of /proc/PID/cgroup) names,
// and of those above them, as mounted at `mount` (/sys/fs/cgroup); version 1, 2 or both.
// Infinity where there is none, or where it cannot be read.
double CpuQuota(const std::string& memberships, const std::string& mount);

}  // namespace fanmill

#endif  // FANMILL_WORKER_USABLE_CPUS_H_
