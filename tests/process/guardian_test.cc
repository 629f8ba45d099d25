#include "worker/guardian.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <new>
#include <thread>

#include "tests/process/marked.h"
#include "worker/capture.h"
#include "worker/slot_table.h"
#include "worker/spawn.h"

namespace fanmill {
namespace {

// A child, a grandchild, and a double-forked one in a session of its own, all deaf to TERM.
constexpr char kTree[] =
    "trap '' TERM HUP INT; (sh -c 'sleep 1000; :' & sleep 1000) & "
    "(setsid sh -c 'trap \"\" TERM HUP INT; sleep 1000 & sleep 1000; :' &) ; sleep 1000; :";
constexpr size_t kTreeSize = 8;

Spawned SpawnShell(const char* script, const Mark& mark) {
  const Command command{"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin", mark.entry()}, ""};
  return Spawn(command, open("/dev/null", O_WRONLY), open("/dev/null", O_WRONLY));
}

// What the guarded processes tell the test.
struct Seen {
  std::atomic<pid_t> inner;
  std::atomic<pid_t> child;
  std::atomic<int> signals;
  std::atomic<int> deaths;
  std::atomic<int> death_status;
  std::atomic<int> left_at_death;
  std::atomic<int> stop;
};

class GuardianTest : public testing::Test {
 protected:
  GuardianTest() {
    void* page =
        mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    seen_ = new (page) Seen{};
  }
  ~GuardianTest() override {
    for (pid_t pid : {guardian(), inner(), child()}) {
      if (pid > 0) kill(pid, SIGKILL);
    }
    waitpid(guardian_, nullptr, 0);
    munmap(seen_, sizeof(Seen));
  }

  // Starts a guardian as an own process; child_main runs in its working child.
  void Start(const std::function<int(int)>& child_main) {
    std::fflush(nullptr);
    guardian_ = fork();
    if (guardian_ != 0) return;
    setpgid(0, 0);
    const auto marked_main = [&](int signals_fd) {
      seen_->inner = getppid();
      seen_->child = getpid();
      return child_main(signals_fd);
    };
    const auto on_death = [&](const Death& death) {
      seen_->left_at_death = static_cast<int>(mark_.Bearers().size());
      seen_->death_status = death.status;
      ++seen_->deaths;
    };
    _exit(RunGuarded(marked_main, {on_death}));
  }

  // Starts one whose child has spawned the tree and does nothing any more, and waits for that.
  void StartWithTree() {
    Start([&](int) {
      SpawnShell(kTree, mark_);
      while (true) pause();
      return 0;
    });
    ASSERT_TRUE(WaitUntil([&] { return mark_.Bearers().size() == kTreeSize; }));
  }

