#include "controller/cli/output/joblog.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/cli/output/results.h"
#include "tests/io/temp_dir.h"

namespace fanmill::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kColumns[] =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

Duration At1000Seconds() { return Seconds(1000); }

client::Result With(std::string status, int32_t code) {
  client::Result result = Ended(0);
  result.status = std::move(status);
  result.code = code;
  return result;
}

TEST(Joblog, HasALineForEachTaskAsGnuParallelWritesIt) {
  TempDir directory;
  WriteFile(directory / "log", "old\n");
  TaskWords words;
  words.command = [](uint64_t task, uint32_t slot, std::string_view payload) {
    return absl::StrCat("sleep '", std::string(payload), "' ", task, " ", slot);
  };
  auto log = Joblog::Open(directory / "log", words, At1000Seconds);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(ReadFile(directory / "log"), kColumns);
  const std::string payload = "a\nb";
  client::Result result = Ended(6, "four", "err");
  result.run = Micros(1'234'567);
  EXPECT_TRUE((*log)->Take(Part(6, "part"), &payload).ok());
  EXPECT_TRUE((*log)->Take(result, &payload).ok());
  EXPECT_TRUE((*log)->Take(Ended(7), nullptr).ok());
  EXPECT_TRUE((*log)->Flush().ok());
  EXPECT_EQ(
      ReadFile(directory / "log"),
      absl::StrCat(kColumns, "7\t:\t998.765\t     1.235\t0\t11\t0\t0\tsleep 'a'$'\\x0a''b' 6 1\n",
                   "8\t:\t1000.000\t     0.000\t0\t0\t0\t0\t\n"));
}

TEST(Joblog, NamesTheWorkersHost) {
  TempDir directory;
  TaskWords words;
  words.host = [](uint32_t worker) { return absl::StrCat("host", worker); };
  auto log = Joblog::Open(directory / "log", words, At1000Seconds);
  ASSERT_TRUE(log.ok());
  EXPECT_TRUE((*log)->Take(Ended(0), nullptr).ok());
  EXPECT_TRUE((*log)->Flush().ok());
  EXPECT_THAT(ReadFile(directory / "log"), HasSubstr("\n1\thost1\t"));
}

TEST(Joblog, TellsEveryWayToFailByExitvalOrSignal) {
  const struct {
    client::Result result;
    const char* columns;
  } all[] = {{With("ok", 0), "\t0\t0\t\n"},
             {With("failed", 3), "\t3\t0\t\n"},
             {With("signalled", 9), "\t0\t9\t\n"},
             {With("timed_out", 0), "\t-1\t15\t\n"},
             {With("not_started", 0), "\t127\t0\t\n"},
             {With("lost", 0), "\t-1\t0\t\n"}};
  for (const auto& each : all) {
    TempDir directory;
    const TaskWords words;
    auto log = Joblog::Open(directory / "log", words, At1000Seconds);
    ASSERT_TRUE(log.ok());
    EXPECT_TRUE((*log)->Take(each.result, nullptr).ok());
    EXPECT_TRUE((*log)->Flush().ok());
    EXPECT_THAT(ReadFile(directory / "log"), HasSubstr(each.columns)) << each.result.status;
  }
}

TEST(Joblog, SaysWhyItCannotBeWritten) {
  const TaskWords words;
  const auto nowhere = Joblog::Open("/nowhere/log", words);
  EXPECT_EQ(nowhere.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(nowhere.status().message(), "could not write /nowhere/log: no such file or directory");
  const auto full = Joblog::Open("/dev/full", words);
  EXPECT_EQ(full.status().message(),
            "could not write /dev/full: no space left on device; make room there");
}

}  // namespace
}  // namespace fanmill::cli
