// From what a person types to the commands of the tasks.
#include "controller/cli/task_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>

#include "controller/cli/command_words.h"
#include "lib/core/limits.h"
#include "lib/core/template.h"
#include "lib/io/flags.h"

namespace fanmill::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;
using namespace std::string_literals;  // with NUL bytes

struct Made {
  Words commands;  // each as a shell reads it
  std::vector<std::optional<Duration>> costs;
  Words payloads;
  client::BatchSpec spec;
  std::optional<ArrayRange> range;
  std::string error;
};

void MakeAll(const BatchOptions& options, Made& made) {
  absl::StatusOr<client::BatchSpec> spec = options.ToSpec();
  made.error = std::string(spec.status().message());
  if (!spec.ok()) return;
  absl::StatusOr<TaskSource> source = TaskSource::Open(options, *spec);
  made.error = std::string(source.status().message());
  if (!source.ok()) return;
  made.spec = *spec;
  made.range = source->range();
  const Template command(RecipeOf(*spec));
  TaskSource::Task task;
  while (true) {
    const absl::StatusOr<Got> got = source->Next(Seconds(60), task);
    made.error = std::string(got.status().message());
    if (!got.ok() || *got == Got::kEnd) return;
    if (*got == Got::kNothingYet) continue;
    made.commands.push_back(command.CommandLine(task.payload, made.commands.size() + 1));
    made.payloads.emplace_back(task.payload);
    made.costs.push_back(task.cost);
  }
}

// What `fanmill submit WORDS...` would run; stdin is not touched.
Made Make(Words words) {
  Made made;
  CLI::App app;
  BatchOptions options;
  options.AddTo(*app.add_subcommand("submit"));
  words.insert(words.begin(), "submit");
  options.command = TakeCommandWords(app, words);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    made.error = Explained(error);
    return made;
  }
  MakeAll(options, made);
  return made;
}

// The same with these bytes in a file that -a names.
Made MakeOf(const std::string& input, Words words) {
  const std::string path = ::testing::TempDir() + "/values";
  std::ofstream(path) << input;
  words.insert(words.begin(), {"-a", path});
  Made made = Make(words);
  const size_t at = made.error.find(path);
  if (at != std::string::npos) made.error.replace(at, path.size(), "FILE");
  return made;
}

TEST(TaskSource, MakesATaskOfEachLine) {
  const Made made = MakeOf("a b\n\nc.d\r\nit's\n\xff\n-x", {"echo"});
  EXPECT_THAT(made.commands, ElementsAre("echo 'a b'", "echo ''", "echo c.d", R"(echo 'it'\''s')",
                                         "echo '\xff'", "echo -x"));
  EXPECT_FALSE(made.spec.packed);
  EXPECT_THAT(MakeOf("d/a.b\n", {"mv", "{}", "{//}/{/.}-{#}"}).commands,
              ElementsAre("mv d/a.b d/a-1"));
  EXPECT_THAT(MakeOf("", {"echo"}).commands, IsEmpty());
}

TEST(TaskSource, TakesValuesThatEndInNul) {
  EXPECT_THAT(MakeOf("a\nb\0\0c\r\0"s, {"-0", "echo"}).commands,
              ElementsAre("echo 'a\nb'", "echo ''", "echo 'c\r'"));
  EXPECT_THAT(MakeOf("a\0b", {"-0I%", "echo", "{}%"}).commands, ElementsAre("echo '{}a'"));
}

TEST(TaskSource, RefusesALineWithANulByte) {
  EXPECT_THAT(MakeOf("ok\nb\0d\n"s, {"echo"}).error,
              AllOf(HasSubstr("line 2 of FILE has a NUL byte (its byte 2)"), HasSubstr("add -0")));
}

