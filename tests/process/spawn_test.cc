#include "worker/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/process/marked.h"
#include "worker/capture.h"

namespace fanmill {
namespace {

constexpr char kPath[] = "/usr/bin:/bin";

struct Ran {
  Ending ending{};
  std::string out;
  std::string err;
};

// What an executor does with one task, without its poll loop.
Ran RunToEnd(const Command& command) {
  Capture capture(testing::TempDir());
  EXPECT_EQ(capture.Open(), "");
  Spawned spawned = Spawn(command, capture.stdout_for_child(), capture.stderr_for_child());
  capture.CloseChildEnds();
  EXPECT_EQ(spawned.failure.text, "");
  if (spawned.failure.error != 0) return {};
  std::optional<Ending> ending;
  while (!ending) {
    const auto [out, err] = capture.fds();
    pollfd wanted[] = {{spawned.child.pidfd, POLLIN, 0}, {out, POLLIN, 0}, {err, POLLIN, 0}};
    poll(wanted, 3, -1);
    capture.Drain();
    ending = Reap(spawned.child);
  }
  capture.Finish();
  Capture::Output output = capture.Take();
  return {*ending, output.out.in_memory(), output.err.in_memory()};
}

Command Shell(const std::string& script) {
  return {"/bin/sh", {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, ""};
}

SpawnFailure FailureOf(const Command& command) {
  const int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const Spawned spawned = Spawn(command, null_fd, null_fd);
  close(null_fd);
  EXPECT_EQ(spawned.child.pid, -1);
  EXPECT_EQ(spawned.child.pidfd, -1);
  return spawned.failure;
}

class SpawnTest : public testing::Test {
 protected:
  SpawnTest() : folder_(testing::TempDir() + "/spawn." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~SpawnTest() override { std::filesystem::remove_all(folder_); }

  std::string File(const std::string& name, const std::string& text, mode_t mode) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

  std::string folder_;
};

TEST_F(SpawnTest, ExitCodeSignalAndBothStreamsComeBackUnmixed) {
  const Ran ran = RunToEnd(Shell("echo out; echo err >&2; exit 3"));
  EXPECT_FALSE(ran.ending.signaled);
  EXPECT_EQ(ran.ending.code, 3);
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
  const Ran killed = RunToEnd(Shell("kill -USR1 $$"));
  EXPECT_TRUE(killed.ending.signaled);
  EXPECT_EQ(killed.ending.code, SIGUSR1);
}

TEST_F(SpawnTest, StdinIsEmpty) { EXPECT_EQ(RunToEnd(Shell("cat; echo end")).out, "end\n"); }

TEST_F(SpawnTest, EnvironmentAndDirectoryAreTheTasks) {
  Command command = Shell("echo $A; pwd; env | wc -l");
  command.env = {"A=1", "PATH=/usr/bin:/bin"};
  command.cwd = "/usr";
  // PWD is the shell's own addition.
  EXPECT_EQ(RunToEnd(command).out, "1\n/usr\n3\n");
}

TEST_F(SpawnTest, NoOtherDescriptorIsOpenEvenThoseNotMarked) {
  const int leaky = open("/dev/null", O_RDONLY);
  const Ran ran = RunToEnd({"/bin/ls", {"ls", "/proc/self/fd"}, {}, ""});
  EXPECT_EQ(ran.out, "0\n1\n2\n3\n");  // 3 is the directory being listed
  close(leaky);
}

TEST_F(SpawnTest, SignalsAreAsAtLogin) {
  signal(SIGPIPE, SIG_IGN);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  const Ran ran =
      RunToEnd({"/bin/grep", {"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}, {}, ""});
  EXPECT_EQ(ran.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  sigprocmask(SIG_SETMASK, &before, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

TEST_F(SpawnTest, AWholeGroupIsSignalled) {
  const Mark mark;
  Command command = Shell("sleep 1000 & sleep 1000 & wait");
  command.env.push_back(mark.entry());
  const int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  Spawned spawned = Spawn(command, null_fd, null_fd);
  close(null_fd);
  ASSERT_TRUE(WaitUntil([&] { return mark.Bearers().size() == 3; }));
  SignalGroup(spawned.child, SIGTERM);
  std::optional<Ending> ending;
  ASSERT_TRUE(WaitUntil([&] { return (ending = Reap(spawned.child)).has_value(); }));
  EXPECT_TRUE(ending->signaled);
  EXPECT_EQ(ending->code, SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return mark.Bearers().empty(); }));
}

TEST_F(SpawnTest, ABackgroundProcessThatKeepsThePipesOpenHoldsUpNobody) {
  const Mark mark;
  Command command = Shell("sleep 1000 & echo done");
  command.env.push_back(mark.entry());
  EXPECT_EQ(RunToEnd(command).out, "done\n");
  EXPECT_TRUE(WaitUntil([&] { return mark.Bearers().empty(); }));
}

TEST_F(SpawnTest, AWriterInAnotherSessionCannotMakeTheEndEndless) {
  const Mark mark;
  Command command = Shell("setsid yes & echo done");
  command.env.push_back(mark.entry());
  EXPECT_NE(RunToEnd(command).ending.signaled, true);
  EXPECT_TRUE(WaitUntil([&] { return mark.Bearers().empty(); }));  // the broken pipe ended it
}

TEST_F(SpawnTest, CpuTimeOfTheTaskIsKnown) {
  const Ran ran = RunToEnd(Shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"));
  EXPECT_GT(ran.ending.usage.ru_utime.tv_usec + ran.ending.usage.ru_stime.tv_usec, 0);
}

TEST_F(SpawnTest, AProgramThatDoesNotExistIsNamedWithWhereItWasSought) {
  const Resolved resolved = Resolve("no-such-program", kPath, "");
  EXPECT_EQ(resolved.failure.error, ENOENT);
  EXPECT_EQ(
      resolved.failure.text,
      "program not found: no-such-program; install it on this host or give its path; searched "
      "PATH=/usr/bin:/bin");
  EXPECT_EQ(Resolve("/no/such", kPath, "").failure.error, ENOENT);
  EXPECT_EQ(Resolve("", kPath, "").failure.error, ENOENT);
}

TEST_F(SpawnTest, AFileThatMayNotRunIsNamed) {
  const std::string path = File("plain", "text", 0644);
  const Resolved resolved = Resolve(path, kPath, "");
  EXPECT_EQ(resolved.failure.error, EACCES);
  EXPECT_EQ(resolved.failure.text, "cannot run " + path + ": it is not executable; see chmod +x");
  EXPECT_EQ(Resolve("plain", folder_ + ":/bin", "").failure.error, EACCES);
  EXPECT_EQ(Resolve(folder_, kPath, "").failure.text,
            "cannot run " + folder_ + ": it is not a file; name a program");
}

TEST_F(SpawnTest, ProgramsAreFoundOnThePathAndBelowTheWorkingDirectory) {
  EXPECT_EQ(Resolve("sh", "/nowhere:/bin", "").path, "/bin/sh");
  const std::string path = File("tool", "#!/bin/sh\necho ran\n", 0755);
  EXPECT_EQ(Resolve("./tool", kPath, folder_).path, folder_ + "/./tool");
  EXPECT_EQ(Resolve("tool", folder_, "").path, path);
  EXPECT_EQ(RunToEnd({path, {"tool"}, {}, ""}).out, "ran\n");
}

TEST_F(SpawnTest, AMissingWorkingDirectoryIsSaidBeforeAndAtTheStart) {
  EXPECT_EQ(Resolve("sh", kPath, "/no/such/place").failure.error, ENOTDIR);
  Command command = Shell("true");
  command.cwd = "/no/such/place";
  const SpawnFailure failure = FailureOf(command);
  EXPECT_EQ(failure.error, ENOENT);
  EXPECT_EQ(failure.text,
            "cannot run /bin/sh: cannot enter its working directory /no/such/place: No such file "
            "or directory; create it on this host or choose another with --cwd");
}

TEST_F(SpawnTest, ExecFailuresAreToldAtOnce) {
  EXPECT_EQ(FailureOf({"/no/such", {"such"}, {}, ""}).error, ENOENT);
  EXPECT_EQ(FailureOf({File("plain", "text", 0644), {"plain"}, {}, ""}).error, EACCES);
  const SpawnFailure noexec = FailureOf({File("bare", "echo hi\n", 0755), {"bare"}, {}, ""});
  EXPECT_EQ(noexec.error, ENOEXEC);
  EXPECT_NE(noexec.text.find("#!/bin/sh"), std::string::npos);
}

TEST_F(SpawnTest, ArgumentsThatAreTooLongAreCountedForThePerson) {
  const SpawnFailure one = FailureOf({"/bin/true", {"true", std::string(1 << 20, 'x')}, {}, ""});
  EXPECT_EQ(one.error, E2BIG);
  EXPECT_EQ(one.text,
            "cannot run /bin/true: argument 1 has 1048576 bytes and Linux takes 131071 in one; put "
            "the value in a file");
  EXPECT_EQ(FailureOf({"/bin/true", {"true", std::string(131072, 'x')}, {}, ""}).error, E2BIG);
  EXPECT_EQ(RunToEnd({"/bin/true", {"true", std::string(131071, 'x')}, {}, ""}).ending.code, 0);
  const std::vector<std::string> many(100, std::string(131071, 'x'));
  const SpawnFailure all = FailureOf({"/bin/true", many, {}, ""});
  EXPECT_EQ(all.error, E2BIG);
  EXPECT_NE(all.text.find("arguments and environment have 131"), std::string::npos) << all.text;
}

TEST_F(SpawnTest, ThousandsOfTasksLeakNoDescriptor) {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  RunToEnd(Shell("true"));
  const auto before = open_descriptors();
  for (int i = 0; i < 200; ++i) {
    RunToEnd({"/bin/true", {"true"}, {}, ""});
    FailureOf({"/no/such", {"such"}, {}, ""});
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace fanmill
