// Ctrl-Z: all of a job stops, its tasks before it, and all of it goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>

#include "lib/io/pause_hook.h"
#include "tests/process/marked.h"
#include "worker/guardian.h"
#include "worker/kin.h"
#include "worker/spawn.h"
#include "worker/standstill.h"

namespace fanmill {
namespace {

// A child, a grandchild, and one in a session of its own, all deaf to what a terminal can say.
constexpr char kTree[] =
    "trap '' TERM HUP INT TSTP; (sleep 1000; :) & (setsid sleep 1000 &); sleep 1000; :";
constexpr size_t kTreeSize = 5;

bool IsStopped(pid_t pid) { return StatOf(pid).IsStopped(); }

// What the processes tell the test, and it tells them.
struct Seen {
  std::atomic<pid_t> guardian;
  std::atomic<pid_t> inner;
  std::atomic<pid_t> child;
  std::atomic<int> pauses;
  std::atomic<int> resumes;
  std::atomic<int> stopped_by;
  std::atomic<int> go_on;
  std::atomic<int> code;
  std::atomic<char> typed;
};

class PauseTest : public testing::Test {
 protected:
  PauseTest() {
    void* page =
        mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    seen_ = new (page) Seen{};
  }
  ~PauseTest() override {
    for (pid_t pid : {shell_, seen_->guardian.load(), seen_->inner.load(), seen_->child.load()}) {
      if (pid > 0) kill(pid, SIGKILL);
    }
    waitpid(shell_ > 0 ? shell_ : seen_->guardian.load(), nullptr, 0);
    munmap(seen_, sizeof(Seen));
  }

  // As an executor has it, and whatever else the working child does.
  int Work(int signals_fd, const std::function<void()>& more) {
    seen_->inner = getppid();
    seen_->child = getpid();
    Standstill standstill;
    const PauseHook hook(
        [&] {
          standstill.Begin();
          ++seen_->pauses;
        },
        [&] {
          standstill.End();
          ++seen_->resumes;
        });
    const int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    Spawn({"/bin/sh", {"sh", "-c", kTree}, {"PATH=/usr/bin:/bin", mark_.entry()}, ""}, null_fd,
          null_fd);
    while (mark_.Bearers().size() < kTreeSize) poll(nullptr, 0, 1);
    more();
    pollfd wanted{signals_fd, POLLIN, 0};
    while (poll(&wanted, 1, -1) < 0) continue;
    return TakeSignals(signals_fd)[0];
  }

  // In a new process: a job, as a shell starts it. Before it `prepare` is called there.
  pid_t StartJob(const std::function<void()>& prepare, const std::function<void()>& more) {
    std::fflush(nullptr);
    const pid_t job = fork();
    if (job != 0) return job;
    setpgid(0, 0);
    prepare();
    _exit(RunGuarded([&](int signals_fd) { return Work(signals_fd, more); }, {}));
  }
  void Start(const std::function<void()>& prepare = [] {}) {
    new (seen_) Seen{};
    seen_->guardian = StartJob(prepare, [] {});
    ASSERT_TRUE(TreeIsUp());
  }

  bool TreeIsUp() {
    return WaitUntil([&] { return mark_.Bearers().size() == kTreeSize; });
  }
  size_t StandingTasks() {
    const std::vector<pid_t> tasks = mark_.Bearers();
    return static_cast<size_t>(std::count_if(tasks.begin(), tasks.end(), StandsStill));
  }
  bool AllRun(int resumes) {
    return WaitUntil([&] { return seen_->resumes == resumes && StandingTasks() == 0; }) &&
           !IsStopped(seen_->child) && !IsStopped(seen_->guardian);
  }
  // What a shell would be told next of its job, as a number of waitpid; 0 when nothing comes.
  int Told() {
    int status = 0;
    WaitUntil([&] { return waitpid(seen_->guardian, &status, WUNTRACED | WNOHANG) != 0; });
    return status;
  }
  int StoppedBy() {
    const int status = Told();
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
  }

