#include "lib/io/state_directory.h"

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

std::string WhyNot(const std::string& path) {
  const absl::StatusOr<StateDirectory> directory = StateDirectory::Open(path);
  return directory.ok() ? "" : std::string(directory.status().message());
}

TEST(StateDirectory, KeepsItsIdAndRaisesItsEpochAtEachStart) {
  const TempDir dir;
  const std::string path = dir / "a/b/sink";
  uint64_t id = 0;
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    const absl::StatusOr<StateDirectory> directory = StateDirectory::Open(path);
    ASSERT_TRUE(directory.ok()) << directory.status();
    EXPECT_EQ(directory->epoch(), epoch);
    EXPECT_NE(directory->id(), 0u);
    if (epoch == 1) id = directory->id();
    EXPECT_EQ(directory->id(), id);
  }
  const absl::StatusOr<StateDirectory> other = StateDirectory::Open(dir / "a/b/ventilator");
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->id(), id);
  EXPECT_EQ(other->epoch(), 1u);
}

TEST(StateDirectory, IsForItsOwnerAlone) {
  const TempDir dir;
  const mode_t before = umask(0);
  ASSERT_EQ(WhyNot(dir / "a/sink"), "");
  umask(before);
  for (const auto& [name, mode] : std::initializer_list<std::pair<const char*, mode_t>>{
           {"a", 0700}, {"a/sink", 0700}, {"a/sink/lock", 0600}, {"a/sink/identity", 0600}}) {
    struct stat file = {};
    ASSERT_EQ(stat((dir / name).c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, mode) << name;
  }
}

TEST(StateDirectory, BelongsToOneProcessAndSaysWhich) {
  const TempDir dir;
  std::optional<absl::StatusOr<StateDirectory>> first = StateDirectory::Open(dir / "sink");
  ASSERT_TRUE((*first).ok());
  EXPECT_EQ(WhyNot(dir / "sink"),
            "could not use the state directory " + dir / "sink" + ": process " +
                std::to_string(getpid()) +
                " holds it; stop that one, or choose another directory with --state DIR");
  first.reset();
  EXPECT_EQ(StateDirectory::Open(dir / "sink")->epoch(), 2u);  // the refused start raised nothing
}

TEST(StateDirectory, RefusesNetworkFileSystems) {
  for (const int64_t type : {int64_t{NFS_SUPER_MAGIC}, int64_t{SMB_SUPER_MAGIC},
                             int64_t{0xFE534D42}, int64_t{0xFF534D42}}) {
    EXPECT_FALSE(IsTrustedFileSystem(type)) << type;
  }
  for (const int64_t type : {int64_t{EXT4_SUPER_MAGIC}, int64_t{XFS_SUPER_MAGIC},
                             int64_t{TMPFS_MAGIC}, int64_t{0x9123683E}}) {
    EXPECT_TRUE(IsTrustedFileSystem(type)) << type;
  }
}

TEST(StateDirectory, SaysWhenItIsDamagedAndChangesNothing) {
  const TempDir dir;
  ASSERT_EQ(WhyNot(dir / "sink"), "");
  const std::string identity = dir / "sink/identity";
  const std::string good = ReadFile(identity);
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() - 1), good + "x", std::string("garbage"),
        std::string("fanmill-state 1 id 0000000000000000 epoch 4\n"), std::string(4096, 'x')}) {
    WriteFile(identity, text);
    EXPECT_EQ(WhyNot(dir / "sink"), "could not use the state directory " + dir / "sink" +
                                        ": its file " + identity +
                                        " is damaged; restore the directory from a copy, or begin "
                                        "anew with another one");
    EXPECT_EQ(ReadFile(identity), text);
  }
  WriteFile(identity, good);
  EXPECT_EQ(StateDirectory::Open(dir / "sink")->epoch(), 2u);
}

TEST(StateDirectory, EndsAtTheLastEpochThatChunkIdsHold) {
  const TempDir dir;
  ASSERT_EQ(WhyNot(dir / "sink"), "");
  WriteFile(dir / "sink/identity", "fanmill-state 1 id 00000000000000ab epoch 16777214\n");
  EXPECT_EQ(StateDirectory::Open(dir / "sink")->epoch(), kEpochMax);
  EXPECT_EQ(WhyNot(dir / "sink"), "could not use the state directory " + dir / "sink" +
                                      ": it was started too often; begin anew with another one");
}

TEST(StateDirectory, SaysInPlainWordsWhyItCannotBe) {
  const TempDir dir;
  WriteFile(dir / "file", "");
  EXPECT_EQ(WhyNot(dir / "file/sink"), "could not use the state directory " + dir / "file/sink" +
                                           ": not a directory; choose another with --state DIR");
  // /proc takes no folders, whoever asks.
  EXPECT_NE(WhyNot("/proc/fanmill").find("could not use the state directory /proc/fanmill: "),
            std::string::npos);
}

}  // namespace
}  // namespace fanmill
