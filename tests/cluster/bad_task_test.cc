// Tasks and batches that cannot be as somebody wished: each is told why and what to do, and no
// other task is hurt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"
#include "tests/cluster/local_cluster.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

constexpr char kOkTask[] = "\"status\":\"ok\",\"code\":0";

int Count(const std::string& text, const std::string& what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::string Sorted(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines{std::istream_iterator<std::string>(in), {}};
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  for (const std::string& line : lines) sorted += line + "\n";
  return sorted;
}

// In MiB; 0 when the process is gone.
uint64_t PeakMemory(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string word; file >> word;) {
    uint64_t kib = 0;
    if (word == "VmHWM:" && file >> kib) return kib >> 10;
  }
  return 0;
}

class BadTask : public ::testing::Test {
 protected:
  BadTask() { cluster_.StartAll(); }
  Finished Run(const Words& words, const std::string& input = "") {
    return cluster_.Fanmill(words, input);
  }

  LocalCluster cluster_;
};

TEST(BadHandler, ABatchThatNobodyOffersToRunWaitsSaysWhyAndBlocksNone) {
  LocalCluster cluster({.workers = 0});
  cluster.StartAll();
  cluster.StartWorker({"--handler", "noop"});
  ASSERT_TRUE(cluster.AwaitReadyWorkers(1));
  RunningCommand waits = cluster.StartFanmill({"submit", "--wait", "--", "echo"}, "at last\n");
  EXPECT_TRUE(WaitUntil([&] { return waits.Err().find("waits for") != std::string::npos; }));
  EXPECT_THAT(waits.Err(), HasSubstr("waits for workers that offer 'exec': 0 of 1 are ready"));
  EXPECT_EQ(cluster.Fanmill({"submit", "--wait", "--handler", "noop"}, "1\n2\n").exit_code, 0);
  cluster.StartWorker();
  const Finished done = waits.Wait();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(done.out, "at last\n");
}

TEST_F(BadTask, AValueTooLargeForACommandFailsThatTaskAlone) {
  const std::string most(kTaskPayloadBytesMax, 'x');
  const Finished large =
      Run({"submit", "--wait", "--", "echo"}, absl::StrCat("one\n", most, "\nthree\n"));
  EXPECT_EQ(large.exit_code, 1);
  EXPECT_EQ(Sorted(large.out), "one\nthree\n");
  EXPECT_THAT(large.err, AllOf(HasSubstr("1 of 3 tasks failed"),
                               HasSubstr("task 2: could not be started: cannot run "),
                               HasSubstr("has 1048576 bytes and Linux takes 131071 in one; put the "
                                         "value in a file")));
  EXPECT_EQ(Count(large.err, "Linux takes"), 1);  // said once
}

TEST_F(BadTask, ArgumentsTooLargeTogetherFailThatTaskAlone) {
  // Each word is short enough for Linux; all of them together are not.
  Words words = {"submit", "--wait", "--", "echo"};
  for (int i = 0; i < 30; ++i) words.emplace_back("{}");
  const Finished large =
      Run(words, absl::StrCat("a\n", std::string(128 << 10, 'x').substr(1), "\nb\n"));
  EXPECT_EQ(large.exit_code, 1);
  EXPECT_EQ(Count(large.out, "a"), 30);
  EXPECT_EQ(Count(large.out, "b"), 30);
  EXPECT_THAT(large.err,
              AllOf(HasSubstr("1 of 3 tasks failed"),
                    HasSubstr("task 2: could not be started: cannot run "), HasSubstr("put ")));
}

TEST_F(BadTask, AValueAboveTheLimitIsNotSentAndThoseBeforeItAreCancelled) {
  const Finished above = Run({"submit", "--wait", "--", "echo"},
                             absl::StrCat("one\n", std::string(kTaskPayloadBytesMax + 1, 'x')));
  EXPECT_EQ(above.exit_code, 2);
  EXPECT_THAT(above.err, AllOf(HasSubstr("line 2 of stdin is longer than 1048576 bytes"),
                               HasSubstr("was cancelled, since not all of its tasks were sent")));
}

TEST_F(BadTask, ANulIsNamedWithItsLineAndAWayOut) {
  const Finished nul = Run({"submit", "--wait", "--", "echo"}, std::string("one\nt\0o\n", 8));
  EXPECT_EQ(nul.exit_code, 2);
  EXPECT_THAT(nul.err,
              AllOf(HasSubstr("line 2 of stdin has a NUL byte (its byte 2)"), HasSubstr("add -0")));
}