  Mark mark_;
  Seen* seen_;
  pid_t shell_ = -1;
};

// Many times, since whoever stops too late misses the SIGCONT.
TEST_F(PauseTest, TheTasksStandStillBeforeTheJobIsStoppedAndGoOnWithIt) {
  Start();
  for (int round = 1; round <= 30; ++round) {
    kill(-seen_->guardian, SIGTSTP);
    ASSERT_EQ(StoppedBy(), SIGTSTP);
    EXPECT_EQ(StandingTasks(), kTreeSize);
    EXPECT_EQ(seen_->pauses, round);
    kill(-seen_->guardian, SIGCONT);
    ASSERT_TRUE(AllRun(round)) << round;
  }
  EXPECT_EQ(mark_.Bearers().size(), kTreeSize);
  kill(seen_->guardian, SIGTERM);
  EXPECT_EQ(WEXITSTATUS(Told()), SIGTERM);
}

TEST_F(PauseTest, TheOuterGuardianAloneIsEnough) {
  Start();
  kill(seen_->child, SIGTSTP);  // does not count
  kill(seen_->inner, SIGTSTP);
  kill(seen_->guardian, SIGTSTP);
  ASSERT_EQ(StoppedBy(), SIGTSTP);
  EXPECT_EQ(StandingTasks(), kTreeSize);
  EXPECT_TRUE(WaitUntil([&] { return IsStopped(seen_->child); }));
  kill(seen_->guardian, SIGCONT);
  EXPECT_TRUE(AllRun(1));
}

TEST_F(PauseTest, WhoIsKilledWhileStoppedLeavesNothing) {
  for (const bool outer : {true, false}) {
    Start();
    kill(-seen_->guardian, SIGTSTP);
    ASSERT_EQ(StoppedBy(), SIGTSTP);
    kill(outer ? seen_->guardian : seen_->child, SIGKILL);
    EXPECT_TRUE(WaitUntil([&] { return mark_.Bearers().empty(); })) << outer;
    kill(seen_->guardian, SIGCONT);  // fg
    const int status = Told();
    EXPECT_EQ(outer ? WTERMSIG(status) : WEXITSTATUS(status), outer ? SIGKILL : 128 + SIGKILL);
    EXPECT_TRUE(WaitUntil([&] { return IsDead(seen_->inner) && IsDead(seen_->child); }));
  }
}

// As a shell does with `kill %1`.
TEST_F(PauseTest, AskedToEndWhileStoppedItGoesOnFirst) {
  Start();
  kill(-seen_->guardian, SIGTSTP);
  ASSERT_EQ(StoppedBy(), SIGTSTP);
  kill(-seen_->guardian, SIGTERM);
  kill(-seen_->guardian, SIGCONT);
  EXPECT_EQ(WEXITSTATUS(Told()), SIGTERM);
  EXPECT_EQ(seen_->resumes, 1);
}

TEST_F(PauseTest, WhereNobodyCouldContinueItNothingStops) {
  new (seen_) Seen{};
  std::fflush(nullptr);
  const pid_t job = fork();
  if (job == 0) {
    setsid();
    _exit(RunGuarded([&](int signals_fd) { return Work(signals_fd, [] {}); }, {}));
  }
  seen_->guardian = job;
  ASSERT_TRUE(TreeIsUp());
  kill(-job, SIGTSTP);
  EXPECT_TRUE(AllRun(1));
  EXPECT_EQ(waitpid(job, nullptr, WUNTRACED | WNOHANG), 0);
}

TEST_F(PauseTest, WhereItWasIgnoredItStaysSo) {
  Start([] { signal(SIGTSTP, SIG_IGN); });
  kill(-seen_->guardian, SIGTSTP);
  kill(-seen_->guardian, SIGTERM);
  EXPECT_EQ(WEXITSTATUS(Told()), SIGTERM);
  EXPECT_EQ(seen_->pauses, 0);
}

// A terminal, and a shell on it that has one job.
class TerminalPauseTest : public PauseTest {
 protected:
  TerminalPauseTest() : keyboard_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    grantpt(keyboard_);
    unlockpt(keyboard_);
  }
  ~TerminalPauseTest() override { close(keyboard_); }