TEST(TaskSource, KeepsARangeARange) {
  const Made made = Make({"--array", "3-9:3", "echo"});
  EXPECT_THAT(made.commands, ElementsAre("echo 3", "echo 6", "echo 9"));
  ASSERT_TRUE(made.range.has_value());
  EXPECT_EQ(made.range->count, 3u);
  EXPECT_FALSE(Make({"--array", "1-4", "-n", "2", "echo"}).range.has_value());
  EXPECT_TRUE(Make({"--array", "1-4", "--handler", "sleep"}).range.has_value());
}

TEST(TaskSource, TakesValuesFromTheCommandLine) {
  EXPECT_THAT(Make({"echo", "x", ":::", "a b", "", "c"}).commands,
              ElementsAre("echo x 'a b'", "echo x ''", "echo x c"));
  EXPECT_FALSE(Make({"echo", ":::", "a"}).spec.packed);
  EXPECT_THAT(Make({"echo", ":::"}).commands, IsEmpty());
  EXPECT_THAT(Make({"--", "-x", ":::", "a", "--", "-b"}).commands,
              ElementsAre("-x a", "-x --", "-x -b"));
}

TEST(TaskSource, MakesEveryCombinationTheLastVaryingFastest) {
  EXPECT_THAT(Make({"echo", "{2}-{1}", ":::", "a", "b", ":::", "1", "2", "3"}).commands,
              ElementsAre("echo 1-a", "echo 2-a", "echo 3-a", "echo 1-b", "echo 2-b", "echo 3-b"));
  EXPECT_THAT(Make({"echo", "x{}", "{}", ":::", "a b", ":::", "1"}).commands,
              ElementsAre("echo 'xa b 1' 'a b' 1"));
  EXPECT_THAT(Make({"echo", ":::", "a", ":::", "b"}).commands, ElementsAre("echo a b"));
  EXPECT_THAT(Make({"echo", ":::", "a", ":::", ":::", "b"}).commands, IsEmpty());
}

TEST(TaskSource, LinksListsToTheOneBeforeUntilTheShortestEnds) {
  EXPECT_THAT(Make({"echo", ":::", "a", "b", ":::+", "1", "2", "3", ":::", "x", "y"}).commands,
              ElementsAre("echo a 1 x", "echo a 1 y", "echo b 2 x", "echo b 2 y"));
  EXPECT_THAT(Make({"echo", ":::", "a", "b", ":::+", "1"}).commands, ElementsAre("echo a 1"));
  EXPECT_THAT(Make({"echo", ":::+", "a"}).error, HasSubstr("and there is none"));
  EXPECT_THAT(Make({"echo", "::::", "file"}).error, HasSubstr("-a FILE"));
}

TEST(TaskSource, GivesATaskSeveralValues) {
  EXPECT_THAT(MakeOf("a\nb\nc\nd\ne\n", {"-n", "2", "echo", "{2}", "{1}", "{}."}).commands,
              ElementsAre("echo b a 'a b.'", "echo d c 'c d.'", "echo '' e e."));
  EXPECT_THAT(MakeOf("a\nb\nc\n", {"-n2", "echo"}).commands, ElementsAre("echo a b", "echo c"));
  EXPECT_THAT(MakeOf("a\0b\0"s, {"-0n2", "echo"}).commands, ElementsAre("echo a b"));
  EXPECT_THAT(Make({"--array", "1-3", "-n", "2", "echo"}).commands,
              ElementsAre("echo 1 2", "echo 3"));
  EXPECT_THAT(Make({"-n", "2", "echo", ":::", "a", "b", "c"}).commands,
              ElementsAre("echo a b", "echo c"));
  EXPECT_FALSE(MakeOf("a\n", {"-n1", "echo"}).spec.packed);
}

