#include "worker/usable_cpus.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string_view>

namespace fanmill {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();
constexpr int kCpusMax = 1 << 16;

double Ratio(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : kNoQuota;
}

// "max 100000" or "150000 100000".
double QuotaV2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period ? Ratio(quota, period) : kNoQuota;
}

// A quota of -1 is none.
double QuotaV1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? Ratio(quota, period) : kNoQuota;
}

// The least quota from the group up to the mount. In a container the group's path is often that of
// the host and absent here; the walk then ends at the mount, which is the container's own.
double LeastUpwards(const std::string& mount, std::string group,
                    double (*quota)(const std::string&)) {
  double least = quota(mount);
  while (!group.empty() && group != "/") {
    least = std::min(least, quota(mount + group));
    group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'));
  }
  return least;
}

bool NamesCpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

int CpusInMask() {
  for (int cpus = 1024; cpus <= kCpusMax; cpus *= 2) {
    cpu_set_t* mask = CPU_ALLOC(static_cast<size_t>(cpus));
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
    const bool known = sched_getaffinity(0, bytes, mask) == 0;
    const int allowed = known ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (known) return allowed;
    if (errno != EINVAL) return 1;  // EINVAL: the kernel's mask is larger
  }
  return 1;
}

}  // namespace

double CpuQuota(const std::string& memberships, const std::string& mount) {
  double least = kNoQuota;
  std::istringstream lines(memberships);
  for (std::string line; std::getline(lines, line);) {  // "4:cpu,cpuacct:/path" or "0::/path"
    const size_t first = line.find(':');
    const size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min({least, LeastUpwards(mount, group, QuotaV2),
                        LeastUpwards(mount + "/unified", group, QuotaV2)});
    } else if (NamesCpu(controllers)) {
      least = std::min({least, LeastUpwards(mount + "/cpu", group, QuotaV1),
                        LeastUpwards(mount + "/" + controllers, group, QuotaV1)});
    }
  }
  return least;
}

int UsableCpus() {
  std::ifstream file("/proc/self/cgroup");
  std::ostringstream memberships;
  memberships << file.rdbuf();
  const double quota = std::ceil(CpuQuota(memberships.str(), "/sys/fs/cgroup"));
  return static_cast<int>(std::max(1.0, std::min<double>(CpusInMask(), quota)));
}

}  // namespace fanmill
