#include "worker/descendants.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "tests/process/marked.h"
#include "worker/spawn.h"

namespace fanmill {
namespace {

Child StartShell(const char* script, const std::vector<const Mark*>& marks) {
  Command command{"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, ""};
  for (const Mark* mark : marks) command.env.push_back(mark->entry());
  const int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const Spawned spawned = Spawn(command, null_fd, null_fd);
  close(null_fd);
  return spawned.child;
}

// Runs the body in a subreaper of its own; its exit code is how many of the body's claims failed.
template <class Body>
int InSubreaper(Body body) {
  const pid_t pid = fork();
  if (pid == 0) {
    BecomeSubreaper();
    _exit(body());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(DescendantsTest, AllGenerationsAreFoundParentsFirst) {
  const Mark mark;
  EXPECT_EQ(InSubreaper([&] {
              const Child child = StartShell("sh -c 'sleep 1000; :' ; :", {&mark});
              if (!WaitUntil([&] { return Descendants(getpid()).size() == 3; })) return 1;
              if (Descendants(getpid()).front() != child.pid) return 2;
              return KillAllDescendants() == 0 && Descendants(getpid()).empty() ? 0 : 3;
            }),
            0);
  EXPECT_TRUE(mark.Bearers().empty());
}

TEST(DescendantsTest, KillingReachesThoseThatKeepForking) {
  const Mark mark;
  EXPECT_EQ(InSubreaper([&] {
              StartShell("trap '' TERM; while :; do setsid sleep 1000 & sleep 0.001; done",
                         {&mark});
              if (!WaitUntil([&] { return Descendants(getpid()).size() > 20; })) return 1;
              return KillAllDescendants() == 0 ? 0 : 2;
            }),
            0);
  EXPECT_TRUE(mark.Bearers().empty());
}

// How many were left.
int SweepAll(const std::string& entry) {
  Sweep sweep({entry});
  while (!sweep.Pass()) {
  }
  return sweep.left();
}

TEST(DescendantsTest, OnlyTheMarkedAreKilled) {
  const Mark killed, spared;
  EXPECT_EQ(InSubreaper([&] {
              StartShell("setsid sleep 1000 & sleep 1000; :", {&killed});
              StartShell("setsid sleep 1000 & sleep 1000; :", {&spared});
              if (!WaitUntil([&] { return killed.Bearers().size() == 3; })) return 1;
              if (!WaitUntil([&] { return spared.Bearers().size() == 3; })) return 2;
              if (SweepAll(killed.entry()) != 0) return 3;
              if (!killed.Bearers().empty()) return 4;
              if (!WaitUntil([&] { return spared.Bearers().size() == 3; })) return 6;
              return KillAllDescendants() == 0 ? 0 : 5;
            }),
            0);
  EXPECT_TRUE(spared.Bearers().empty());
}

TEST(DescendantsTest, AProcessWithoutEnvironmentHoldsUpNobody) {
  const Mark mark;
  EXPECT_EQ(InSubreaper([&] {
              StartShell("exec env -i sleep 1000", {});
              if (SweepAll(mark.entry()) != 0) return 1;
              if (Descendants(getpid()).size() != 1) return 2;
              return KillAllDescendants() == 0 ? 0 : 3;
            }),
            0);
}

TEST(DescendantsTest, AdoptedDeadAreReapedAndTasksAreNot) {
  EXPECT_EQ(InSubreaper([&] {
              Child task = StartShell("(setsid sleep 0 &) ; exit 7", {});
              const auto is_task = [&](pid_t pid) { return pid == task.pid; };
              std::optional<Ending> ending;
              const bool ended = WaitUntil([&] {
                ReapAdopted(is_task);
                return (ending = Reap(task)).has_value();
              });
              if (!ended || ending->code != 7) return 1;
              const bool none_left = WaitUntil([&] {
                ReapAdopted([](pid_t) { return false; });
                return waitpid(-1, nullptr, WNOHANG) < 0;
              });
              return none_left ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace fanmill
