// kill -9 of the controller, the ventilator and the sink in mid-batch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using ::testing::HasSubstr;

class RoleKilled : public ::testing::Test {
 protected:
  void SetUp() override { cluster_.StartAll(); }
  // A batch of which some tasks have ended.
  std::string HalfDone() {
    const std::string batch =
        Submit(cluster_, {"--array", "1-100", "--shell", "--", "sleep 0.1; echo {} >> " + ended_});
    EXPECT_TRUE(AwaitOk(cluster_, batch, 8));
    return batch;
  }
  // It ends as if nothing had been, with each of its tasks once.
  void ExpectWhole(const std::string& batch) {
    EXPECT_EQ(cluster_.Fanmill({"wait", batch}).exit_code, 0);
    ExpectEachOnce(cluster_, batch, 100);
    EXPECT_TRUE(cluster_.AwaitReadyWorkers(2));
    ExpectWork(cluster_);
  }
  void LoseJournal(const std::string& role, const std::string& journal) {
    for (const char* part : {"", "-wal", "-shm"}) {
      std::filesystem::remove(cluster_.folder() + "/state/" + role + "/" + journal + part);
    }
  }
  // It ends by being given up, and whoever asks is told so.
  void ExpectForgotten(const std::string& batch, const char* why) {
    const Finished wait = cluster_.Fanmill({"wait", batch});
    EXPECT_EQ(wait.exit_code, 3);
    EXPECT_THAT(wait.err, HasSubstr(why));
    EXPECT_THAT(wait.err, HasSubstr("was cancelled"));
    const Finished results = cluster_.Fanmill({"results", batch});
    EXPECT_EQ(results.exit_code, 3);
    EXPECT_THAT(results.err, HasSubstr("was cancelled"));
  }

  LocalCluster cluster_;
  std::string ended_ = cluster_.folder() + "/ended";
};

// R11, R95: nobody but the controller itself notices.
TEST_F(RoleKilled, TheControllersDeathStopsNoBatch) {
  const std::string batch = HalfDone();
  LocalCluster::KillHard(cluster_.controller());
  ASSERT_TRUE(WaitUntil([&] { return LinesOf(ended_) == 100; })) << "the batch goes on without it";
  cluster_.StartController();
  EXPECT_TRUE(cluster_.AwaitReadyWorkers(2));
  ExpectEachOnce(cluster_, batch, 100);
  EXPECT_EQ(cluster_.Fanmill({"wait", batch}).exit_code, 0);
  const Finished report = cluster_.Fanmill({"report", batch, "--json"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  const nlohmann::json told = nlohmann::json::parse(report.out);
  EXPECT_EQ(told["ok"], 100);
  EXPECT_EQ(told["workers"], 2);
  ExpectWork(cluster_);
}

TEST_F(RoleKilled, AVentilatorThatIsStartedAgainGoesOn) {
  const std::string batch = HalfDone();
  RunningCommand following = cluster_.StartFanmill({"results", batch});
  LocalCluster::KillHard(cluster_.ventilator());
  cluster_.StartVentilator();
  ExpectWhole(batch);
  EXPECT_EQ(following.Wait().exit_code, 0);
  // R95: where the time of their slots went the workers know.
  const Finished report = cluster_.Fanmill({"report", batch, "--json"});
  ASSERT_EQ(report.exit_code, 0) << report.err;
  const nlohmann::json told = nlohmann::json::parse(report.out);
  EXPECT_EQ(told["complete"], true) << report.out;
  double lost = 0;
  for (const auto& [cause, seconds] : told["lost"].items()) lost += seconds.get<double>();
  EXPECT_NEAR(told["run_s"].get<double>() + lost, told["capacity_s"].get<double>(), 1e-3);
}

TEST_F(RoleKilled, ASinkThatIsStartedAgainGoesOn) {
  ExpectWork(cluster_);  // batch 1
  const std::string batch = HalfDone();
  RunningCommand following = cluster_.StartFanmill({"results", batch});
  LocalCluster::KillHard(cluster_.sink());
  cluster_.StartSink();
  ExpectWhole(batch);
  EXPECT_EQ(following.Wait().exit_code, 0);
  EXPECT_EQ(cluster_.Fanmill({"results", "1"}).exit_code, 0) << "what ended before is there too";
}

TEST_F(RoleKilled, AllThreeAtOnceGoOn) {
  const std::string batch = HalfDone();
  LocalCluster::KillHard(cluster_.sink());
  LocalCluster::KillHard(cluster_.ventilator());
  LocalCluster::KillHard(cluster_.controller());
  cluster_.StartController();
  cluster_.StartVentilator();
  cluster_.StartSink();
  ExpectWhole(batch);
}

// R96
TEST_F(RoleKilled, AVentilatorWithoutItsManifestEndsItsBatches) {
  const std::string batch = HalfDone();
  RunningCommand following = cluster_.StartFanmill({"results", batch});
  LocalCluster::KillHard(cluster_.ventilator());
  LoseJournal("ventilator", "manifest.db");
  cluster_.StartVentilator();
  ExpectForgotten(batch, "the ventilator has lost its tasks");
  const Finished followed = following.Wait();
  EXPECT_EQ(followed.exit_code, 3) << followed.err;
  EXPECT_TRUE(cluster_.AwaitReadyWorkers(2));
  ExpectWork(cluster_);
}

// R96: likewise the ledger.
TEST_F(RoleKilled, ASinkWithoutItsLedgerEndsItsBatches) {
  ExpectWork(cluster_);  // batch 1
  const std::string batch = HalfDone();
  LocalCluster::KillHard(cluster_.sink());
  LoseJournal("sink", "ledger.db");
  cluster_.StartSink();
  ExpectForgotten(batch, "the sink has lost results of it");
  const Finished before = cluster_.Fanmill({"results", "1"});
  EXPECT_EQ(before.exit_code, 5);
  EXPECT_THAT(before.err, HasSubstr("the sink has lost its results"));
  EXPECT_TRUE(cluster_.AwaitReadyWorkers(2));
  ExpectWork(cluster_);
}

}  // namespace
}  // namespace fanmill
