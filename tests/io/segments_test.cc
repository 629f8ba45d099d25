#include "lib/io/segments.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

SegmentSpan Put(Segments& segments, std::string_view bytes) {
  absl::StatusOr<SegmentSpan> span = segments.Append(bytes);
  EXPECT_TRUE(span.ok()) << span.status();
  return span.value_or(SegmentSpan{});
}

std::string Got(const Segments& segments, const SegmentSpan& span) {
  const absl::StatusOr<std::string> bytes = segments.Read(span);
  return bytes.ok() ? *bytes : std::string(bytes.status().message());
}

std::vector<std::string> FilesIn(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename());
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(Segments, GiveBackAfterARestartWhatTheirOwnerKnowsOf) {
  const TempDir dir;
  std::vector<SegmentSpan> known;
  {
    Segments segments(dir / "s");
    known = {Put(segments, "one"), Put(segments, "three")};
    ASSERT_TRUE(segments.Sync().ok());
    segments.Settle();
    Put(segments, "never committed");
  }
  Segments again(dir / "s");
  ASSERT_TRUE(again.Recover(known).ok());
  EXPECT_EQ(again.live_bytes(), 8u);
  EXPECT_EQ(std::filesystem::file_size(dir / "s/000001"), 8u);
  EXPECT_EQ(Got(again, known[1]), "three");
  EXPECT_EQ(Got(again, Put(again, "four")), "four");
  EXPECT_EQ(Got(again, known[0]), "one");
}

TEST(Segments, AreMadeAtTheFirstByteAndGoWithTheLast) {
  const TempDir dir;
  Segments segments(dir / "s");
  ASSERT_TRUE(segments.Recover({}).ok());
  EXPECT_FALSE(std::filesystem::exists(dir / "s"));
  const SegmentSpan one = Put(segments, "one");
  segments.Settle();
  segments.Drop(one);
  EXPECT_EQ(FilesIn(dir / "s"), Names{"000001"}) << "its owner may take that back";
  segments.Settle();
  EXPECT_EQ(FilesIn(dir / "s"), Names());
  EXPECT_EQ(segments.live_bytes(), 0u);
  EXPECT_EQ(Put(segments, "two").segment, 2u);
}

TEST(Segments, BeginAnotherAtTheirLimit) {
  const TempDir dir;
  Segments segments(dir / "s");
  const SegmentSpan first = Put(segments, std::string(kSegmentBytesMax - 1, 'a'));
  const SegmentSpan second = Put(segments, "bc");  // below the limit when it came
  const SegmentSpan third = Put(segments, "d");
  segments.Settle();
  EXPECT_EQ(first.segment, 1u);
  EXPECT_EQ(second.segment, 1u);
  EXPECT_EQ(third.segment, 2u);
  segments.Drop(first);
  segments.Drop(second);
  segments.Settle();
  EXPECT_EQ(FilesIn(dir / "s"), Names{"000002"});
  EXPECT_EQ(Got(segments, third), "d");
}

TEST(Segments, MakeRoomBeforeTheWholeFileMayGo) {
  const TempDir dir;
  Segments segments(dir / "s");
  const SegmentSpan large = Put(segments, std::string(8 << 20, 'x'));
  const SegmentSpan small = Put(segments, "small");
  ASSERT_TRUE(segments.Sync().ok());
  segments.Settle();
  const auto free_before = std::filesystem::space(dir / "s").available;
  segments.Drop(large);
  segments.Settle();
  EXPECT_GT(std::filesystem::space(dir / "s").available, free_before);
  EXPECT_EQ(Got(segments, small), "small");
}

TEST(Segments, TakeBackWhatWasNotCommitted) {
  const TempDir dir;
  Segments segments(dir / "s");
  const SegmentSpan one = Put(segments, "one");
  segments.Settle();
  Put(segments, "two");
  Put(segments, "three");
  segments.Drop(one);
  segments.Rollback();
  EXPECT_EQ(std::filesystem::file_size(dir / "s/000001"), 3u);
  EXPECT_EQ(segments.live_bytes(), 3u);
  segments.Settle();
  EXPECT_EQ(Got(segments, one), "one");
  EXPECT_EQ(Put(segments, "four").offset, 3u);
}

TEST(Segments, RemoveWhatNobodyKnowsAndMissWhatIsGone) {
  const TempDir dir;
  SegmentSpan known;
  {
    Segments segments(dir / "s");
    known = Put(segments, "known");
    segments.Settle();
  }
  WriteFile(dir / "s/000007", "what a crash left");
  {
    Segments again(dir / "s");
    ASSERT_TRUE(again.Recover({known}).ok());
    EXPECT_EQ(FilesIn(dir / "s"), Names{"000001"});
  }
  std::filesystem::resize_file(dir / "s/000001", 2);
  {
    Segments shortened(dir / "s");
    ASSERT_TRUE(shortened.Recover({known}).ok());
    EXPECT_EQ(shortened.Read(known).status().code(), absl::StatusCode::kDataLoss);
  }
  std::filesystem::remove(dir / "s/000001");
  Segments gone(dir / "s");
  ASSERT_TRUE(gone.Recover({known}).ok());
  EXPECT_EQ(gone.Read(known).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Put(gone, "new").segment, 2u) << "never where something is missing";
}

// In a file system of 1 MiB of its own, which only root can make.
TEST(Segments, KeepWhatTheyHadWhenTheDiskIsFull) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "small");
  if (mount("none", (dir / "small").c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP();
  {
    Segments segments(dir / "small/s");
    const SegmentSpan fits = Put(segments, "fits");
    const absl::Status full = segments.Append(std::string(2 << 20, 'x')).status();
    EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_NE(full.message().find("make room on that disk"), std::string::npos);
    EXPECT_EQ(Got(segments, fits), "fits");
    EXPECT_EQ(std::filesystem::file_size(dir / "small/s/000001"), 4u);
  }
  umount((dir / "small").c_str());
}

}  // namespace
}  // namespace fanmill
