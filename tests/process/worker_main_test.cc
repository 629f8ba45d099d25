// fanmill-worker as a person starts it: its command line, its complaints, its exit codes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/process/marked.h"

namespace fanmill {
namespace {

class Worker {
 public:
  explicit Worker(std::vector<std::string> arguments)
      : output_(testing::TempDir() + "/worker." + mark_.entry().substr(18)) {
    std::vector<std::string> words = {FANMILL_WORKER};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::string mark = mark_.entry();
    char path[] = "PATH=/usr/bin:/bin";
    char* env[] = {mark.data(), path, nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int fd : {1, 2}) {
      posix_spawn_file_actions_addopen(&actions, fd, output_.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    }
    EXPECT_EQ(posix_spawn(&pid_, FANMILL_WORKER, &actions, nullptr, argv.data(), env), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Worker() { std::filesystem::remove(output_); }

  pid_t pid() const { return pid_; }
  const Mark& mark() const { return mark_; }
  std::string Output() const {
    std::ifstream file(output_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool Says(const std::string& text) const {
    return WaitUntil([&] { return Output().find(text) != std::string::npos; });
  }
  int ExitCode() {
    int status = 0;
    const bool ended = WaitUntil([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
    EXPECT_TRUE(ended);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  Mark mark_;
  std::string output_;
  pid_t pid_ = -1;
};

TEST(WorkerMain, HelpTeachesAndVersionTells) {
  Worker help({"--help"});
  EXPECT_EQ(help.ExitCode(), 0);
  for (const char* text : {"--controller", "--slots", "--handler", "--spool-bytes", "Ctrl-C",
                           "Exit codes", "FANMILL_TASK_ID"}) {
    EXPECT_NE(help.Output().find(text), std::string::npos) << text;
  }
  Worker version({"--version"});
  EXPECT_EQ(version.ExitCode(), 0);
  EXPECT_TRUE(version.Output().starts_with("fanmill-worker "));
}

TEST(WorkerMain, WrongUsageIsTwo) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--slots", "0"},
      {"--slots", "4097"},
      {"--slots", "many"},
      {"--handler", "no-such"},
      {"--name", std::string(256, 'n')},
      {"--spool-bytes", "-1"},
      {"--spool-bytes", "0"},
      {"--spool-bytes", "1.5"},
      {"--spool-bytes", "99999999999999999999"},
      {"--spill-dir", ""},
      {"--no-such-flag"},
      {"stray"},
      {"--controller", "host:notaport"},
      {"--controller", "192.0.2.1:21000"},  // beyond this machine, without a key
  };
  for (const auto& arguments : wrong) {
    Worker worker(arguments);
    EXPECT_EQ(worker.ExitCode(), 2) << arguments[0] << " " << worker.Output();
    EXPECT_NE(worker.Output(), "");
  }
}

TEST(WorkerMain, ASizeMayHaveAUnitAndIsRefusedInPlainWords) {
  Worker much({"--spool-bytes", "much"});
  EXPECT_EQ(much.ExitCode(), 2);
  EXPECT_EQ(
      much.Output(),
      "fanmill-worker: --spool-bytes: 'much' is not how many bytes: write a number, or one with "
      "K, M, G or T, from 1 to 1T; fanmill-worker --help tells what there is\n");
  // The size is fine, and the next thing is not.
  Worker fine({"--spool-bytes", "64m", "--spill-dir", "/no/such/place"});
  EXPECT_EQ(fine.ExitCode(), 5);
}

TEST(WorkerMain, WhatItCannotWorkWithIsFive) {
  Worker spill({"--spill-dir", "/no/such/place"});
  EXPECT_EQ(spill.ExitCode(), 5);
  EXPECT_NE(spill.Output().find("cannot keep large outputs in /no/such/place"), std::string::npos);
  EXPECT_NE(spill.Output().find("--spill-dir"), std::string::npos);
  Worker key({"--key", "/no/such/key"});
  EXPECT_NE(key.ExitCode(), 0);
  EXPECT_NE(key.Output().find("/no/such/key"), std::string::npos);
}

const std::vector<std::string> kAlone = {"--controller", "ipc:///no/such/controller"};

TEST(WorkerMain, ItWaitsForItsControllerAndLeavesWhenAsked) {
  Worker worker(kAlone);
  ASSERT_TRUE(worker.Says("event=started"));
  kill(worker.pid(), SIGTERM);
  EXPECT_EQ(worker.ExitCode(), 0);
  EXPECT_TRUE(worker.mark().Bearers().empty());
}

TEST(WorkerMain, KillingItsGuardianEndsItAll) {
  Worker worker(kAlone);
  ASSERT_TRUE(worker.Says("event=started"));
  ASSERT_EQ(worker.mark().Bearers().size(), 3u);
  kill(worker.pid(), SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return worker.mark().Bearers().empty(); }));
  int status = 0;
  waitpid(worker.pid(), &status, 0);
  EXPECT_TRUE(worker.Says("event=worker_died cause="));
}

}  // namespace
}  // namespace fanmill
