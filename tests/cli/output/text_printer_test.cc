#include "controller/cli/output/text_printer.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/cli/output/results.h"

namespace fanmill::cli {
namespace {

Printed Print(const TaskWords& words, bool tag, const std::vector<client::Result>& results,
              const std::string* payload = nullptr) {
  TextPrinter printer(words, tag);
  return Caught([&] {
    for (const client::Result& result : results) {
      EXPECT_TRUE(printer.Take(result, payload).ok());
    }
    EXPECT_TRUE(printer.Flush().ok());
  });
}

TEST(TextPrinter, PrintsEachOutputAsItIs) {
  const Printed printed = Print(
      {}, false, {Ended(0, std::string("a\0b", 3), "e"), Part(1, "large "), Ended(1, "end\n")});
  EXPECT_EQ(printed.out, std::string("a\0blarge end\n", 13));
  EXPECT_EQ(printed.err, "e");
}

TEST(TextPrinter, PrintsStderrPartsToStderr) {
  const Printed printed = Print({}, false, {Part(0, "o"), Part(0, "e", true), Ended(0)});
  EXPECT_EQ(printed.out, "o");
  EXPECT_EQ(printed.err, "e");
}

TEST(TextPrinter, KeepsItsOwnWordsAboutATaskThatDidNotStartFromTheOutput) {
  client::Result result = Ended(0, "", "there is no program 'x'");
  result.status = "not_started";
  EXPECT_EQ(Print({}, false, {result}).err, "");
  EXPECT_EQ(Print({}, true, {result}).err, "");
}

TEST(TextPrinter, TagsEachLineOfBothStreams) {
  const std::string payload = "a b";
  const Printed printed = Print({}, true, {Ended(0, "one\n\ntwo\n", "err\n")}, &payload);
  EXPECT_EQ(printed.out, "a b\tone\na b\t\na b\ttwo\n");
  EXPECT_EQ(printed.err, "a b\terr\n");
}

TEST(TextPrinter, EndsATaggedLastLineThatHasNoEnd) {
  const std::string payload = "v";
  const Printed printed =
      Print({}, true, {Ended(0, "one", "e"), Ended(1, "two"), Ended(2)}, &payload);
  EXPECT_EQ(printed.out, "v\tone\nv\ttwo\n");
  EXPECT_EQ(printed.err, "v\te\n");
}

TEST(TextPrinter, TagsALineOnceThatCameInTwoParts) {
  const std::string payload = "v";
  const Printed printed = Print(
      {}, true,
      {Part(0, "a\nhalf "), Part(0, "line\nlast"), Part(0, "e", true), Ended(0), Ended(1, "x\n")},
      &payload);
  EXPECT_EQ(printed.out, "v\ta\nv\thalf line\nv\tlast\nv\tx\n");
  EXPECT_EQ(printed.err, "v\te\n");
}

TEST(TextPrinter, TagsWithAllValuesOnOneLine) {
  TaskWords words;
  words.split = [](std::string_view payload) {
    return std::vector<std::string>{std::string(payload.substr(0, 3)), "two"};
  };
  const std::string payload = "o\ne and more";
  EXPECT_EQ(Print(words, true, {Ended(0, "x\n")}, &payload).out, "o e two\tx\n");
}

TEST(TextPrinter, TagsWithTheNumberWhereTheValuesAreNotKnown) {
  EXPECT_EQ(Print({}, true, {Ended(41, "x\n")}).out, "42\tx\n");
}

TEST(TextPrinter, TagsManyLinesOfManyBytes) {
  const std::string payload = "tag";
  std::string text, tagged;
  for (int i = 0; i < 50'000; ++i) {
    text += std::to_string(i) + "\n";
    tagged += "tag\t" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(Print({}, true, {Ended(0, text)}, &payload).out, tagged);
}

// While it lives, stdout is that.
class StdoutTo {
 public:
  explicit StdoutTo(int fd) : before_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    close(fd);
  }
  ~StdoutTo() {
    std::fflush(stdout);
    std::clearerr(stdout);
    dup2(before_, STDOUT_FILENO);
    close(before_);
  }

 private:
  int before_;
};

TEST(TextPrinter, SaysThatTheDiskIsFullOrThatNobodyReads) {
  TextPrinter printer({}, false);
  const std::string text(1 << 20, 'x');
  {
    StdoutTo full(open("/dev/full", O_WRONLY));
    const absl::Status taken = printer.Take(Ended(0, text), nullptr);
    EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(taken.message(), "cannot write the output: no space left on device");
  }
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  close(pipe_ends[0]);
  {
    StdoutTo nobody(pipe_ends[1]);
    EXPECT_EQ(printer.Take(Ended(0, text), nullptr).code(), absl::StatusCode::kAborted);
  }
  std::signal(SIGPIPE, before);
}

}  // namespace
}  // namespace fanmill::cli
