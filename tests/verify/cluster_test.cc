// fanmill verify, and the second opinion in Python, on the files of real clusters: both prove what
// went through retries, failures, large outputs, kill -9 and cancels, and both see one bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "lib/io/database.h"
#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kSkipped = 77;

Finished Verify(LocalCluster& cluster, const std::string& state, std::vector<std::string> words) {
  words.insert(words.begin(), {"verify", "--state", state});
  return cluster.Fanmill(words);
}

// Debian's python3 has its packages, another one on the PATH may not. The exit code says what is
// missing when neither has.
Finished SecondOpinion(LocalCluster& cluster, const std::string& state,
                       std::vector<std::string> words) {
  Finished told;
  words.insert(words.begin(), {"python3", FANMILL_VERIFY_PY, "--state", state});
  for (const char* python : {"python3", "/usr/bin/python3"}) {
    words[0] = python;
    told = StartCommand(words, cluster.folder() + "/second-opinion", "").Wait();
    if (told.exit_code != kSkipped) return told;
  }
  return told;
}

// One bit of what the newest row of that size or more says.
uint64_t FlipABit(const std::string& file, size_t bytes_min) {
  auto database = *Database::Open(file, true);
  auto largest = *database.Prepare(
      absl::StrCat("SELECT sequence, bytes FROM rows WHERE length(bytes) >= ", bytes_min,
                   " ORDER BY sequence DESC LIMIT 1"));
  EXPECT_TRUE(*largest.Step());
  const uint64_t row = largest.Number(0);
  std::string bytes = largest.Blob(1);
  largest.Reset();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  auto update = *database.Prepare("UPDATE rows SET bytes = ?1 WHERE sequence = ?2");
  EXPECT_TRUE(update.Bind(1, std::string_view(bytes)).Bind(2, row).Run().ok());
  return row;
}

// A cluster that has seen much, and was killed.
class KilledCluster : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = new LocalCluster;
    cluster_->StartAll();
    Live();
    for (cli::ChildProcess* process :
         {&cluster_->sink(), &cluster_->ventilator(), &cluster_->controller()}) {
      LocalCluster::KillHard(*process);
    }
  }
  static void TearDownTestSuite() {
    delete cluster_;
    cluster_ = nullptr;
  }

  static std::string Folder() { return cluster_->folder(); }
  static std::string State() { return Folder() + "/state"; }
  // Tests that change something do so in a copy.
  static std::string CopyOfState() {
    const std::string copy = Folder() + "/copy-" + std::to_string(++copies_);
    std::filesystem::copy(State(), copy, std::filesystem::copy_options::recursive);
    return copy;
  }
  static void ExpectBothSee(const std::string& state, uint64_t row) {
    const Finished told = Verify(*cluster_, state, {"all"});
    EXPECT_EQ(told.exit_code, 1) << told.err;
    EXPECT_THAT(told.out, HasSubstr(absl::StrCat("ledger.db row ", row, ", batch ")));
    const Finished second = SecondOpinion(*cluster_, state, {"all"});
    if (second.exit_code == kSkipped) GTEST_SKIP() << second.err;
    EXPECT_EQ(second.exit_code, 1) << second.err;
    EXPECT_THAT(second.out, HasSubstr(absl::StrCat("ledger.db row ", row, ", batch ")));
  }

  static LocalCluster* cluster_;

 private:
  static void Live();
  static void RetriesAndFailures();
  static void LargeOutputs();
  static void KilledInTheMiddle();
  static void Cancelled();
  static int copies_;
};

LocalCluster* KilledCluster::cluster_ = nullptr;
int KilledCluster::copies_ = 0;

void KilledCluster::Live() {
  RetriesAndFailures();
  LargeOutputs();
  KilledInTheMiddle();
  Cancelled();
  const std::string none = Submit(*cluster_, {"--", "true"}, "");
  EXPECT_EQ(none, "5");
  EXPECT_EQ(cluster_->Fanmill({"wait", none}).exit_code, 0);
  Submit(*cluster_, {"--hold", "--", "true"}, "never started\n");
}