TEST(TaskSource, BoundsTheValuesOfATask) {
  const std::string half(kTaskPayloadBytesMax / 2, 'x');
  EXPECT_EQ(MakeOf(half + "\n" + half + "\n", {"-n2", "echo"}).commands.size(), 1u);
  EXPECT_THAT(MakeOf(half + "\n" + half + "\ny\n", {"-n3", "echo"}).error,
              HasSubstr("line 3 of FILE: with it the values of one task have more than 1048576"));
  EXPECT_THAT(MakeOf("", {"-n65537", "echo"}).error, HasSubstr("65537"));
  EXPECT_EQ(MakeOf("", {"-n65536", "echo"}).error, "");
}

TEST(TaskSource, CutsRowsIntoColumns) {
  EXPECT_THAT(MakeOf("a,b c\n\n\"d,\"\"e\",\r\n", {"--csv", "echo", "{2}", "{1}"}).commands,
              ElementsAre("echo 'b c' a", "echo '' 'd,\"e'"));
  EXPECT_THAT(MakeOf("\xef\xbb\xbf\"a\nb\r\n\n\",c\nd,e", {"--csv", "echo"}).commands,
              ElementsAre("echo 'a\nb\n\n' c", "echo d e"));
  EXPECT_THAT(MakeOf("a\tb\"\n\tc\n", {"-C", "\\t", "echo"}).commands,
              ElementsAre("echo a 'b\"'", "echo '' c"));
  EXPECT_THAT(MakeOf("a::b::\n", {"--colsep", "::", "echo"}).commands, ElementsAre("echo a b ''"));
  EXPECT_THAT(MakeOf("\"a;\";b\n", {"--csv", "--colsep", ";", "echo"}).commands,
              ElementsAre("echo 'a;' b"));
  EXPECT_THAT(MakeOf("a\"b,c\n", {"--csv", "echo"}).commands, ElementsAre("echo 'a\"b' c"));
}

TEST(TaskSource, RefusesRowsThatAreNone) {
  const Made ragged = MakeOf("a,b\n\nc,d\ne\n", {"--csv", "echo"});
  EXPECT_THAT(ragged.commands, ElementsAre("echo a b", "echo c d"));
  EXPECT_EQ(ragged.error, "line 4 of FILE: the row has 1 columns, and the first (line 1) has 2");
  EXPECT_THAT(MakeOf("a,\"b\nc\n", {"--csv", "echo"}).error,
              HasSubstr("line 1 of FILE: a quote is opened and never closed"));
  EXPECT_THAT(MakeOf("\"a\"b\n", {"--csv", "echo"}).error,
              HasSubstr("line 1 of FILE: column 1 goes on after its closing quote"));
  const std::string line(kTaskPayloadBytesMax - 1, 'x');
  EXPECT_EQ(MakeOf(line + "\n", {"--csv", "echo"}).error, "");
  EXPECT_THAT(MakeOf("\"" + line + "\ny\n", {"--csv", "echo"}).error,
              HasSubstr("line 1 of FILE: the row has more than 1048576 bytes; is a quote"));
  EXPECT_THAT(MakeOf("a,b\n", {"--csv", "echo", "{3}"}).error,
              HasSubstr("line 1 of FILE: COMMAND has {3}, but here are 2 values"));
  EXPECT_THAT(MakeOf("a,b\n", {"--csv", "--colsep", ";;", "echo"}).error,
              HasSubstr("it is one character"));
}

TEST(TaskSource, TakesNamesFromTheFirstLine) {
  const Made made = MakeOf("name,full path\nn,d/f.x\n",
                           {"--csv", "--header", "echo", "{name}", "{full path/.}", "{2}", "{}."});
  EXPECT_THAT(made.commands, ElementsAre("echo n f d/f.x 'n d/f.x.'"));
  EXPECT_THAT(made.spec.names, ElementsAre("name", "full path"));
  EXPECT_THAT(MakeOf("host\na\nb\n", {"--header", "ping", "{host}"}).commands,
              ElementsAre("ping a", "ping b"));
  EXPECT_THAT(Make({"--header", "echo", "{b}{a}", ":::", "a", "1", "2", ":::", "b", "x"}).commands,
              ElementsAre("echo x1", "echo x2"));
  EXPECT_THAT(MakeOf("name\n", {"--header", "echo"}).commands, IsEmpty());
}

