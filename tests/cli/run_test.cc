// fanmill run: a batch on this machine, from its values to its exit code, by the real executable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>

#include "tests/cli/run_fixture.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Run, PrintsWhatTheTasksWroteAndNothingElse) {
  const Finished run = Of({"-j1", "echo", "hello"}, "a b\nc\n");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "hello a b\nhello c\n");
  EXPECT_THAT(run.err, IsEmpty());
}

TEST_F(Run, KeepsTheOrderWhenAsked) {
  const Finished run =
      Of({"-k", "-j3", "--shell", "sleep 0.{}; echo {}", ":::", "3", "2", "1", "0"});
  EXPECT_EQ(run.out, "3\n2\n1\n0\n");
}

TEST_F(Run, PrintsEachTasksStdoutThenItsStderrWhole) {
  const Finished run = Of({"-j2", "--shell", "echo out-{} 1; echo err-{} >&2", ":::", "x"});
  EXPECT_EQ(run.out, "out-x 1\n");
  EXPECT_EQ(run.err, "err-x\n");
}

TEST_F(Run, TakesEachLineAsACommandWhenThereIsNone) {
  const Finished run = Of({"-k"}, "echo \"a  b\" | tr a c\nexit 7\n");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.out, "c  b\n");
  EXPECT_THAT(run.err, AllOf(HasSubstr("1 of 2 tasks failed"), HasSubstr("exit code 7")));
}

TEST_F(Run, FindsAMissingProgramBeforeTheFirstTask) {
  const Finished run = Of({"no-such-program-of-any-name", ":::", "a", "b"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("no-such-program-of-any-name"), Not(HasSubstr("tasks"))));
}

TEST_F(Run, HasNothingToDoWithoutTasks) {
  const Finished run = Of({"false"}, "");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, IsEmpty());
}

TEST_F(Run, TellsWhichTasksFailedAndHowToRunThemAgain) {
  const Finished run = Of({"--shell", "exit {}", ":::", "0", "3", "3"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, AllOf(HasSubstr("2 of 3 tasks failed"), HasSubstr("tasks 2, 3: exit code 3"),
                             HasSubstr("sh -c 'exit 3'")));
}

TEST_F(Run, EndsInPeaceAtTheFirstFailureWhenToldSo) {
  const std::string go = folder_ + "/go";
  RunningCommand run =
      Start({"-j1", "--halt", "soon,fail=1", "--shell",
             "echo > " + folder_ + "/began-{}; test {} != 1 || exit 1; until [ -e " + go +
                 " ]; do sleep 0.01; done; echo ended {}",
             ":::", "1", "2", "3"});
  ASSERT_TRUE(WaitUntil([&run] {
    return run.Err().find("--halt: 1 task failed; ending what runs") != std::string::npos;
  })) << run.Err();
  ASSERT_TRUE(WaitUntil([this] { return Exists("began-2"); }));
  std::ofstream(go) << "go";
  const Finished halted = run.Wait();
  EXPECT_EQ(halted.exit_code, 3);
  EXPECT_EQ(halted.out, "ended 2\n");
  EXPECT_FALSE(Exists("began-3"));
}

TEST_F(Run, KillsWhatRunsAtTheFirstSuccessWhenToldSo) {
  const Finished run =
      Of({"-j2", "--halt", "now,success=1", "--shell",
          "if [ {} = quick ]; then exit 0; fi; sleep 1000", ":::", "slow", "quick"});
  EXPECT_EQ(run.exit_code, 3);
}

TEST_F(Run, LetsWhatRunsEndAtTheFirstSignalAndBeginsNothingMore) {
  const std::string go = folder_ + "/go";
  RunningCommand run = Start({"-j1", "--shell",
                              "echo > " + folder_ + "/began-{}; until [ -e " + go +
                                  " ]; do sleep 0.01; done; echo ended {}",
                              ":::", "1", "2"});
  ASSERT_TRUE(WaitUntil([this] { return Exists("began-1"); })) << run.Err();
  run.process().Signal(SIGINT);
  ASSERT_TRUE(WaitUntil([&run] {
    return run.Err().find("finishing 1 task; Ctrl-C again kills") != std::string::npos;
  })) << run.Err();
  std::ofstream(go) << "go";
  const Finished finished = run.Wait();
  EXPECT_EQ(finished.exit_code, 128 + SIGINT);
  EXPECT_EQ(finished.out, "ended 1\n");
  EXPECT_FALSE(Exists("began-2"));
}

TEST_F(Run, KillsAtTheSecondSignal) {
  RunningCommand run =
      Start({"-j1", "--shell", "echo > " + folder_ + "/began; sleep 1000 #", ":::", "1"});
  ASSERT_TRUE(WaitUntil([this] { return Exists("began"); })) << run.Err();
  run.process().Signal(SIGTERM);
  ASSERT_TRUE(WaitUntil([&run] { return run.Err().find("finishing") != std::string::npos; }));
  run.process().Signal(SIGTERM);
  EXPECT_EQ(run.Wait().exit_code, 128 + SIGTERM);
}

TEST_F(Run, WaitsForNoGraceAtTheThirdSignal) {
  RunningCommand run = Start(
      {"-j1", "--grace", "1h", "--shell",
       "trap '' TERM; echo > " + folder_ + "/began; while :; do sleep 1; done #", ":::", "1"});
  ASSERT_TRUE(WaitUntil([this] { return Exists("began"); })) << run.Err();
  run.process().Signal(SIGINT);
  ASSERT_TRUE(WaitUntil([&run] { return run.Err().find("finishing") != std::string::npos; }));
  run.process().Signal(SIGINT);
  ASSERT_TRUE(WaitUntil([&run] { return run.Err().find("killing") != std::string::npos; }));
  run.process().Signal(SIGINT);
  EXPECT_EQ(run.Wait().exit_code, 128 + SIGINT);
}

TEST_F(Run, LeavesNoProcessWhenItIsKilled) {
  RunningCommand run =
      Start({"-j2", "--shell", "setsid sleep 1000 & echo > " + folder_ + "/began; sleep 1000 #",
             ":::", "1"});
  ASSERT_TRUE(WaitUntil([this] { return Exists("began"); })) << run.Err();
  run.process().Signal(SIGKILL);
  run.Wait();  // the rest is looked at as in every test
}

TEST_F(Run, SaysWhatRanWhenATaskKillsIt) {
  const Finished run = Of({"-j2", "--shell",
                           "echo > " + folder_ + "/began{}; while [ {} = 2 ]; do if [ -e " +
                               folder_ + "/began1 ]; then kill -9 $PPID; fi; done; sleep 1000",
                           ":::", "1", "2"});
  EXPECT_EQ(run.exit_code, 128 + SIGKILL);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, HasSubstr("fanmill: killed by signal 9 (SIGKILL) while tasks 1, 2 ran: by "
                                 "one of these"));
  EXPECT_THAT(run.err, HasSubstr("nothing of them is left"));
}

