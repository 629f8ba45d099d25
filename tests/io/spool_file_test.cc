#include "lib/io/spool_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

SpoolSpan Put(SpoolFile& spool, std::string_view bytes) {
  absl::StatusOr<SpoolSpan> span = spool.Append(bytes);
  EXPECT_TRUE(span.ok()) << span.status();
  return span.value_or(SpoolSpan{});
}

std::string Got(const SpoolFile& spool, SpoolSpan span) {
  absl::StatusOr<std::string> bytes = spool.Read(span);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return bytes.value_or("");
}

// What this process's nameless file in the directory takes there.
uint64_t DiskBytesIn(const std::string& directory) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone);
    struct stat status = {};
    if (gone || !target.starts_with(directory) || stat(entry.path().c_str(), &status) != 0)
      continue;
    bytes += static_cast<uint64_t>(status.st_blocks) * 512;
  }
  return bytes;
}

// While it lives, no file of this process grows beyond so many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(uint64_t bytes) {
    before_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_ = {};
  void (*before_handler_)(int);
};

TEST(SpoolFile, GivesBackWhatWasPutAwayInAnyOrder) {
  TempDir directory;
  SpoolFile spool(directory / "");
  const SpoolSpan one = Put(spool, "one");
  const SpoolSpan none = Put(spool, "");
  const SpoolSpan two = Put(spool, std::string("t\0o", 3));
  EXPECT_EQ(Got(spool, two), std::string("t\0o", 3));
  EXPECT_EQ(Got(spool, none), "");
  EXPECT_EQ(Got(spool, one), "one");
  EXPECT_EQ(Got(spool, SpoolSpan{one.offset + 1, 2}), "ne");
  EXPECT_EQ(spool.live_bytes(), 6u);
}

TEST(SpoolFile, HasNoNameAndIsMadeAtTheFirstByte) {
  TempDir directory;
  SpoolFile nowhere(directory / "missing");
  EXPECT_TRUE(nowhere.Append("").ok());
  SpoolFile spool(directory / "");
  Put(spool, "bytes");
  EXPECT_TRUE(std::filesystem::is_empty(directory / ""));
}

TEST(SpoolFile, BeginsAnewOnceAllIsReleased) {
  TempDir directory;
  SpoolFile spool(directory / "");
  const SpoolSpan one = Put(spool, "one");
  const SpoolSpan two = Put(spool, "two");
  spool.Release(one);
  EXPECT_EQ(Got(spool, two), "two");
  EXPECT_EQ(spool.live_bytes(), 3u);
  spool.Release(two);
  EXPECT_EQ(spool.live_bytes(), 0u);
  EXPECT_EQ(spool.disk_bytes(), 0u);
  const SpoolSpan three = Put(spool, "three");
  EXPECT_EQ(three.offset, 0u);
  EXPECT_EQ(Got(spool, three), "three");
}

TEST(SpoolFile, TakesNoMoreOfTheDiskThanWhatLivesInIt) {
  TempDir directory;
  SpoolFile spool(directory / "");
  const SpoolSpan first = Put(spool, "first");
  std::vector<SpoolSpan> window;
  for (int i = 0; i < 6400; ++i) {
    window.push_back(Put(spool, std::string(10'000, static_cast<char>('a' + i % 26))));
    if (window.size() <= 100) continue;
    EXPECT_EQ(Got(spool, window.front()).size(), 10'000u);
    spool.Release(window.front());
    window.erase(window.begin());
  }
  EXPECT_EQ(spool.live_bytes(), 5u + 100 * 10'000);
  EXPECT_LT(spool.disk_bytes(), spool.live_bytes() + (2 << 20));
  EXPECT_GT(DiskBytesIn(directory / ""), uint64_t{0});
  EXPECT_LT(DiskBytesIn(directory / ""), spool.live_bytes() + (2 << 20));
  EXPECT_EQ(Got(spool, first), "first");
  EXPECT_EQ(Got(spool, window.back()), std::string(10'000, static_cast<char>('a' + 6399 % 26)));
}

TEST(SpoolFile, MakesHolesOfWhatWasReleasedInPiecesAndOutOfOrder) {
  TempDir directory;
  SpoolFile spool(directory / "");
  Put(spool, "before");
  const SpoolSpan large = Put(spool, std::string(8 << 20, 'x'));
  const SpoolSpan after = Put(spool, "after");
  constexpr uint64_t kPiece = 1000;
  const auto release_every_second = [&](uint64_t begin) {
    for (uint64_t at = begin; at < large.size; at += 2 * kPiece) {
      spool.Release({large.offset + at, std::min(kPiece, large.size - at)});
    }
  };
  release_every_second(0);
  EXPECT_GE(spool.disk_bytes(), large.size) << "no block is free yet";
  release_every_second(kPiece);
  EXPECT_LT(spool.disk_bytes(), uint64_t{3 << 20});
  EXPECT_LT(DiskBytesIn(directory / ""), uint64_t{3 << 20});
  EXPECT_EQ(Got(spool, after), "after");
}

TEST(SpoolFile, OfWhichNoMoreFitsKeepsWhatItHad) {
  TempDir directory;
  SpoolFile spool(directory / "");
  const SpoolSpan kept = Put(spool, std::string(1000, 'k'));
  {
    const FileSizeLimit limit(1500);
    const absl::StatusOr<SpoolSpan> refused = spool.Append(std::string(1000, 'r'));
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(refused.status().message(), "could not write a file for waiting outputs in " +
                                              (directory / "") +
                                              ": file too large; make room there");
  }
  const SpoolSpan later = Put(spool, "later");
  EXPECT_EQ(later.offset, 1000u);
  EXPECT_EQ(Got(spool, kept), std::string(1000, 'k'));
  EXPECT_EQ(Got(spool, later), "later");
}

TEST(SpoolFile, SaysWhereItCouldNotBeMade) {
  TempDir directory;
  SpoolFile spool(directory / "missing");
  const absl::StatusOr<SpoolSpan> refused = spool.Append("x");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(refused.status().message(), "could not make a file for waiting outputs in " +
                                            (directory / "missing") +
                                            ": no such file or directory");
}

}  // namespace
}  // namespace fanmill
