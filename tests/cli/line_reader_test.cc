#include "controller/cli/sources/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "lib/core/limits.h"
#include "lib/io/file.h"

namespace fanmill::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kForEver = Seconds(60);

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    out = FileDescriptor(ends[0]);
    in = FileDescriptor(ends[1]);
  }
  void Close() { in = FileDescriptor(); }

  FileDescriptor out;
  FileDescriptor in;
};

// All lines of a stream that was written and closed; the error when there is one.
std::vector<std::string> LinesOf(std::string_view text, absl::Status* error = nullptr,
                                 LineEnd end = LineEnd::kNewline) {
  Pipe pipe;
  std::thread writer([&pipe, text] {
    WriteAll(pipe.in.get(), text);
    pipe.Close();
  });
  LineReader reader(pipe.out.get(), "the pipe", end);
  std::vector<std::string> lines;
  while (true) {
    std::string_view line;
    const auto got = reader.Next(kForEver, line);
    if (!got.ok() && error != nullptr) *error = got.status();
    if (!got.ok() || *got == Got::kEnd) break;
    if (*got == Got::kOne) lines.emplace_back(line);
  }
  // What is left unread must not keep the writer.
  std::vector<char> rest(1 << 20);
  while (read(pipe.out.get(), rest.data(), rest.size()) > 0) continue;
  writer.join();
  return lines;
}

TEST(LineReader, CutsAtNewlinesAndKeepsEmptyLines) {
  EXPECT_THAT(LinesOf("one\n\nthree\n"), ElementsAre("one", "", "three"));
  EXPECT_THAT(LinesOf("\n"), ElementsAre(""));
}

TEST(LineReader, CountsALastLineWithoutItsNewline) {
  EXPECT_THAT(LinesOf("one\ntwo"), ElementsAre("one", "two"));
}

TEST(LineReader, HasNoLinesWhereNothingIs) { EXPECT_THAT(LinesOf(""), IsEmpty()); }

TEST(LineReader, ReadsMoreThanItsBufferHolds) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + "\n";
  const std::vector<std::string> lines = LinesOf(text);
  ASSERT_EQ(lines.size(), 400'000u);
  for (size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], std::to_string(i));
}

TEST(LineReader, TakesTheLongestValueAndNoLongerOne) {
  const std::string longest(kTaskPayloadBytesMax, 'x');
  absl::Status error;
  EXPECT_THAT(LinesOf("a\n" + longest + "\nb\n", &error), ElementsAre("a", longest, "b"));
  EXPECT_TRUE(error.ok()) << error;
  EXPECT_THAT(LinesOf("a\n" + longest, &error), ElementsAre("a", longest));
  EXPECT_TRUE(error.ok()) << error;
  for (const std::string end : {"x\nb\n", "x", "xxxxxxxx"}) {
    EXPECT_THAT(LinesOf("a\n" + longest + end, &error), ElementsAre("a"));
    EXPECT_THAT(error.message(), HasSubstr("line 2 of the pipe is longer than 1048576 bytes"));
  }
}

TEST(LineReader, RefusesALineWithANulByte) {
  absl::Status error;
  EXPECT_THAT(LinesOf(std::string_view("one\ntw\0o\n", 9), &error), ElementsAre("one"));
  EXPECT_THAT(error.message(), HasSubstr("line 2 of the pipe has a NUL byte (its byte 3)"));
  EXPECT_THAT(error.message(), HasSubstr("add -0"));
}

TEST(LineReader, LeavesTheCarriageReturnBeforeANewlineAway) {
  EXPECT_THAT(LinesOf("one\r\n\r\na\rb\r\r\nlast\r\n"), ElementsAre("one", "", "a\rb\r", "last"));
}

TEST(LineReader, CutsAtNulsWhereLinesEndInThem) {
  absl::Status error;
  EXPECT_THAT(LinesOf(std::string_view("a\nb\r\0\0c", 7), &error, LineEnd::kNul),
              ElementsAre("a\nb\r", "", "c"));
  EXPECT_TRUE(error.ok()) << error;
  LinesOf(std::string("a\0", 2) + std::string(kTaskPayloadBytesMax + 1, 'x'), &error,
          LineEnd::kNul);
  EXPECT_THAT(error.message(), HasSubstr("value 2 of the pipe is longer than 1048576 bytes"));
}

TEST(LineReader, DoesNotWaitForASlowWriterLongerThanAsked) {
  Pipe pipe;
  LineReader reader(pipe.out.get(), "the pipe");
  std::string_view line;
  EXPECT_EQ(*reader.Next(Millis(1), line), Got::kNothingYet);
  ASSERT_TRUE(WriteAll(pipe.in.get(), "half"));
  EXPECT_EQ(*reader.Next(Millis(1), line), Got::kNothingYet);
  ASSERT_TRUE(WriteAll(pipe.in.get(), " and half\n"));
  EXPECT_EQ(*reader.Next(kForEver, line), Got::kOne);
  EXPECT_EQ(line, "half and half");
  EXPECT_EQ(*reader.Next(Millis(1), line), Got::kNothingYet);
  pipe.Close();
  EXPECT_EQ(*reader.Next(kForEver, line), Got::kEnd);
  EXPECT_EQ(*reader.Next(kForEver, line), Got::kEnd);
}

}  // namespace
}  // namespace fanmill::cli
