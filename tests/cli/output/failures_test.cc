#include "controller/cli/output/failures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanmill::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Texts(const Failures& failures) {
  std::vector<std::string> texts;
  for (const FailureGroup& group : failures.Groups()) texts.push_back(group.text);
  return texts;
}

client::Result Failed(uint64_t task, int32_t code, std::string err = "",
                      std::string_view status = "failed") {
  client::Result result;
  result.task = task;
  result.status = status;
  result.code = code;
  result.attempt = 1;
  result.err = std::move(err);
  return result;
}

TEST(Failures, StandTogetherByCauseWithTasksFromOne) {
  Failures failures;
  failures.Add(Failed(6, 1));
  failures.Add(Failed(0, 2));
  failures.Add(Failed(4, 1));
  failures.Add(Failed(5, 1));
  failures.Add(Failed(1, 2));
  EXPECT_THAT(Texts(failures), ElementsAre("tasks 5-7: exit code 1", "tasks 1, 2: exit code 2"));
}

TEST(Failures, SayWhatTheTaskSaidLast) {
  Failures failures;
  failures.Add(Failed(2, 1, "starting\nls: no such file\x1b[31m\n\n"));
  EXPECT_THAT(Texts(failures), ElementsAre("task 3: exit code 1: ls: no such file\\x1b[31m"));
}

TEST(Failures, HaveWordsForEveryWayToFail) {
  Failures failures;
  failures.Add(Failed(0, 9, "", "signalled"));
  failures.Add(Failed(1, 0, "", "timed_out"));
  failures.Add(Failed(2, 0, "no program 'x'", "not_started"));
  failures.Add(Failed(3, 0, "its worker died 3 times while it ran: signal 9", "lost"));
  client::Result retried = Failed(4, 1);
  retried.attempt = 3;
  failures.Add(retried);
  EXPECT_THAT(Texts(failures),
              ElementsAre("task 1: ended by signal 9 (SIGKILL)", "task 2: stopped at its --timeout",
                          "task 3: could not be started: no program 'x'",
                          "task 4: given up: its worker died 3 times while it ran: signal 9",
                          "task 5: exit code 1, at attempt 3"));
}

TEST(Failures, KeepTheFirstTenAlone) {
  Failures failures;
  for (uint64_t task = 0; task < 10'000; ++task) failures.Add(Failed(task, 1));
  EXPECT_EQ(failures.shown(), kFailuresShownMax);
  EXPECT_THAT(Texts(failures), ElementsAre("tasks 1-10: exit code 1"));
}

TEST(Failures, NameTheCommandsThatRunThemAgainInTheOrderOfTheTasks) {
  Failures failures;
  failures.Add(Failed(4, 1), "do 'b c'");
  failures.Add(Failed(1, 2), "do z");
  failures.Add(Failed(0, 1), "do a");
  failures.Add(Failed(9, 1));
  ASSERT_EQ(failures.Groups().size(), 2u);
  EXPECT_THAT(failures.Groups()[0].commands, ElementsAre("do a", "do 'b c'"));
  EXPECT_THAT(failures.Groups()[1].commands, ElementsAre("do z"));
}

TEST(Failures, ShowCommandsThatCanBeCopied) {
  Failures failures;
  failures.Add(Failed(0, 1), "do '\x1b[2J' 'a\n\tb' '\u00fc\xff'");
  failures.Add(Failed(1, 1), std::string(100'000, 'x'));
  EXPECT_EQ(failures.Groups()[0].commands[0],
            "do ''$'\\x1b''[2J' 'a'$'\\x0a\\x09''b' '\u00fc'$'\\xff'''");
  EXPECT_LE(failures.Groups()[0].commands[1].size(), 2000u);
  EXPECT_THAT(failures.Groups()[0].commands[1], HasSubstr("..."));
}

TEST(Failures, CutLongWords) {
  Failures failures;
  failures.Add(Failed(0, 1, std::string(100'000, 'x')));
  ASSERT_EQ(Texts(failures).size(), 1u);
  EXPECT_LT(Texts(failures)[0].size(), 300u);
  EXPECT_THAT(Texts(failures)[0], HasSubstr("..."));
}

}  // namespace
}  // namespace fanmill::cli
