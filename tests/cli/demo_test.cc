// fanmill demo, the main job of ./run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "lib/client/cluster.h"
#include "tests/cluster/local_cluster.h"
#include "tests/process/marked.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A folder for all that a demo makes, and a mark on every process of it.
class Demo : public ::testing::Test {
 protected:
  Demo() {
    std::string made = ::testing::TempDir() + "fanmill-demo-test-XXXXXX";
    EXPECT_NE(mkdtemp(made.data()), nullptr);
    folder_ = made;
    std::filesystem::create_directory(folder_ + "/tmp");
    setenv("TMPDIR", (folder_ + "/tmp").c_str(), 1);
    const size_t equals = mark_.entry().find('=');
    setenv(mark_.entry().substr(0, equals).c_str(), mark_.entry().c_str() + equals + 1, 1);
  }
  ~Demo() override {
    unsetenv("TMPDIR");
    std::filesystem::remove_all(folder_);
  }

  RunningCommand Start(const std::string& fanmill = Executable("fanmill")) {
    return StartCommand({fanmill, "demo"}, folder_ + "/demo", "");
  }
  void ExpectNothingLeft() {
    EXPECT_TRUE(WaitUntil([this] { return mark_.Bearers().empty(); }));
    EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/tmp"));
  }

  // As the demo's own controller tells it.
  bool TasksRun() {
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/tmp")) {
      client::Options options;
      std::ifstream address(entry.path() / "address");
      if (!std::getline(address, options.controller)) continue;
      auto cluster = client::Cluster::Connect(options);
      if (!cluster.ok()) continue;
      const auto status = (*cluster)->Status();
      if (!status.ok()) continue;
      for (const client::MemberStatus& member : status->members) {
        if (member.running > 0) return true;
      }
    }
    return false;
  }

  Mark mark_;
  std::string folder_;
};

TEST_F(Demo, RunsTheGuidesBatchPrintsItsReportAndLeavesNothing) {
  const Finished demo = Start().Wait();
  EXPECT_EQ(demo.exit_code, 0) << demo.err;
  EXPECT_THAT(demo.out, StartsWith("Total expected cost: "));
  EXPECT_THAT(demo.out, HasSubstr("\nTotal elapsed time: "));
  EXPECT_THAT(demo.err, AllOf(HasSubstr("worker 1 (demo-"), HasSubstr("worker 2 (demo-"),
                              HasSubstr("no process is left, and no file")));
  ExpectNothingLeft();
}

TEST_F(Demo, LeavesNothingWhenItIsInterrupted) {
  RunningCommand demo = Start();
  ASSERT_TRUE(WaitUntil([&] { return demo.Err().find("it is ready") != std::string::npos; }))
      << demo.Err();
  demo.process().Signal(SIGINT);
  const Finished interrupted = demo.Wait();
  EXPECT_EQ(interrupted.exit_code, 128 + SIGINT);
  EXPECT_THAT(interrupted.out, IsEmpty());
  ExpectNothingLeft();
}

// Then its workers hold results, and must get to hand them over or leave without.
TEST_F(Demo, LeavesNothingWhenItIsInterruptedWhileTasksRun) {
  RunningCommand demo = Start();
  ASSERT_TRUE(WaitUntil([this] { return TasksRun(); })) << demo.Err();
  demo.process().Signal(SIGTERM);
  const Finished interrupted = demo.Wait();
  EXPECT_EQ(interrupted.exit_code, 128 + SIGTERM);
  ExpectNothingLeft();
}

TEST_F(Demo, SaysWhoCouldNotStartAndLeavesNothing) {
  const std::string bin = folder_ + "/bin";
  std::filesystem::create_directory(bin);
  for (const char* name : {"fanmill", "fanmill-controller", "fanmill-ventilator"}) {
    std::filesystem::copy_file(Executable(name), bin + "/" + name);
  }
  const Finished without_sink = Start(bin + "/fanmill").Wait();
  EXPECT_EQ(without_sink.exit_code, 5);
  EXPECT_THAT(without_sink.err,
              HasSubstr("cannot start " + bin + "/fanmill-sink: no such file or directory"));
  std::filesystem::copy_file("/bin/false", bin + "/fanmill-sink");
  std::filesystem::copy_file("/bin/false", bin + "/fanmill-worker");
  const Finished bad_sink = Start(bin + "/fanmill").Wait();
  EXPECT_EQ(bad_sink.exit_code, 5);
  EXPECT_THAT(bad_sink.err, HasSubstr("ended with exit code 1. The last it said:"));
  ExpectNothingLeft();
}

TEST_F(Demo, LeavesNoProcessWhenItIsKilled) {
  RunningCommand demo = Start();
  ASSERT_TRUE(WaitUntil([&] { return demo.Err().find("it is ready") != std::string::npos; }))
      << demo.Err();
  demo.process().Signal(SIGKILL);
  demo.Wait();
  EXPECT_TRUE(WaitUntil([this] { return mark_.Bearers().empty(); }));
}

}  // namespace
}  // namespace fanmill