TEST(TaskSource, LeavesNamesAloneWhereThereAreNone) {
  EXPECT_THAT(MakeOf("f\n", {"awk", "{print}"}).commands, ElementsAre("awk '{print}' f"));
}

TEST(TaskSource, RefusesANameThatIsNoneAndNamesThoseThereAre) {
  EXPECT_EQ(MakeOf("name,size\na,1\n", {"--csv", "--header", "echo", "{nam}"}).error,
            "COMMAND has {nam}, but the columns are: name, size");
  EXPECT_EQ(MakeOf("name,size\na,1\n", {"--csv", "--header", "echo", "{3}"}).error,
            "COMMAND has {3}, but a task has 2 values");
  EXPECT_THAT(MakeOf("a,a\n1,2\n", {"--csv", "--header", "echo", "{a}"}).error,
              HasSubstr("2 columns are called that"));
  EXPECT_THAT(MakeOf("a,a\n1,2\n", {"--csv", "--header", "echo", "{2}"}).commands,
              ElementsAre("echo 2"));
  EXPECT_THAT(MakeOf("", {"--header", "echo"}).error,
              "--header: FILE has no lines, so there are no names");
  EXPECT_THAT(MakeOf("gr\xf6\xdf"
                     "e\n",
                     {"--header", "echo"})
                  .error,
              HasSubstr("is not UTF-8"));
  EXPECT_THAT(MakeOf(std::string(256, 'x') + "\n", {"--header", "echo"}).error,
              HasSubstr("has 256 bytes; the most is 255"));
  EXPECT_THAT(MakeOf(std::string(4096, ',') + "\n", {"--csv", "--header", "echo"}).error,
              HasSubstr("there are 4097 names; the most is 4096"));
  EXPECT_THAT(MakeOf("x\n", {"--header", ":", "echo"}).error, HasSubstr("leave away the ':'"));
}

TEST(TaskSource, TakesKeysOfJsonObjects) {
  const Made made = MakeOf(
      R"({"url": "a\"b \u00fc", "n": 12345678901234567890123, "x": {"y" : [1, "}"]}, "url2": 1})"
      "\n\n"
      R"( {"x":null,"n":1.50,"url":"","n":true} )"
      "\r\n",
      {"--jsonl", "get", "{url}", "{n}", "{x}"});
  EXPECT_EQ(made.error, "");
  EXPECT_THAT(made.commands,
              ElementsAre("get 'a\"b \xc3\xbc' 12345678901234567890123 '{\"y\" : [1, \"}\"]}'",
                          "get '' true null"));
  EXPECT_THAT(made.spec.names, ElementsAre("url", "n", "x"));
}

TEST(TaskSource, TakesOtherJsonByPosition) {
  EXPECT_THAT(MakeOf("[\"a b\", 2.0, [ ]]\n", {"--jsonl", "echo", "{2}", "{}"}).commands,
              ElementsAre("echo 2.0 'a b' 2.0 '[ ]'"));
  EXPECT_THAT(MakeOf("\"a b\"\n{\"k\": 1}\n7\n[]\n", {"--jsonl", "echo"}).commands,
              ElementsAre("echo 'a b'", "echo '{\"k\": 1}'", "echo 7", "echo"));
}

