// What fanmill run makes of values that no shell would pass on unharmed, and of places where
// nothing can be written: clear words, the right exit code, nothing lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/run_fixture.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using Words = std::vector<std::string>;

constexpr size_t kArgumentBytesMax = 131071;  // of Linux, with 4-KiB pages

class BadInput : public Run {
 protected:
  // What a shell would make something else of.
  Words names_ = {"a b",      "it's", "\"q\"", "$(touch ran)", ";touch ran", "new\nline", "-n",
                  "\xff\xfe", "*",    "`id`",  "\\",           " ",          ""};

  std::string EachEndedByNul() const {
    std::string input;
    for (const std::string& name : names_) input.append(name).push_back('\0');
    return input;
  }
  std::string Bracketed() const {
    std::string lines;
    for (const std::string& name : names_) lines.append("<").append(name).append(">\n");
    return lines;
  }
  // A shell's script, with "$@" for `fanmill run WORDS...`.
  Finished ByShell(const std::string& script, Words words) {
    words.insert(words.begin(), {"/bin/sh", "-c", "cd " + folder_ + "; " + script, "sh",
                                 Executable("fanmill"), "run"});
    return StartCommand(words, folder_ + "/script", "").Wait();
  }
};

TEST_F(BadInput, IsOneArgumentAsItIs) {
  const Finished run = Of({"-k", "-0", "printf", "<%s>\\n", "{}"}, EachEndedByNul());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, Bracketed());
}

TEST_F(BadInput, IsOneWordForTheShell) {
  const Finished run =
      Of({"-k", "-0", "--cwd", folder_, "--shell", "printf '<%s>\\n' {}"}, EachEndedByNul());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, Bracketed());
  EXPECT_FALSE(Exists("ran"));
}

TEST_F(BadInput, IsOneLineOfEachLogWhateverItIs) {
  const Finished run = Of(
      {"-k", "-0", "--output", "jsonl", "--joblog", folder_ + "/log", "printf", "%s", "--", "{}"},
      EachEndedByNul());
  EXPECT_EQ(run.exit_code, 0) << run.err;
  std::istringstream lines(run.out);
  std::string line;
  size_t count = 0;
  for (; std::getline(lines, line); ++count) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  EXPECT_EQ(count, names_.size());
  const std::string log = TextOf("log");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), names_.size() + 1) << log;
}

TEST_F(BadInput, OfEmptyLinesAreTasksWithAnEmptyValue) {
  EXPECT_EQ(Of({"-k", "printf", "<%s>\\n"}, "\na\n\n").out, "<>\n<a>\n<>\n");
}

TEST_F(BadInput, FromWindowsHasNoCarriageReturns) {
  EXPECT_EQ(Of({"-k", "printf", "<%s>\\n"}, "a\r\nb c\r\n").out, "<a>\n<b c>\n");
  EXPECT_EQ(Of({"-k", "--csv", "--header", "printf", "<%s>\\n", "{n}"},
               "\xef\xbb\xbfn,m\r\n\"a\r\nb\",c\r\nd,e\r\n")
                .out,
            "<a\nb>\n<d>\n");
}

TEST_F(BadInput, MayBeAsLongAsAnArgumentCanBeAndNoLonger) {
  const std::string longest(kArgumentBytesMax, 'x');
  const Finished run =
      Of({"-k", "--retries", "2", "echo"}, "first\n" + longest + "\n" + longest + "x\nlast\n");
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.out, "first\n" + longest + "\nlast\n");
  EXPECT_THAT(run.err, AllOf(HasSubstr("1 of 4 tasks failed"), HasSubstr("task 3:"),
                             HasSubstr("argument 1 has 131072 bytes and Linux takes 131071"),
                             HasSubstr("put the value in a file"), SizeIs(::testing::Lt(4096u))));
  const Finished shell = Of({"--shell", "printf %s {} | wc -c"}, longest + "\n");
  EXPECT_EQ(shell.exit_code, 1);
  EXPECT_THAT(shell.err, HasSubstr("and Linux takes 131071"));
}

TEST_F(BadInput, EndsTheRunAfterWhatHasBegun) {
  for (const char* wrong : {"\\0\\n", "a,b\\n"}) {
    const Finished run = ByShell(
        std::string("{ echo 1; echo 2; until [ -e ended-2 ]; do sleep 0.01; done; rm ended-2; ") +
            "printf '" + wrong + "'; } | \"$@\"",
        {"-j1", "--csv", "--shell", "echo {}; : > ended-{}"});
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "1\n2\n");
    EXPECT_THAT(run.err, AllOf(HasSubstr("stopped: 2 tasks ended, 0 of those read did not"),
                               HasSubstr("line 3 of stdin")));
  }
}

TEST_F(BadInput, OfUnknownColumnsBeginsNothing) {
  const Finished run =
      Of({"--csv", "--header", "touch", folder_ + "/ran", "{nam}"}, "name,size\na,1\n");
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("COMMAND has {nam}, but the columns are: name, size"));
  EXPECT_FALSE(Exists("ran"));
}

TEST_F(BadInput, IsAStdoutThatIsClosedUnlessNothingGoesThere) {
  const Finished closed = ByShell("exec \"$@\" >&-", {"touch", "ran", ":::", "a"});
  EXPECT_EQ(closed.exit_code, 2);
  EXPECT_THAT(closed.err, HasSubstr("stdout is closed"));
  EXPECT_FALSE(Exists("ran"));
  const Finished files = ByShell("exec \"$@\" >&-", {"--results", "out", "echo", ":::", "a"});
  EXPECT_EQ(files.exit_code, 0) << files.err;
  EXPECT_EQ(TextOf("out/000/000001.out"), "a\n");
}

