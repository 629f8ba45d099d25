#include "controller/cli/output/output.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/cli/output/results.h"
#include "tests/io/temp_dir.h"

namespace fanmill::cli {
namespace {

using ::testing::HasSubstr;

// What is printed of the results, by options as they are typed.
struct Ran {
  Printed printed;
  absl::Status status;
};

Ran RunWith(const std::vector<std::string>& words, const std::vector<client::Result>& results,
            TaskWords task_words = {}) {
  CLI::App app;
  OutputOptions options;
  options.AddTo(app);
  app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  Ran ran;
  ran.printed = Caught([&] {
    auto output = Output::Open(options, std::move(task_words));
    ran.status = output.status();
    for (const client::Result& result : results) {
      if (ran.status.ok()) ran.status = (*output)->Take(result);
    }
    if (ran.status.ok()) ran.status = (*output)->Finish();
  });
  return ran;
}

TEST(Output, PrintsTextInTheOrderOfTheEndsUnlessToldOtherwise) {
  const std::vector<client::Result> results = {Ended(1, "b\n", "e\n"), Ended(0, "a\n")};
  EXPECT_EQ(RunWith({}, results).printed.out, "b\na\n");
  EXPECT_EQ(RunWith({}, results).printed.err, "e\n");
  EXPECT_EQ(RunWith({"-k"}, results).printed.out, "a\nb\n");
  EXPECT_EQ(RunWith({"--keep-order"}, results).printed.out, "a\nb\n");
  EXPECT_THAT(RunWith({"--output", "jsonl", "-k"}, results).printed.out,
              HasSubstr("\"stdout\":\"a\\n\",\"stderr\":\"\"}\n{\"task\":2,"));
}

TEST(Output, OfNothingPrintsNothing) {
  Output nothing;
  const Printed printed = Caught([&nothing] {
    EXPECT_TRUE(nothing.Take(Part(0, "x")).ok());
    EXPECT_TRUE(nothing.Take(Ended(0, "x", "y")).ok());
    EXPECT_FALSE(nothing.Due() || nothing.Full());
    EXPECT_TRUE(nothing.Finish().ok());
  });
  EXPECT_EQ(printed.out + printed.err, "");
}

TEST(Output, PrintsWhatIsInFilesTooOnlyWhenAskedTo) {
  const std::vector<client::Result> results = {Ended(1, "b\n"), Ended(0, "a\n")};
  const auto printed = [&results](std::vector<std::string> words) {
    TempDir directory;
    words.insert(words.end(), {"--results", directory / "r"});
    const Ran ran = RunWith(words, results);
    EXPECT_TRUE(ran.status.ok()) << ran.status;
    EXPECT_EQ(ReadFile(directory / "r/000/000002.out"), "b\n");
    return ran.printed.out;
  };
  EXPECT_EQ(printed({}), "");
  EXPECT_EQ(printed({"--output", "text"}), "b\na\n");
  EXPECT_EQ(printed({"-k"}), "a\nb\n");
  EXPECT_EQ(printed({"--tag"}), "2\tb\n1\ta\n");
  EXPECT_THAT(printed({"--output", "jsonl"}), HasSubstr("{\"task\":2,"));
}

TEST(Output, TellsEachTaskByItsValuesAndThenForgetsThem) {
  TempDir directory;
  TaskValues values;
  for (uint64_t task = 0; task < 3; ++task) values.Add(task, absl::StrCat("v", task));
  TaskWords words;
  words.payloads = &values;
  words.command = [](uint64_t, uint32_t, std::string_view payload) {
    return absl::StrCat("do ", std::string(payload));
  };
  const Ran ran =
      RunWith({"-k", "--tag", "--joblog", directory / "log", "--results", directory / "r"},
              {Part(2, "c\n"), Ended(2), Ended(1, "b\n"), Ended(0, "a\n")}, words);
  ASSERT_TRUE(ran.status.ok()) << ran.status;
  EXPECT_EQ(ran.printed.out, "v0\ta\nv1\tb\nv2\tc\n");
  EXPECT_THAT(ReadFile(directory / "log"), HasSubstr("\t0\t0\tdo v2\n2\t"));
  EXPECT_THAT(ReadFile(directory / "r/index.jsonl"), HasSubstr("{\"task\":2,\"values\":[\"v1\"]"));
  EXPECT_EQ(values.bytes(), 0u);
}

TEST(Output, ForgetsValuesThatNobodyAskedFor) {
  TaskValues values;
  values.Add(0, "v");
  TaskWords words;
  words.payloads = &values;
  RunWith({}, {Part(0, "x"), Ended(0)}, words);
  EXPECT_EQ(values.bytes(), 0u);
}

TEST(Output, KnowsTheCommandOfATaskUntilItsEndIsTaken) {
  TaskValues values;
  values.Add(0, "v");
  TaskWords words;
  words.payloads = &values;
  words.command = [](uint64_t task, uint32_t slot, std::string_view payload) {
    return absl::StrCat("do ", std::string(payload), " ", task, " ", slot);
  };
  auto output = Output::Open({}, words);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ((*output)->CommandOf(0), "do v 0 1");
  EXPECT_EQ((*output)->CommandOf(1), "");
  EXPECT_TRUE((*output)->Take(Ended(0)).ok());
  EXPECT_EQ((*output)->CommandOf(0), "");
  EXPECT_EQ(Output().CommandOf(0), "");
}

TEST(Output, IsFullOnlyWhileNothingThatWaitsCanPass) {
  OutputOptions options;
  options.keep_order = true;
  auto output = Output::Open(options, {}, {.tasks = 1});
  ASSERT_TRUE(output.ok());
  const Printed printed = Caught([&output] {
    EXPECT_TRUE((*output)->Take(Ended(1, "b")).ok());
    EXPECT_TRUE((*output)->Full());
    EXPECT_THAT((*output)->WhyFull(), HasSubstr("wait for task 1"));
    EXPECT_TRUE((*output)->Take(Ended(0, "a")).ok());
    EXPECT_FALSE((*output)->Full());
    EXPECT_TRUE((*output)->Due());
    EXPECT_TRUE((*output)->Advance().ok());
    EXPECT_FALSE((*output)->Full() || (*output)->Due());
    EXPECT_TRUE((*output)->Finish().ok());
  });
  EXPECT_EQ(printed.out, "ab");
}

TEST(Output, SaysOnceWhatWasNotKept) {
  client::Result result = Ended(0, "x\n");
  result.dropped = 12;
  EXPECT_EQ(
      RunWith({}, {result}).printed.err,
      "fanmill: task 1: 12 bytes of its output were not kept: beyond the limit, or no room on "
      "disk\n");
  EXPECT_EQ(RunWith({"--output", "jsonl"}, {result}).printed.err, "") << "the line has it";
}

TEST(Output, RefusesWhatDoesNotGoTogether) {
  EXPECT_EQ(RunWith({"--tag", "--output", "jsonl"}, {}).status.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THROW(RunWith({"--output", "xml"}, {}), CLI::ValidationError);
  EXPECT_THROW(RunWith({"--results", ""}, {}), CLI::ValidationError);
}

TEST(Output, SaysAtOnceWhatCannotBeWritten) {
  EXPECT_EQ(RunWith({"--joblog", "/nowhere/log"}, {}).status.code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(RunWith({"--results", "/proc/r"}, {}).status.code(), absl::StatusCode::kUnavailable);
  const Ran full = RunWith({"--joblog", "/dev/full"}, {});
  EXPECT_THAT(full.status.message(), HasSubstr("no space left on device"));
}

TEST(OutputOptions, KnowWhetherAnythingWasAskedFor) {
  EXPECT_FALSE(OutputOptions().any());
  for (const std::vector<std::string>& words : {std::vector<std::string>{"-k"},
                                                {"--tag"},
                                                {"--output", "text"},
                                                {"--results", "r"},
                                                {"--joblog", "l"}}) {
    CLI::App app;
    OutputOptions options;
    options.AddTo(app);
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    EXPECT_TRUE(options.any()) << words[0];
  }
}

}  // namespace
}  // namespace fanmill::cli