// Batch 1: of 40 tasks each fifth fails at first, and each tenth always.
void KilledCluster::RetriesAndFailures() {
  const std::string batch = Submit(
      *cluster_,
      {"--array", "1-40", "--retries", "1", "--shell", "--",
       absl::StrCat("case {} in *0) exit 3;; *5) [ $FANMILL_ATTEMPT = 2 ];; esac; ", "echo {}")});
  EXPECT_EQ(cluster_->Fanmill({"wait", batch}).exit_code, 1);
}

// Batch 2: 300 kB of stdout each.
void KilledCluster::LargeOutputs() {
  const std::string batch =
      Submit(*cluster_, {"--array", "1-6", "--shell", "--", ": {}; head -c 300000 /dev/zero"});
  EXPECT_EQ(cluster_->Fanmill({"wait", batch}).exit_code, 0);
}

// Batch 3: first a worker, then the sink.
void KilledCluster::KilledInTheMiddle() {
  const std::string batch =
      Submit(*cluster_, {"--array", "1-100", "--shell", "--", "sleep 0.05; echo {}"});
  ASSERT_TRUE(AwaitOk(*cluster_, batch, 10));
  const Finished live = Verify(*cluster_, State(), {batch});
  EXPECT_EQ(live.exit_code, 0) << live.out << live.err;
  EXPECT_THAT(live.out, HasSubstr("batch 3: not ended yet: 100 tasks appended, "));
  LocalCluster::KillHard(cluster_->worker(0));
  LocalCluster::KillHard(cluster_->sink());
  cluster_->StartSink();
  EXPECT_EQ(cluster_->Fanmill({"wait", batch}).exit_code, 0);
}

// Batch 4: in the middle.
void KilledCluster::Cancelled() {
  const std::string batch = SubmitSleeps(*cluster_, 500, 30);
  ASSERT_TRUE(AwaitOk(*cluster_, batch, 5));
  EXPECT_EQ(cluster_->Fanmill({"cancel", batch}).exit_code, 0);
  EXPECT_EQ(cluster_->Fanmill({"wait", batch}).exit_code, 3);
}

// R61, R62, R64, R77, R97
TEST_F(KilledCluster, IsProven) {
  const Finished told = Verify(*cluster_, State(), {});
  EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
  for (const char* line :
       {"batch 1: proven: 40 tasks, each with one end (36 ok, 4 failed, 0 cancelled)",
        "batch 2: proven: 6 tasks, each with one end (6 ok, 0 failed, 0 cancelled)",
        "batch 3: proven: 100 tasks, each with one end (100 ok, 0 failed, 0 cancelled)",
        "batch 4: proven: 500 tasks, ", "batch 5: proven: 0 tasks",
        "batch 6: not ended yet: 1 task appended, 0 ok, 0 failed; nothing is wrong so far"}) {
    EXPECT_THAT(told.out, HasSubstr(line));
  }
}

TEST_F(KilledCluster, IsProvenToProgramsToo) {
  const Finished told = Verify(*cluster_, State(), {"--json", "1", "4"});
  EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
  const nlohmann::json json = nlohmann::json::parse(told.out);
  EXPECT_EQ(json["sound"], true);
  ASSERT_EQ(json["batches"].size(), 2u);
  EXPECT_EQ(json["batches"][0]["verdict"], "proven");
  EXPECT_EQ(json["batches"][1]["tasks"], 500);
  EXPECT_GT(json["batches"][1]["cancelled"], 0);
}

TEST_F(KilledCluster, IsProvenByASecondOpinion) {
  const Finished told = SecondOpinion(*cluster_, State(), {"all"});
  if (told.exit_code == kSkipped) GTEST_SKIP() << told.err;
  EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
  for (const char* line :
       {"batch 1: proven: 40 tasks, 36 ok, 4 failed, 0 cancelled",
        "batch 2: proven: 6 tasks, 6 ok, 0 failed, 0 cancelled",
        "batch 3: proven: 100 tasks, 100 ok, 0 failed, 0 cancelled", "batch 4: proven: 500 tasks, ",
        "batch 5: proven: 0 tasks", "batch 6: not ended: 1 tasks, 0 ok, 0 failed"}) {
    EXPECT_THAT(told.out, HasSubstr(line));
  }
}

