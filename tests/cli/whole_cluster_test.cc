// The commands that need a cluster of their own: they fill it, end it, or lock it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/cluster/local_cluster.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Words = std::vector<std::string>;

TEST(Results, ThatWereDroppedToMakeRoomAreSaidToBe) {
  LocalCluster cluster;
  cluster.StartController();
  cluster.StartVentilator();
  cluster.StartSink({"--disk", "16M"});
  cluster.StartWorker();
  ASSERT_TRUE(cluster.AwaitReadyWorkers(1));
  for (int batch = 1; batch <= 3; ++batch) {
    const Finished large = cluster.Fanmill(
        {"submit", "--wait", "--array", "1-100", "--shell", "--", ": {}; head -c 60000 /dev/zero"});
    ASSERT_EQ(large.exit_code, 0) << large.err;
  }
  const Finished dropped = cluster.Fanmill({"results", "1"});
  EXPECT_EQ(dropped.exit_code, 5);
  EXPECT_THAT(dropped.err, HasSubstr("its results were dropped to make room"));
  EXPECT_THAT(dropped.out, IsEmpty());
  EXPECT_EQ(cluster.Fanmill({"results", "3"}).out.size(), 6'000'000u);
}

TEST(Shutdown, ByTheKillSignalShowsEveryReceiptAndLeavesNothing) {
  LocalCluster cluster;
  cluster.StartAll();
  const Finished submitted = cluster.Fanmill({"submit", "--", "sleep"}, "1000\n1000\n");
  ASSERT_EQ(submitted.exit_code, 0) << submitted.err;
  ASSERT_TRUE(WaitUntil([&] {
    return cluster.Fanmill({"status", "1"}).out.find("running") != std::string::npos;
  }));
  const Finished down = cluster.Fanmill({"shutdown", "--now"});
  EXPECT_EQ(down.exit_code, 0) << down.err;
  for (const char* who : {"worker 1 (", "worker 2 (", "ventilator (", "sink ("}) {
    EXPECT_THAT(down.err, HasSubstr(who));
  }
  EXPECT_THAT(down.err, Not(HasSubstr("NOT")));
  EXPECT_TRUE(WaitUntil([&] { return cluster.Processes().empty(); }));
}

TEST(Shutdown, WaitsForRunningTasksAndNamesWhoHasNotConfirmed) {
  LocalCluster cluster({.workers = 1});
  cluster.StartAll();
  const std::string go = cluster.folder() + "/go";
  const std::string began = cluster.folder() + "/began";
  const std::string command =
      absl::StrCat(": {}; touch ", began, "; while ! test -e ", go, "; do sleep 0.01; done");
  ASSERT_EQ(cluster.Fanmill({"submit", "--shell", "--", command}, "x\n").exit_code, 0);
  ASSERT_TRUE(WaitUntil([&] { return std::filesystem::exists(began); }));
  const Finished impatient = cluster.Fanmill({"shutdown", "--timeout", "300ms"});
  EXPECT_EQ(impatient.exit_code, 6);
  EXPECT_THAT(impatient.err, AllOf(HasSubstr("waiting for 1 running task to end"),
                                   ContainsRegex("worker 1 \\(.*\\) did NOT confirm, last heard"),
                                   HasSubstr("; the shutdown goes on")));
  RunningCommand patient = cluster.StartFanmill({"shutdown"});
  std::ofstream(go) << "";
  const Finished down = patient.Wait();
  EXPECT_EQ(down.exit_code, 0) << down.err;
  EXPECT_TRUE(WaitUntil([&] { return cluster.Processes().empty(); }));
}

TEST(Key, AdmitsWhoHasItAlone) {
  const std::string folder = ::testing::TempDir() + absl::StrCat("fanmill-keys-", getpid());
  std::filesystem::create_directory(folder);
  const auto keygen = [&folder](const std::string& name) {
    return StartCommand({Executable("fanmill"), "keygen", folder + "/" + name},
                        folder + "/keygen-" + name, "")
        .Wait();
  };
  ASSERT_EQ(keygen("ours").exit_code, 0);
  ASSERT_EQ(keygen("theirs").exit_code, 0);
  const Finished again = keygen("ours");
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("a key is never overwritten"));

  LocalCluster cluster({.workers = 1, .flags = {"--key", folder + "/ours"}});
  cluster.StartAll();
  EXPECT_EQ(cluster.Fanmill({"submit", "--wait", "--", "echo"}, "in\n").out, "in\n");
  const auto list = [&](const std::string& name, const Words& key) {
    Words words = {Executable("fanmill"), "--controller", cluster.address(), "list"};
    words.insert(words.end(), key.begin(), key.end());
    return StartCommand(words, folder + "/" + name, "");
  };
  RunningCommand without = list("without", {});
  RunningCommand wrong = list("wrong", {"--key", folder + "/theirs"});
  const Finished without_key = without.Wait();
  EXPECT_EQ(without_key.exit_code, 5);
  EXPECT_THAT(without_key.err, HasSubstr("If the cluster has a key, it needs --key FILE."));
  const Finished wrong_key = wrong.Wait();
  EXPECT_EQ(wrong_key.exit_code, 5);
  EXPECT_THAT(wrong_key.err, HasSubstr("Is the file given with --key the key of that cluster?"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace fanmill