TEST_F(Run, EndsQuietlyWhenNobodyReads) {
  const Finished piped = StartCommand({"/bin/sh", "-c",
                                       "{ yes | " + Executable("fanmill") + " run echo; echo $? >" +
                                           folder_ + "/code; } | head -n1"},
                                      folder_ + "/piped", "")
                             .Wait();
  EXPECT_EQ(piped.out, "y\n");
  EXPECT_THAT(piped.err, IsEmpty());
  EXPECT_EQ(TextOf("code"), std::to_string(128 + SIGPIPE) + "\n");
}

TEST_F(Run, WritesResultsIntoADirectory) {
  const Finished run = Of({"--results", folder_ + "/out", "echo", ":::", "a", "b"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(TextOf("out/000/000002.out"), "b\n");
  const Finished again = Of({"--results", folder_ + "/out", "echo", ":::", "a"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr(folder_ + "/out"));
}

TEST_F(Run, WritesLinesAsTheyComeOrLeavesThemToTheTasks) {
  const Finished lines =
      Of({"-j1", "--line-buffer", "--tag", "--shell", "echo one; echo {} #", ":::", "a"});
  EXPECT_EQ(lines.out, "a\tone\na\ta\n");
  const Finished direct = Of({"-u", "-j1", "echo", ":::", "a"});
  EXPECT_EQ(direct.out, "a\n");
}

TEST_F(Run, TellsWhereTheTimeWent) {
  const Finished run = Of({"--handler", "sleep", "-j2", "--report", "text", ":::", "1000", "2000"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, AllOf(StartsWith("Total expected cost: 3"), HasSubstr("Total elapsed time"),
                             HasSubstr("2 tasks, 2 ok"), Not(HasSubstr("Not complete"))));
  Of({"--handler", "noop", "--report-file", folder_ + "/report", ":::", "1"});
  EXPECT_THAT(TextOf("report"), StartsWith("{"));
}

TEST_F(Run, CarriesALargeOutputWhole) {
  const Finished run = Of({"--shell", "head -c 20000000 /dev/zero | tr '\\0' {}", ":::", "x"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out.size(), 20'000'000u);
  EXPECT_EQ(run.out.find_first_not_of('x'), std::string::npos);
}

TEST_F(Run, RefusesWhatDoesNotGoTogether) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"-u", "--line-buffer", "echo"},
                                             {"-u", "-k", "echo"},
                                             {"-u", "--tag", "echo"},
                                             {"--line-buffer", "--output", "jsonl", "echo"},
                                             {"--line-buffer", "--results", "x", "echo"},
                                             {"-u", "--handler", "noop"},
                                             {"--hold", "echo"},
                                             {"--min-workers", "2", "echo"},
                                             {"--halt", "sometimes", "echo"},
                                             {"-j0", "echo"}}) {
    const Finished run = Of(words, "a\n");
    EXPECT_EQ(run.exit_code, 2) << words[0] << words[1];
    EXPECT_THAT(run.err, Not(IsEmpty()));
  }
}

TEST_F(Run, SaysWhatIsWrongWithTheValuesAndNothingElse) {
  const Finished nul = Of({"echo"}, std::string("a\0b\n", 4));
  EXPECT_EQ(nul.exit_code, 2);
  EXPECT_THAT(nul.err, AllOf(StartsWith("fanmill: line 1 of stdin"), HasSubstr("add -0")));
  const Finished closed =
      StartCommand({"/bin/sh", "-c", "exec " + Executable("fanmill") + " run echo <&-"},
                   folder_ + "/closed", "")
          .Wait();
  EXPECT_EQ(closed.exit_code, 2);
  EXPECT_THAT(closed.err, HasSubstr("stdin is closed"));
}

TEST_F(Run, GoesOnWithoutAStateDirectoryAndSaysWhereItWaitsInstead) {
  std::ofstream(folder_ + "/file") << "in the way";
  const Finished run = Of({"--state", folder_ + "/file", "echo", ":::", "a"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "a\n");
  EXPECT_THAT(run.err, AllOf(HasSubstr(folder_ + "/file"), HasSubstr("/var/tmp")));
}

}  // namespace
}  // namespace fanmill
