#include "worker/usable_cpus.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace fanmill {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

// A cgroup mount made of plain files.
class UsableCpusTest : public testing::Test {
 protected:
  UsableCpusTest() : mount_(testing::TempDir() + "/cgroup." + std::to_string(getpid())) {}
  ~UsableCpusTest() override { std::filesystem::remove_all(mount_); }

  void File(const std::string& path, const std::string& text) {
    const std::filesystem::path full = mount_ + "/" + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }

  std::string mount_;
};

TEST_F(UsableCpusTest, Version2TakesTheLeastQuotaUpwards) {
  File("a/cpu.max", "150000 100000");
  File("a/b/cpu.max", "max 100000");
  EXPECT_EQ(CpuQuota("0::/a/b\n", mount_), 1.5);
  File("a/b/cpu.max", "50000 100000");
  EXPECT_EQ(CpuQuota("0::/a/b\n", mount_), 0.5);
}

TEST_F(UsableCpusTest, Version2WithoutQuotaIsUnlimited) {
  File("a/cpu.max", "max 100000");
  EXPECT_EQ(CpuQuota("0::/a\n", mount_), kNone);
}

TEST_F(UsableCpusTest, Version1IsFoundByItsController) {
  File("cpu,cpuacct/job/cpu.cfs_quota_us", "300000");
  File("cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(CpuQuota("5:cpuset:/\n4:cpu,cpuacct:/job\n0::/\n", mount_), 3);
  File("cpu,cpuacct/job/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(CpuQuota("4:cpu,cpuacct:/job\n", mount_), kNone);
}

TEST_F(UsableCpusTest, InAContainerThePathIsTheHostsAndTheMountItsOwn) {
  File("cpu/cpu.cfs_quota_us", "200000");
  File("cpu/cpu.cfs_period_us", "100000");
  EXPECT_EQ(CpuQuota("4:cpu:/docker/0123\n", mount_), 2);
}

TEST_F(UsableCpusTest, NonsenseIsNoQuota) {
  File("a/cpu.max", "banana");
  EXPECT_EQ(CpuQuota("0::/a\nx\n:\n", mount_), kNone);
  EXPECT_EQ(CpuQuota("", mount_), kNone);
}

TEST_F(UsableCpusTest, TheAffinityMaskCounts) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(UsableCpus(), 1);
  sched_setaffinity(0, sizeof before, &before);
  EXPECT_GE(UsableCpus(), 1);
  EXPECT_LE(UsableCpus(), CPU_COUNT(&before));
}

}  // namespace
}  // namespace fanmill