TEST_F(BadTask, AProgramThatIsNotThereIsNamedWithWhereItWasSought) {
  const Finished missing = Run({"submit", "--wait", "--", "no-such-program"}, "x\n");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.out, IsEmpty());
  EXPECT_THAT(missing.err,
              HasSubstr("task 1: could not be started: program not found: no-such-program; install "
                        "it on this host or give its path; searched PATH="));
  const Finished folder = Run({"submit", "--wait", "--", "/usr"}, "x\n");
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_THAT(folder.err, HasSubstr("cannot run /usr: it is not a file; name a program"));
}

TEST_F(BadTask, AWorkingDirectoryThatIsMissingIsNamed) {
  const Finished missing = Run({"submit", "--wait", "--cwd", "/no/such", "--", "pwd"}, "-P\n-P\n");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err,
              HasSubstr("tasks 1, 2: could not be started: the working directory /no/such does not "
                        "exist here; create it on this host or choose another with --cwd"));
}

TEST_F(BadTask, AVariableThatIsNotSetIsNotSent) {
  const Finished unset = Run({"submit", "--env", "FANMILL_NO_SUCH", "--", "true"}, "x\n");
  EXPECT_EQ(unset.exit_code, 2);
  EXPECT_THAT(unset.out, IsEmpty());
  EXPECT_THAT(unset.err, AllOf(HasSubstr("--env 'FANMILL_NO_SUCH': there is no such variable"),
                               HasSubstr("--env NAME=VALUE")));
}

TEST_F(BadTask, AnOptionThatIsEmptyIsNotTakenForStdin) {
  for (const char* option : {"-a", "--array"}) {
    const Finished empty = Run({"submit", option, "", "--", "echo"}, "x\n");
    EXPECT_EQ(empty.exit_code, 2) << option;
    EXPECT_THAT(empty.err, HasSubstr("it is empty: is a shell variable in it unset?")) << option;
    EXPECT_THAT(empty.out, IsEmpty());
  }
}

TEST_F(BadTask, AFileThatMayNotBeReadIsNamed) {
  const std::string path = cluster_.folder() + "/secret";
  std::ofstream(path) << "x\n";
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  Words argv = {Executable("fanmill"),
                "--controller",
                cluster_.address(),
                "submit",
                "-a",
                path,
                "--",
                "echo"};
  // Root reads everything, but for a root without its powers.
  if (geteuid() == 0) {
    argv.insert(argv.begin(), {"/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"});
  }
  const Finished unread = StartCommand(argv, cluster_.folder() + "/unread", "").Wait();
  EXPECT_EQ(unread.exit_code, 2);
  EXPECT_THAT(unread.err, HasSubstr("cannot read " + path + ": permission denied"));
}

TEST_F(BadTask, FiftyMegabytesOfOneTaskComeWholeAndHurtNobody) {
  constexpr size_t kBytes = 50'000'000;
  const std::string script = absl::StrCat("if test {} = large; then head -c ", kBytes,
                                          " /dev/zero | tr '\\0' z; else echo {}; fi");
  std::string values = "large\n";
  std::string others;
  for (int i = 1; i <= 40; ++i) absl::StrAppend(&others, "small-", i, "\n");
  const Finished submitted = Run({"submit", "--shell", "--", script}, values + others);
  ASSERT_EQ(submitted.exit_code, 0) << submitted.err;
  const std::string batch = submitted.out.substr(0, submitted.out.find('\n'));
  const Finished results = Run({"results", batch});
  EXPECT_EQ(results.exit_code, 0) << results.err;
  const size_t from = results.out.find('z');
  ASSERT_NE(from, std::string::npos);
  EXPECT_EQ(results.out.find_first_not_of('z', from) == std::string::npos
                ? results.out.size() - from
                : results.out.find_first_not_of('z', from) - from,
            kBytes);
  std::string rest = results.out;
  rest.erase(from, kBytes);
  EXPECT_EQ(Sorted(rest), Sorted(others));
  const Finished json = Run({"results", batch, "--json"});
  EXPECT_EQ(Count(json.out, kOkTask), 41);
  const struct {
    const char* name;
    pid_t pid;
  } all[] = {{"controller", cluster_.controller().pid()},
             {"ventilator", cluster_.ventilator().pid()},
             {"sink", cluster_.sink().pid()}};
  std::cout << "peak memory, MiB:";
  for (const auto& each : all) std::cout << " " << each.name << " " << PeakMemory(each.pid);
  for (const pid_t pid : cluster_.Processes()) {
    const bool named = std::any_of(std::begin(all), std::end(all),
                                   [pid](const auto& each) { return each.pid == pid; });
    if (!named) std::cout << " of a worker " << PeakMemory(pid);
  }
  std::cout << "\n";
  // What the output does not pass through stays small.
  EXPECT_LT(PeakMemory(cluster_.controller().pid()), 200u);
  EXPECT_LT(PeakMemory(cluster_.ventilator().pid()), 200u);
}

}  // namespace
}  // namespace fanmill
