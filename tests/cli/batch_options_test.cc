#include "controller/cli/batch_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

BatchOptions Echo() {
  BatchOptions options;
  options.command = {"echo", "{}"};
  return options;
}

std::string ErrorOf(const BatchOptions& options) {
  return std::string(options.ToSpec().status().message());
}

TEST(BatchOptions, BecomeTheSpec) {
  BatchOptions options = Echo();
  options.retries = 2;
  options.min_workers = 3;
  options.hold = true;
  options.timeout = "10m";
  options.start_timeout = "1.5s";
  options.expect = "50ms";
  options.grace = "1s";
  options.cwd = "/tmp/../usr";
  options.env = {"NAME=a b=c"};
  options.name = "nightly";
  const auto spec = options.ToSpec();
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->handler, "exec");
  EXPECT_THAT(spec->argv, ElementsAre("echo", "{}"));
  EXPECT_EQ(spec->retries, 2u);
  EXPECT_EQ(spec->min_workers, 3u);
  EXPECT_TRUE(spec->hold);
  EXPECT_EQ(spec->timeout, Seconds(600));
  EXPECT_EQ(spec->start_timeout, Millis(1500));
  EXPECT_EQ(spec->expected, Millis(50));
  EXPECT_EQ(spec->grace, Seconds(1));
  EXPECT_EQ(spec->cwd, "/usr");
  EXPECT_THAT(spec->env, ElementsAre("NAME=a b=c"));
  EXPECT_EQ(spec->name, "nightly");
}

TEST(BatchOptions, TryAgainWhatIsWorthItAfterAWhile) {
  BatchOptions options = Echo();
  const auto usual = options.ToSpec();
  ASSERT_TRUE(usual.ok());
  EXPECT_EQ(usual->retry_on, "any");
  EXPECT_EQ(usual->retry_delay, Millis(100));
  EXPECT_EQ(usual->retry_delay_max, Seconds(10));
  options.retry_on = "75,timeout";
  options.retry_delay = "2s";
  const auto spec = options.ToSpec();
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->retry_on, "75,timeout");
  EXPECT_EQ(spec->retry_delay, Seconds(2));
  EXPECT_EQ(spec->retry_delay_max, Seconds(2)) << "the same each time";
  options.retry_delay = "0";
  EXPECT_EQ(options.ToSpec()->retry_delay, Duration{0});
}

TEST(BatchOptions, SayWhatIsWrongWithARetryWithAnExample) {
  BatchOptions options = Echo();
  options.retry_on = "75,soon";
  EXPECT_THAT(ErrorOf(options), HasSubstr("--retry-on '75,soon': 'soon' is no exit code"));
  EXPECT_THAT(ErrorOf(options), HasSubstr("such as 75,100-110,timeout,signal:9"));
  options = Echo();
  for (const char* wrong : {"soon", "1s,", ",1s", "1s,2s,3s", "-1s"}) {
    options.retry_delay = wrong;
    EXPECT_THAT(ErrorOf(options), HasSubstr("or 100ms,10s to wait twice as long")) << wrong;
  }
  options.retry_delay = "10s,1s";
  EXPECT_THAT(ErrorOf(options), HasSubstr("the longest delay comes last"));
}

TEST(BatchOptions, RunTasksWhereTheSubmitterIsUnderTheNameOfTheProgram) {
  const auto spec = Echo().ToSpec();
  ASSERT_TRUE(spec.ok());
  EXPECT_TRUE(std::filesystem::equivalent(spec->cwd, std::filesystem::current_path()));
  EXPECT_EQ(spec->name, "echo");
  EXPECT_FALSE(spec->timeout.has_value());
  EXPECT_FALSE(spec->expected.has_value());
}

TEST(BatchOptions, PassVariablesOnByName) {
  setenv("FANMILL_TEST_VARIABLE", "its value", 1);
  BatchOptions options = Echo();
  options.env = {"FANMILL_TEST_VARIABLE"};
  const auto spec = options.ToSpec();
  ASSERT_TRUE(spec.ok());
  EXPECT_THAT(spec->env, ElementsAre("FANMILL_TEST_VARIABLE=its value"));
  unsetenv("FANMILL_TEST_VARIABLE");
  EXPECT_THAT(ErrorOf(options), HasSubstr("no such variable in the environment"));
}

TEST(BatchOptions, NameTheOptionThatIsNoDuration) {
  BatchOptions options = Echo();
  options.timeout = "soon";
  EXPECT_THAT(ErrorOf(options), HasSubstr("--timeout 'soon' is not a duration: write 50ms"));
  options = Echo();
  options.grace = "-1s";
  EXPECT_THAT(ErrorOf(options), HasSubstr("--grace '-1s'"));
}

TEST(BatchOptions, NeedACommandThatIsOne) {
  BatchOptions options;
  options.command = {"", "x"};
  EXPECT_THAT(ErrorOf(options), HasSubstr("begins with an empty word"));
  options.command = {};
  options.array = "1-3";
  EXPECT_THAT(ErrorOf(options),
              HasSubstr("COMMAND is missing, and the numbers of --array are none"));
}

TEST(BatchOptions, NameABatchInUtf8WhateverItsCommandIs) {
  BatchOptions options;
  options.command = {"/bin/\xff" + std::string(50, 'x') + "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"};
  const auto spec = options.ToSpec();
  ASSERT_TRUE(spec.ok());
  EXPECT_TRUE(IsUtf8(spec->name)) << spec->name;
}

TEST(BatchOptions, SuggestAShellForACommandInOneWord) {
  BatchOptions options;
  options.command = {"echo hello {}"};
  EXPECT_THAT(ErrorOf(options), HasSubstr("add --shell"));
  options.shell = true;
  EXPECT_TRUE(options.ToSpec().ok());
  options.command = {"echo", "hello"};
  EXPECT_THAT(ErrorOf(options), HasSubstr("put quotes around the whole of it"));
}

TEST(BatchOptions, TakeAProgramWithASpaceInItsNameWhenItIsThere) {
  const std::string path = ::testing::TempDir() + "/a program";
  std::filesystem::create_directories(path);
  BatchOptions options;
  options.command = {path};
  EXPECT_TRUE(options.ToSpec().ok());
  std::filesystem::remove(path);
  EXPECT_FALSE(options.ToSpec().ok());
}

TEST(BatchOptions, RefuseAHandlerThatNobodyKnowsAndACommandForThoseWithoutOne) {
  BatchOptions options = Echo();
  options.handler = "python";
  EXPECT_THAT(ErrorOf(options), HasSubstr("--handler 'python' is not known: exec runs COMMAND"));
  options.handler = "noop";
  EXPECT_THAT(ErrorOf(options), HasSubstr("--handler noop takes no COMMAND: leave away 'echo'"));
  options.command.clear();
  EXPECT_TRUE(options.ToSpec().ok());
}

}  // namespace
}  // namespace fanmill::cli
