#include "controller/cli/output/result_directory.h"

#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>

#include "tests/cli/output/results.h"
#include "tests/io/temp_dir.h"

namespace fanmill::cli {
namespace {

using ::testing::HasSubstr;

void Take(ResultDirectory& results, const client::Result& result,
          const std::string* payload = nullptr) {
  const absl::Status taken = results.Take(result, payload);
  EXPECT_TRUE(taken.ok()) << taken;
}

TEST(ResultDirectory, HasTheOutputsOfEachTaskAndAnIndexOfThem) {
  TempDir directory;
  const std::string path = directory / "new/results";
  const TaskWords words;
  auto results = ResultDirectory::Open(path, words);
  ASSERT_TRUE(results.ok()) << results.status();
  client::Result failed = Ended(16, "out\n", "err\n");
  failed.status = "failed";
  failed.code = 2;
  failed.attempt = 3;
  failed.run = Millis(1500);
  const std::string payload = "a value";
  Take(**results, failed, &payload);
  Take(**results, Part(998, "large "));
  Take(**results, Part(998, "why", true));
  Take(**results, Ended(998, "", ""));
  client::Result dropped = Ended(999);
  dropped.dropped = 7;
  Take(**results, dropped);
  Take(**results, Ended(1'234'566, "far"));
  ASSERT_TRUE((*results)->Flush().ok());
  EXPECT_EQ(ReadFile(path + "/000/000017.out"), "out\n");
  EXPECT_EQ(ReadFile(path + "/000/000017.err"), "err\n");
  EXPECT_EQ(ReadFile(path + "/000/000999.out"), "large ");
  EXPECT_EQ(ReadFile(path + "/000/000999.err"), "why");
  EXPECT_TRUE(std::filesystem::exists(path + "/001/001000.out"));
  EXPECT_TRUE(std::filesystem::exists(path + "/001/001000.err"));
  EXPECT_EQ(ReadFile(path + "/1234/1234567.out"), "far");
  EXPECT_EQ(
      ReadFile(path + "/index.jsonl"),
      "{\"task\":17,\"values\":[\"a value\"],\"status\":\"failed\",\"code\":2,\"run_s\":1.5,"
      "\"worker\":1,\"attempt\":3,\"stdout\":\"000/000017.out\",\"stderr\":\"000/000017.err\"}\n"
      "{\"task\":999,\"status\":\"ok\",\"code\":0,\"run_s\":0.0,\"worker\":1,\"attempt\":1,"
      "\"stdout\":\"000/000999.out\",\"stderr\":\"000/000999.err\"}\n"
      "{\"task\":1000,\"status\":\"ok\",\"code\":0,\"run_s\":0.0,\"worker\":1,\"attempt\":1,"
      "\"stdout\":\"001/001000.out\",\"stderr\":\"001/001000.err\",\"dropped_bytes\":7}\n"
      "{\"task\":1234567,\"status\":\"ok\",\"code\":0,\"run_s\":0.0,\"worker\":1,\"attempt\":1,"
      "\"stdout\":\"1234/1234567.out\",\"stderr\":\"1234/1234567.err\"}\n");
}

TEST(ResultDirectory, MayBeThereIfItIsEmpty) {
  TempDir directory;
  const TaskWords words;
  EXPECT_TRUE(ResultDirectory::Open(directory / "", words).ok());
  const auto again = ResultDirectory::Open(directory / "", words);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(again.status().message(), HasSubstr("--results " + (directory / "")));
  EXPECT_THAT(again.status().message(), HasSubstr("is not empty"));
}

TEST(ResultDirectory, IsNoFileAndNotWhereNothingCanBeWritten) {
  TempDir directory;
  const TaskWords words;
  WriteFile(directory / "file", "");
  const auto file = ResultDirectory::Open(directory / "file", words);
  EXPECT_EQ(file.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(file.status().message(), HasSubstr("is no directory"));
  const auto read_only = ResultDirectory::Open("/proc/results", words);
  EXPECT_EQ(read_only.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(read_only.status().message(), HasSubstr("could not write /proc/results: "));
}

TEST(ResultDirectory, SaysWhichFileCouldNotBeWritten) {
  TempDir directory;
  const TaskWords words;
  auto results = ResultDirectory::Open(directory / "r", words);
  ASSERT_TRUE(results.ok());
  std::filesystem::create_directories(directory / "r/000/000001.out");
  const absl::Status taken = (*results)->Take(Ended(0, "x"), nullptr);
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(taken.message(),
            "could not write " + (directory / "r/000/000001.out") + ": file exists");
}

}  // namespace
}  // namespace fanmill::cli