TEST_F(KilledCluster, IsNotProvenWithABitFlippedInAResult) {
  const std::string state = CopyOfState();
  ExpectBothSee(state, FlipABit(state + "/sink/ledger.db", 10));
}

TEST_F(KilledCluster, IsNotProvenWithABitFlippedInALargeOutput) {
  const std::string state = CopyOfState();
  const std::string file = state + "/sink/ledger.db";
  ExpectBothSee(state, FlipABit(file, 10'000));
}

TEST_F(KilledCluster, IsNotProvenWithARowLost) {
  const std::string state = CopyOfState();
  ASSERT_TRUE((*Database::Open(state + "/sink/ledger.db", true))
                  .Run("DELETE FROM rows WHERE sequence ="
                       " (SELECT max(sequence) FROM rows WHERE batch = 3 AND is_frame = 1)")
                  .ok());
  for (const Finished& told :
       {Verify(*cluster_, state, {"3"}), SecondOpinion(*cluster_, state, {"3"})}) {
    if (told.exit_code == kSkipped) GTEST_SKIP() << told.err;
    EXPECT_EQ(told.exit_code, 1) << told.err;
    EXPECT_THAT(told.out, HasSubstr("batch 3, task "));
    EXPECT_THAT(told.out, HasSubstr("CLOSED"));
  }
}

TEST_F(KilledCluster, KnowsNoOtherBatch) {
  const Finished told = Verify(*cluster_, State(), {"7"});
  EXPECT_EQ(told.exit_code, 2);
  EXPECT_THAT(told.err, HasSubstr("there is no batch 7 in"));
  const Finished second = SecondOpinion(*cluster_, State(), {"7"});
  EXPECT_THAT(second.exit_code, AnyOf(2, kSkipped));
}

// R68, R95
TEST(VerifyBesideTheCluster, SaysWhatWasForgotten) {
  LocalCluster cluster;
  cluster.StartController();
  cluster.StartVentilator();
  cluster.StartSink({"--disk", "16M"});
  cluster.StartWorker();
  ASSERT_TRUE(cluster.AwaitReadyWorkers(1));
  const std::string state = cluster.folder() + "/state";
  const auto fill = [&cluster] {
    const std::string batch =
        Submit(cluster, {"--array", "1-200", "--shell", "--", ": {}; head -c 60000 /dev/zero"});
    EXPECT_EQ(cluster.Fanmill({"wait", batch}).exit_code, 0);
  };
  fill();
  fill();  // 24 MB where 16 are kept
  const Finished told = Verify(cluster, state, {});
  EXPECT_EQ(told.exit_code, 0) << told.out << told.err;
  EXPECT_THAT(told.out,
              HasSubstr("batch 1: ended, and can no longer be proven: its results were dropped to "
                        "make room; the book has 200 ok, 0 failed, 0 cancelled"));
  EXPECT_THAT(told.out, HasSubstr("batch 2: proven: 200 tasks"));
  ASSERT_TRUE(WaitUntil([&] {
    return Verify(cluster, state, {"2"}).out.find("no longer in the manifest") != std::string::npos;
  }));
  const Finished second = SecondOpinion(cluster, state, {"all"});
  EXPECT_THAT(second.exit_code, AnyOf(0, kSkipped)) << second.out << second.err;
  EXPECT_THAT(second.out, Not(HasSubstr("WRONG")));
}

// While results come in as fast as they can.
TEST(VerifyBesideTheCluster, FindsAnInstantWhileTheFilesAreWritten) {
  LocalCluster cluster;
  cluster.StartAll();
  const std::string batch = Submit(cluster, {"--handler", "noop", "--array", "1-2000000"});
  int live = 0;
  while (cluster.Fanmill({"wait", batch, "--timeout", "1ms"}).exit_code == 4) {
    const Finished told = Verify(cluster, cluster.folder() + "/state", {});
    ASSERT_EQ(told.exit_code, 0) << told.out << told.err;
    ++live;
  }
  std::printf("verified %d times before the end\n", live);
  const Finished told = Verify(cluster, cluster.folder() + "/state", {});
  EXPECT_EQ(told.exit_code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("batch 1: proven: 2000000 tasks, each with one end (2000000 ok"));
}

}  // namespace
}  // namespace fanmill