TEST(TaskSource, RefusesJsonThatIsNotWhatCommandTakes) {
  EXPECT_THAT(MakeOf("{\"a\":1}\n{\"b\":1, \"c\":2}\n", {"--jsonl", "echo", "{a}"}).error,
              HasSubstr("line 2 of FILE: it has no \"a\", but \"b\", \"c\""));
  EXPECT_THAT(MakeOf("[1]\n", {"--jsonl", "echo", "{a}"}).error,
              HasSubstr("line 1 of FILE: it is no object, so that it has no {a}"));
  for (const char* line :
       {"{", "x", "{\"a\":1} {\"a\":2}", "{'a':1}", "[1,]", "\"\\ud800\"", "\"\xff\""}) {
    EXPECT_THAT(MakeOf(line, {"--jsonl", "echo"}).error,
                HasSubstr("line 1 of FILE: it is not JSON"))
        << line;
  }
  EXPECT_THAT(MakeOf("\"\\u0000\"\n", {"--jsonl", "echo"}).error, HasSubstr("has a NUL"));
  EXPECT_THAT(MakeOf("[1]\n", {"--jsonl", "echo", "{2}"}).error,
              HasSubstr("COMMAND has {2}, but here is 1 value"));
  EXPECT_THAT(MakeOf("{}\n", {"--jsonl", "echo", "{a}", "{}"}).error,
              HasSubstr("also a placeholder without a name"));
}

TEST(TaskSource, TakesEachValueAsACommandWhereThereIsNone) {
  const Made made = MakeOf("echo a | wc\n# nothing\n\n", {});
  EXPECT_THAT(made.spec.argv, ElementsAre("/bin/sh", "-c", "{}"));
  EXPECT_THAT(made.commands,
              ElementsAre("/bin/sh -c 'echo a | wc'", "/bin/sh -c '# nothing'", "/bin/sh -c ''"));
  EXPECT_THAT(Make({":::", "echo 1", "ls"}).commands,
              ElementsAre("/bin/sh -c 'echo 1'", "/bin/sh -c ls"));
  EXPECT_THAT(MakeOf("a\n", {"-n2"}).error, HasSubstr("COMMAND is missing: only one value"));
  EXPECT_THAT(Make({"--array", "1-3"}).error, HasSubstr("COMMAND is missing"));
  EXPECT_THAT(Make({"--", ":::", "a"}).error, HasSubstr("begins with an empty word"));
}

TEST(TaskSource, ReplacesWhatItIsTold) {
  EXPECT_THAT(MakeOf("a.b\n", {"-I", "{}", "date"}).commands, ElementsAre("date"));
  EXPECT_THAT(MakeOf("a.b\n", {"-I%", "sh", "-c", "echo % {}"}).commands,
              ElementsAre("sh -c 'echo a.b {}'"));
  EXPECT_THAT(MakeOf("a\n", {"-I", "\xff", "x"}).error, HasSubstr("it is UTF-8"));
  EXPECT_THAT(MakeOf("a\n", {"-I", std::string(256, 'x'), "x"}).error, HasSubstr("at most 255"));
  EXPECT_EQ(MakeOf("a\n", {"-I", std::string(255, 'x'), "x"}).error, "");
}

TEST(TaskSource, TakesTheCostOfATaskFromItsValues) {
  EXPECT_THAT(MakeOf("1.5\n20ms\n", {"--expect", "{}", "sleep"}).costs,
              ElementsAre(Millis(1500), Millis(20)));
  EXPECT_THAT(MakeOf("a,2m\n", {"--csv", "--expect", "{2}", "echo", "{1}"}).costs,
              ElementsAre(Seconds(120)));
  EXPECT_THAT(
      MakeOf("n,cost\na,3\n", {"--csv", "--header", "--expect", "{cost}", "echo", "{n}"}).costs,
      ElementsAre(Seconds(3)));
  const Made json = MakeOf("{\"n\":\"a\",\"s\":0.5}\n", {"--jsonl", "--expect", "{s}", "echo"});
  EXPECT_THAT(json.costs, ElementsAre(Millis(500)));
  EXPECT_THAT(json.commands, ElementsAre(R"(echo '{"n":"a","s":0.5}')"));
  EXPECT_THAT(
      MakeOf("{\"n\":\"a\",\"s\":2}\n", {"--jsonl", "--expect", "{s}", "echo", "{n}"}).commands,
      ElementsAre("echo a"));
  const Made array = Make({"--array", "1-2", "--expect", "{}", "sleep"});
  EXPECT_THAT(array.costs, ElementsAre(Seconds(1), Seconds(2)));
  EXPECT_FALSE(array.range.has_value());
  EXPECT_EQ(MakeOf("x\n", {"--expect", "50ms", "echo"}).spec.expected, Millis(50));
}

