#include "lib/io/keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

std::string WhyNot(const std::string& path) {
  const absl::StatusOr<KeyPair> key = LoadKeyFile(path);
  return key.ok() ? "" : std::string(key.status().message());
}

TEST(Keys, LoadsWhatItMade) {
  const TempDir dir;
  const std::string path = dir / "key";
  ASSERT_TRUE(MakeKeyFile(path).ok());
  struct stat file = {};
  ASSERT_EQ(stat(path.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600u);
  const absl::StatusOr<KeyPair> key = LoadKeyFile(path);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(ReadFile(path), key->public_key + " " + key->secret_key + "\n");
}

TEST(Keys, NeverOverwritesAKey) {
  const TempDir dir;
  const std::string path = dir / "key";
  ASSERT_TRUE(MakeKeyFile(path).ok());
  const std::string before = ReadFile(path);
  const absl::Status again = MakeKeyFile(path);
  EXPECT_EQ(std::string(again.message()),
            "could not make the key file " + path +
                ": file exists; name another, a key is never overwritten");
  EXPECT_EQ(ReadFile(path), before);
}

TEST(Keys, RefusesAFileThatOthersCanRead) {
  const TempDir dir;
  const std::string path = dir / "key";
  ASSERT_TRUE(MakeKeyFile(path).ok());
  for (const mode_t mode : {0640, 0604, 0660, 0601}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    EXPECT_EQ(WhyNot(path), "refusing the key file " + path +
                                ": others than its owner may use it; run chmod 600 " + path);
  }
  ASSERT_EQ(chmod(path.c_str(), 0400), 0);
  EXPECT_EQ(WhyNot(path), "");
}

TEST(Keys, RefusesAFileOfSomebodyElse) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const TempDir dir;
  const std::string path = dir / "key";
  ASSERT_TRUE(MakeKeyFile(path).ok());
  ASSERT_EQ(chown(path.c_str(), 12345, 0), 0);
  EXPECT_EQ(WhyNot(path), "refusing the key file " + path +
                              ": it belongs to user 12345, not to you; copy it, so that the copy "
                              "is yours");
}

TEST(Keys, RefusesSymbolicLinksPipesAndFolders) {
  const TempDir dir;
  ASSERT_TRUE(MakeKeyFile(dir / "key").ok());
  ASSERT_EQ(symlink((dir / "key").c_str(), (dir / "link").c_str()), 0);
  EXPECT_EQ(WhyNot(dir / "link"), "refusing the key file " + dir / "link" +
                                      ": it is a symbolic link; name the file itself");
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(WhyNot(dir / "pipe"), "refusing the key file " + dir / "pipe" +
                                      ": it is no plain file; name the file itself");
  ASSERT_EQ(mkdir((dir / "folder").c_str(), 0700), 0);
  EXPECT_NE(WhyNot(dir / "folder"), "");
  EXPECT_EQ(WhyNot(dir / "nothing"), "could not read the key file " + dir / "nothing" +
                                         ": no such file or directory; make one with fanmill "
                                         "keygen");
}

TEST(Keys, RefusesWhatIsNoKey) {
  const TempDir dir;
  const std::string path = dir / "key";
  ASSERT_TRUE(MakeKeyFile(path).ok());
  const std::string good = ReadFile(path);
  const std::string other = RandomKeyPair().secret_key;
  const std::string no_key =
      "refusing the key file " + path + ": it holds no Fanmill key; make one with fanmill keygen";
  for (const std::string& text :
       {std::string(), good.substr(1), good + "x", good.substr(0, 40), std::string(1000, 'x'),
        good.substr(0, 41) + other + "\n", std::string(81, '\0'), "~" + good.substr(1)}) {
    WriteFile(path, text);
    EXPECT_EQ(WhyNot(path), no_key) << text;
  }
  WriteFile(path, good);
  EXPECT_EQ(WhyNot(path), "");
}

}  // namespace
}  // namespace fanmill