TEST_F(BadInput, OfAFullDiskUnderTheOutputIsSaid) {
  for (const Words& how :
       std::vector<Words>{{"-k"}, {"--tag"}, {"--output", "jsonl"}, {"--line-buffer"}}) {
    Words words = how;
    words.insert(words.end(), {"echo", ":::", "a", "b"});
    const Finished run = ByShell("exec \"$@\" > /dev/full", words);
    EXPECT_EQ(run.exit_code, 5) << how[0];
    EXPECT_THAT(run.err, HasSubstr("cannot write the output: no space left on device"));
  }
  EXPECT_EQ(ByShell("exec \"$@\" 2> /dev/full", {"--shell", "echo {} >&2", ":::", "a"}).exit_code,
            5);
}

TEST_F(BadInput, OfFilesThatCannotBeWrittenIsSaidBeforeTheFirstTask) {
  std::ofstream(folder_ + "/file") << "kept";
  for (const std::string option : {"--results", "--joblog", "--report-file"}) {
    const Finished run = ByShell("exec \"$@\"", {option, "file/below", "touch", "ran", ":::", "a"});
    EXPECT_EQ(run.exit_code, 5) << option;
    EXPECT_THAT(run.err, HasSubstr("could not write file/below: not a directory"));
  }
  const Finished taken = ByShell("exec \"$@\"", {"--results", "file", "touch", "ran", ":::", "a"});
  EXPECT_EQ(taken.exit_code, 2);
  EXPECT_THAT(taken.err, HasSubstr("--results file: there is something of that name"));
  EXPECT_EQ(TextOf("file"), "kept");
  EXPECT_FALSE(Exists("ran"));
}

TEST_F(BadInput, IsNoReasonToReplaceWhatTheReportGoesTo) {
  std::filesystem::create_symlink(folder_ + "/report", folder_ + "/link");
  EXPECT_EQ(Of({"--report-file", folder_ + "/link", "true", ":::", "a"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ + "/link"));
  EXPECT_THAT(TextOf("report"), HasSubstr("fanmill.report"));
}

// Disks of a mount namespace of their own, which go with its last process.
class SmallDisk : public BadInput {
 protected:
  void SetUp() override {
    if (OnDisk("rw", "true", {}).exit_code != 0) GTEST_SKIP() << "no disk may be mounted here";
  }
  // The script with a disk of 64 KiB at disk/, of which nothing is left afterwards.
  Finished OnDisk(const std::string& mode, const std::string& script, const Words& words) {
    const std::string unshare = geteuid() == 0 ? "unshare -m" : "unshare -rm";
    return ByShell("mkdir -p disk; exec " + unshare +
                       " sh -c 'mount -t tmpfs -o size=64k tmpfs disk || exit 125; "
                       "mount -o remount," +
                       mode + " disk; " + script + "' sh \"$@\"",
                   words);
  }
};

TEST_F(SmallDisk, WhenFullEndsTheRunAndIsNamed) {
  const Finished results = OnDisk(
      "rw", "\"$@\"; code=$?; wc -c < disk/r/000/000001.out; exit $code",
      {"-j1", "--results", "disk/r", "--shell", "head -c 40000 /dev/zero #", ":::", "1", "2", "3"});
  EXPECT_EQ(results.exit_code, 5);
  EXPECT_EQ(results.out, "40000\n") << "what was written before is there";
  EXPECT_THAT(results.err, HasSubstr("could not write disk/r/000/000002.out: no space left on "
                                     "device; make room there"));
  const std::vector<std::pair<std::string, std::string>> files = {{"--joblog", "61440"},
                                                                  {"--report-file", "65536"}};
  for (const auto& [option, taken] : files) {
    const Finished run = OnDisk("rw", "head -c " + taken + " /dev/zero > disk/fill; exec \"$@\"",
                                {option, "disk/file", "echo", ":::", std::string(20'000, 'x')});
    EXPECT_EQ(run.exit_code, 5) << option;
    EXPECT_THAT(run.err, HasSubstr("could not write disk/file: no space left on device")) << option;
  }
}

TEST_F(SmallDisk, ThatCannotHoldAnOutputFailsTheRunThoughNoTask) {
  const Finished run =
      OnDisk("rw", "exec \"$@\"",
             {"-k", "--state", "disk", "--shell", "head -c {} /dev/zero", ":::", "1000000", "10"});
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, AllOf(HasSubstr("task 1:"), HasSubstr("of its output were not kept"),
                             HasSubstr("tasks whose output is not whole: 1; make room in disk/run"),
                             Not(HasSubstr("failed"))));
  const Finished room = OnDisk("rw", "exec \"$@\"",
                               {"--state", "disk", "--shell", "head -c {} /dev/zero", ":::", "10"});
  EXPECT_EQ(room.exit_code, 0);
}

TEST_F(SmallDisk, ThatIsReadOnlyIsRefusedBeforeTheFirstTask) {
  for (const std::string option : {"--results", "--joblog", "--report-file"}) {
    const Finished run =
        OnDisk("ro", "exec \"$@\"", {option, "disk/x", "touch", "ran", ":::", "a"});
    EXPECT_EQ(run.exit_code, 5) << option;
    EXPECT_THAT(run.err, HasSubstr("could not write disk/x: read-only file system; choose a place "
                                   "that can be written"));
  }
  const Finished there =
      OnDisk("ro", "exec \"$@\"", {"--results", "disk", "touch", "ran", ":::", "a"});
  EXPECT_EQ(there.exit_code, 5);
  EXPECT_THAT(there.err, HasSubstr("could not write disk/index.jsonl: read-only file system"));
  EXPECT_FALSE(Exists("ran"));
}

}  // namespace
}  // namespace fanmill