TEST(TaskSource, RefusesACostThatIsNone) {
  EXPECT_EQ(MakeOf("1\nlong\n", {"--expect", "{}", "echo"}).error,
            "line 2 of FILE: --expect: 'long' is no duration: 50ms, 2m or a number of seconds");
  EXPECT_THAT(MakeOf("n\na\n", {"--header", "--expect", "{cost}", "echo"}).error,
              HasSubstr("--expect has {cost}, but the columns are: n"));
  EXPECT_THAT(MakeOf("1\n", {"--expect", "{cost}", "echo"}).error,
              HasSubstr("names come from --header"));
  EXPECT_THAT(MakeOf("1,2\n", {"--csv", "--expect", "{}", "echo"}).error, HasSubstr("write which"));
  EXPECT_THAT(MakeOf("1,2\n", {"--csv", "--expect", "{3}", "echo"}).error,
              HasSubstr("line 1 of FILE: --expect {3}: here is no such value"));
}

TEST(TaskSource, RefusesOptionsThatContradictEachOther) {
  const struct {
    Words words;
    const char* said;
  } all[] = {{{"-a", "x", "--array", "1-2", "echo"}, "excludes"},
             {{"--array", "1-2", "--csv", "echo"}, "excludes"},
             {{"--jsonl", "--csv", "echo"}, "excludes"},
             {{"--jsonl", "-0", "echo"}, "excludes"},
             {{"--csv", "-0", "echo"}, "excludes"},
             {{"--csv", "-n2", "echo"}, "excludes"},
             {{"--header", "--jsonl", "echo"}, "excludes"},
             {{"--array", "1-2", "echo", ":::", "a"}, "from ::: or from --array, not from both"},
             {{"-a", "x", "echo", ":::", "a"}, "from ::: or from -a FILE, not from both"},
             {{"--csv", "echo", ":::", "a"}, "not of :::"},
             {{"-n2", "echo", ":::", "a", ":::", "b"}, "-n is for the values of one ::: alone"},
             {{"--handler", "sleep", "-n2", ":::", "1"}, "--handler sleep takes one value"},
             {{"--handler", "noop", "--dry-run", ":::", "1"}, "--handler noop runs none"},
             {{"--header", "echo", ":::"}, "after a ::: there is no name"},
             {{"--timeout", "100%", "echo", ":::"}, "is above 100%"},
             {{"--timeout", "x%", "echo", ":::"}, "is above 100%"},
             {{"--timeout", "1000001%", "echo", ":::"}, "at most 1000000%"},
             {{"--handler", "sleep", "--timeout", "200%", ":::"}, "takes a duration"}};
  for (const auto& each : all) {
    EXPECT_THAT(Make(each.words).error, HasSubstr(each.said))
        << ::testing::PrintToString(each.words);
  }
  EXPECT_EQ(Make({"--timeout", "1000000%", "echo", ":::"}).spec.timeout_percent, 1000000u);
}

TEST(TaskSource, MakesMicrosecondsOfWhatToSleep) {
  EXPECT_THAT(MakeOf("50ms\n1500\n", {"--handler", "sleep"}).payloads,
              ElementsAre("50000", "1500"));
  EXPECT_THAT(MakeOf("5ms\nsoon\n", {"--handler", "sleep"}).error,
              HasSubstr("line 2 of FILE: 'soon' is not how long to sleep"));
  EXPECT_EQ(MakeOf("x\n", {"--handler", "noop", "--"}).error, "");
}

}  // namespace
}  // namespace fanmill::cli