  pid_t guardian() const { return guardian_; }
  pid_t inner() const { return seen_->inner; }
  pid_t child() const { return seen_->child; }
  bool IsGone(pid_t pid) {
    return WaitUntil([&] { return IsDead(pid); });
  }
  int GuardianCode() {
    int status = 0;
    waitpid(guardian_, &status, 0);
    guardian_ = INT32_MAX;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  bool NobodyLeft() {
    return WaitUntil([&] { return mark_.Bearers().empty(); });
  }

  Mark mark_;
  Seen* seen_;
  pid_t guardian_ = INT32_MAX;
};

TEST_F(GuardianTest, ExitCodeIsTheChilds) {
  Start([](int) { return 3; });
  EXPECT_EQ(GuardianCode(), 3);
  EXPECT_EQ(seen_->deaths, 0);
}

TEST_F(GuardianTest, ExitCodeNamesTheSignalThatEndedTheChild) {
  Start([](int) {
    signal(SIGABRT, SIG_DFL);
    abort();
    return 0;
  });
  EXPECT_EQ(GuardianCode(), 128 + SIGABRT);
  EXPECT_EQ(seen_->deaths, 1);
  EXPECT_EQ(WTERMSIG(seen_->death_status), SIGABRT);
}

TEST_F(GuardianTest, AnExitThatIsNoReturnIsADeath) {
  Start([](int) {
    _exit(5);
    return 0;
  });
  EXPECT_EQ(GuardianCode(), 5);
  EXPECT_EQ(seen_->deaths, 1);
}

TEST_F(GuardianTest, AnOrderlyEndLeavesNoDescendant) {
  Start([&](int) {
    SpawnShell(kTree, mark_);
    while (mark_.Bearers().size() < kTreeSize) std::this_thread::yield();
    return 0;
  });
  EXPECT_EQ(GuardianCode(), 0);
  EXPECT_TRUE(mark_.Bearers().empty());
  EXPECT_EQ(seen_->deaths, 0);
}

TEST_F(GuardianTest, KilledChildLeavesNoDescendantWhenItsDeathIsTold) {
  StartWithTree();
  kill(child(), SIGKILL);
  EXPECT_EQ(GuardianCode(), 128 + SIGKILL);
  EXPECT_TRUE(mark_.Bearers().empty());
  EXPECT_EQ(seen_->deaths, 1);
  EXPECT_EQ(seen_->left_at_death, 0);
}

TEST_F(GuardianTest, KilledOuterGuardianLeavesNobodyAndIsReported) {
  StartWithTree();
  kill(guardian(), SIGKILL);
  EXPECT_EQ(GuardianCode(), -SIGKILL);
  EXPECT_TRUE(NobodyLeft());
  EXPECT_TRUE(IsGone(child()));
  EXPECT_TRUE(IsGone(inner()));
  EXPECT_EQ(seen_->deaths, 1);
  EXPECT_EQ(seen_->left_at_death, 0);
}

TEST_F(GuardianTest, KilledInnerGuardianLeavesNobodyAndIsReported) {
  StartWithTree();
  kill(inner(), SIGKILL);
  EXPECT_EQ(GuardianCode(), 128 + SIGKILL);
  EXPECT_TRUE(mark_.Bearers().empty());
  EXPECT_TRUE(IsGone(child()));
  EXPECT_EQ(seen_->deaths, 1);
}

TEST_F(GuardianTest, AnyTwoKilledInARowLeaveNobody) {
  enum { kOuter, kInner, kChild };
  for (const auto& [first, second] :
       {std::pair(kOuter, kChild), std::pair(kChild, kOuter), std::pair(kInner, kChild),
        std::pair(kChild, kInner), std::pair(kOuter, kInner), std::pair(kInner, kOuter)}) {
    StartWithTree();
    const pid_t pids[] = {guardian(), inner(), child()};
    kill(pids[first], SIGKILL);
    kill(pids[second], SIGKILL);
    EXPECT_TRUE(NobodyLeft()) << first << " and " << second;
    GuardianCode();
    for (pid_t pid : pids) EXPECT_TRUE(IsGone(pid)) << first << " and " << second;
  }
}

// The inner one is stopped, so that it cannot wake up between the two.
TEST_F(GuardianTest, BothGuardiansKilledAtOnceAreReportedByTheChild) {
  StartWithTree();
  kill(inner(), SIGSTOP);
  kill(guardian(), SIGKILL);
  kill(inner(), SIGKILL);
  EXPECT_EQ(GuardianCode(), -SIGKILL);
  EXPECT_TRUE(IsGone(child()));
  EXPECT_TRUE(mark_.Bearers().empty());
  EXPECT_EQ(seen_->deaths, 1);
  EXPECT_EQ(WEXITSTATUS(seen_->death_status), kGuardianDiedCode);
  EXPECT_EQ(seen_->left_at_death, 0);
}

// The first killer must not have killed the one that could go on.
TEST_F(GuardianTest, AGuardianKilledWhileTheTreeIsBeingKilledLeavesNobody) {
  for (const bool outer_first : {true, false}) {
    StartWithTree();
    kill(outer_first ? guardian() : inner(), SIGKILL);
    ASSERT_TRUE(WaitUntil([&] { return mark_.Bearers().size() < kTreeSize; }));
    kill(outer_first ? inner() : guardian(), SIGKILL);
    EXPECT_TRUE(NobodyLeft()) << outer_first;
    GuardianCode();
    EXPECT_TRUE(IsGone(child()));
  }
}

TEST_F(GuardianTest, AllKilledInTheSameInstantStillEndsEachTasksFirstProcess) {
  Start([&](int) {
    for (int i = 0; i < 4; ++i) SpawnShell("exec sleep 1000", mark_);
    while (true) pause();
    return 0;
  });
  ASSERT_TRUE(WaitUntil([&] { return mark_.Bearers().size() == 4; }));
  kill(-guardian(), SIGKILL);
  EXPECT_TRUE(NobodyLeft());
}

// Whatever the moment: between clone and exec, the new process is a copy without the mark, so all
// that the guardian leaves behind would show a little later.
TEST_F(GuardianTest, DeathInTheMiddleOfSpawningLeavesNoDescendant) {
  for (int round = 0; round < 20; ++round) {
    seen_->child = 0;
    seen_->signals = 0;
    Start([&](int) {
      while (true) {
        SpawnShell("setsid sleep 1000 & exec sleep 1000", mark_);
        ++seen_->signals;
      }
      return 0;
    });
    ASSERT_TRUE(WaitUntil([&] { return seen_->signals > round; }));
    const bool child_dies = round % 2 == 0;
    kill(child_dies ? child() : guardian(), SIGKILL);
    EXPECT_EQ(GuardianCode(), child_dies ? 128 + SIGKILL : -SIGKILL);
    EXPECT_TRUE(IsGone(inner()));
    EXPECT_TRUE(IsGone(child()));
    EXPECT_TRUE(mark_.Bearers().empty()) << "round " << round;
  }
}

// Counts signals, and returns once told to.
int CountSignals(int signals_fd, Seen& seen) {
  while (seen.stop == 0) {
    pollfd wanted{signals_fd, POLLIN, 0};
    poll(&wanted, 1, 10);
    seen.signals += static_cast<int>(TakeSignals(signals_fd).size());
  }
  return 128 + SIGTERM;
}

TEST_F(GuardianTest, ASignalToTheWholeGroupCountsOnce) {
  Start([&](int signals_fd) { return CountSignals(signals_fd, *seen_); });
  ASSERT_TRUE(WaitUntil([&] { return child() > 0; }));
  kill(-guardian(), SIGINT);
  ASSERT_TRUE(WaitUntil([&] { return seen_->signals == 1; }));
  kill(child(), SIGTERM);  // does not count: the guardian's word alone does
  kill(guardian(), SIGTERM);
  ASSERT_TRUE(WaitUntil([&] { return seen_->signals >= 2; }));
  seen_->stop = 1;
  EXPECT_EQ(GuardianCode(), 128 + SIGTERM);
  EXPECT_EQ(seen_->signals, 2);
  EXPECT_EQ(seen_->deaths, 0);
}

TEST_F(GuardianTest, ChildReadsWhichSignalsCameInOrder) {
  Start([&](int signals_fd) {
    std::vector<int> all;
    while (all.size() < 2) {
      pollfd wanted{signals_fd, POLLIN, 0};
      poll(&wanted, 1, -1);
      for (int signal : TakeSignals(signals_fd)) all.push_back(signal);
      seen_->signals = static_cast<int>(all.size());
    }
    return all == std::vector<int>{SIGHUP, SIGTERM} ? 0 : 1;
  });
  ASSERT_TRUE(WaitUntil([&] { return child() > 0; }));
  kill(guardian(), SIGHUP);
  ASSERT_TRUE(WaitUntil([&] { return seen_->signals == 1; }));
  kill(guardian(), SIGTERM);
  EXPECT_EQ(GuardianCode(), 0);
}

// As nohup, or the & of a shell script, leaves it behind.
TEST_F(GuardianTest, SignalsThatWereIgnoredStaySo) {
  for (const int ignored : {SIGHUP, SIGINT, SIGQUIT}) signal(ignored, SIG_IGN);
  Start([&](int signals_fd) {
    pollfd wanted{signals_fd, POLLIN, 0};
    poll(&wanted, 1, -1);
    return TakeSignals(signals_fd) == std::vector<int>{SIGTERM} ? 0 : 1;
  });
  for (const int ignored : {SIGHUP, SIGINT, SIGQUIT}) signal(ignored, SIG_DFL);
  ASSERT_TRUE(WaitUntil([&] { return child() > 0; }));
  for (const int ignored : {SIGHUP, SIGINT, SIGQUIT}) kill(guardian(), ignored);
  kill(guardian(), SIGTERM);
  EXPECT_EQ(GuardianCode(), 0);
}

TEST_F(GuardianTest, StartedWithoutStandardDescriptorsItStillGivesTasksTheirs) {
  const int kept[] = {dup(0), dup(1), dup(2)};
  for (int fd : {0, 1, 2}) close(fd);
  Start([&](int) {
    Capture capture("/tmp");
    if (capture.Open() != "") return 1;
    Spawned spawned = Spawn({"/bin/sh", {"sh", "-c", "cat && echo out"}, {"PATH=/bin"}, ""},
                            capture.stdout_for_child(), capture.stderr_for_child());
    while (!Reap(spawned.child)) std::this_thread::yield();
    capture.Finish();
    return capture.Take().out.in_memory() == "out\n" ? 0 : 2;
  });
  for (int fd : {0, 1, 2}) dup2(kept[fd], fd);
  for (int fd : kept) close(fd);
  EXPECT_EQ(GuardianCode(), 0);
}

TEST_F(GuardianTest, GuardianSeesWhichAttemptsWereStarted) {
  SlotTable table(2);
  Start([&](int) {
    table.slot(1).Set({SlotState::kRunning, 7, 70, 700, 1, 1234});
    table.identity().Set(
        {.cluster = 9, .incarnation = 8, .name = {}, .lease_endpoint = {}, .controller = {}});
    raise(SIGKILL);
    return 0;
  });
  EXPECT_EQ(GuardianCode(), 128 + SIGKILL);
  ASSERT_EQ(table.Started().size(), 1u);
  EXPECT_EQ(table.Started()[0].task, 70u);
  EXPECT_EQ(table.identity().Get().incarnation, 8u);
}

}  // namespace
}  // namespace fanmill