  // The job does `more` once its tasks run.
  void StartShell(bool in_foreground, const std::function<void()>& more) {
    const std::string terminal = ptsname(keyboard_);
    std::fflush(nullptr);
    shell_ = fork();
    if (shell_ == 0) BeShell(terminal, in_foreground, more);
  }
  void Type(const std::string& keys) {
    ASSERT_EQ(write(keyboard_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  bool IsStoppedBy(int signal) {
    return WaitUntil([&] { return seen_->stopped_by == signal; });
  }

 private:
  [[noreturn]] void BeShell(const std::string& terminal, bool in_foreground,
                            const std::function<void()>& more) {
    setsid();
    const int tty = open(terminal.c_str(), O_RDWR);  // becomes the controlling terminal
    dup2(tty, 0);
    signal(SIGTTOU, SIG_IGN);  // as shells do, to give the terminal away
    termios mode{};
    tcgetattr(tty, &mode);
    mode.c_lflag |= TOSTOP;
    tcsetattr(tty, TCSANOW, &mode);
    const pid_t job = StartJob(
        [&] {
          if (in_foreground) tcsetpgrp(tty, getpid());
          signal(SIGTTOU, SIG_DFL);
        },
        more);
    seen_->guardian = job;
    int status = 0;
    waitpid(job, &status, WUNTRACED);
    tcsetpgrp(tty, getpid());
    seen_->stopped_by = WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
    while (seen_->go_on == 0) poll(nullptr, 0, 1);
    tcsetpgrp(tty, job);
    kill(-job, SIGCONT);
    waitpid(job, &status, WUNTRACED);
    seen_->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    _exit(0);
  }

  const int keyboard_;
};

TEST_F(TerminalPauseTest, CtrlZStopsAndFgContinues) {
  StartShell(true, [] {});
  ASSERT_TRUE(TreeIsUp());
  Type("\x1a");
  ASSERT_TRUE(IsStoppedBy(SIGTSTP));
  EXPECT_EQ(StandingTasks(), kTreeSize);
  seen_->go_on = 1;
  EXPECT_TRUE(AllRun(1));
  Type("\x03");
  EXPECT_TRUE(WaitUntil([&] { return seen_->code == SIGINT; }));
}

TEST_F(TerminalPauseTest, ReadingFromTheTerminalInTheBackgroundStopsAllUntilFg) {
  StartShell(false, [&] {
    char typed = 0;
    if (read(STDIN_FILENO, &typed, 1) == 1) seen_->typed = typed;
  });
  ASSERT_TRUE(IsStoppedBy(SIGTTIN));
  EXPECT_EQ(StandingTasks(), kTreeSize);
  Type("x\n");
  seen_->go_on = 1;
  EXPECT_TRUE(WaitUntil([&] { return seen_->typed == 'x'; }));
  EXPECT_TRUE(AllRun(1));
  Type("\x03");
  EXPECT_TRUE(WaitUntil([&] { return seen_->code == SIGINT; }));
}

// Where the person has set stty tostop.
TEST_F(TerminalPauseTest, WritingToTheTerminalInTheBackgroundStopsAllUntilFg) {
  StartShell(false, [&] {
    if (write(STDIN_FILENO, "x", 1) == 1) seen_->typed = 'x';
  });
  ASSERT_TRUE(IsStoppedBy(SIGTTOU));
  EXPECT_EQ(StandingTasks(), kTreeSize);
  EXPECT_EQ(seen_->typed, 0);
  seen_->go_on = 1;
  EXPECT_TRUE(WaitUntil([&] { return seen_->typed == 'x'; }));
  EXPECT_TRUE(AllRun(1));
}

}  // namespace
}  // namespace fanmill
