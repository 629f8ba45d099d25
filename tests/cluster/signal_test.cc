// The kill reaches those who never hear a PUB.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/core/check.h"
#include "lib/io/file.h"
#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

// A port whose connections come to nothing: the kernel accepts them, and nobody ever says a word.
class BlackHole {
 public:
  BlackHole(const char* host, uint16_t port)
      : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, host, &address.sin_addr);
    FANMILL_CHECK(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    FANMILL_CHECK(listen(socket_.get(), 64) == 0);
  }
  bool SomebodyCame() const {
    pollfd waiting{socket_.get(), POLLIN, 0};
    return poll(&waiting, 1, 0) == 1;
  }

 private:
  FileDescriptor socket_;
};

// Everybody is told that the PUB is where the black hole is; the controller itself is reached at
// its own address.
class WithoutSignal : public ::testing::Test {
 protected:
  WithoutSignal()
      : hole_("127.0.0.2",
              static_cast<uint16_t>(
                  std::stoi(cluster_.address().substr(cluster_.address().find(':') + 1)) + 1)) {}
  void SetUp() override {
    cluster_.StartController({"--advertise", "127.0.0.2"});
    cluster_.StartVentilator();
    cluster_.StartSink();
    cluster_.StartWorker();
    ASSERT_TRUE(cluster_.AwaitReadyWorkers(1));
    ASSERT_TRUE(hole_.SomebodyCame()) << "they listen to the true PUB";
    idle_ = cluster_.Processes().size();  // before a task runs: one in mid-exec shows no mark
    const std::string begun = cluster_.folder() + "/begun";
    batch_ = Submit(
        cluster_, {"--array", "1-9", "--shell", "--", "echo {} >> " + begun + "; exec sleep 997"});
    ASSERT_TRUE(WaitUntil([&] { return LinesOf(begun) == 2; }));
  }

  LocalCluster cluster_;
  BlackHole hole_;
  std::string batch_;
  size_t idle_ = 0;
};

// R18
TEST_F(WithoutSignal, AWorkerThatHearsNoneWarnsAndWorksAllTheSame) {
  const std::string warning = "Nothing was heard on the signal channel, tcp://127.0.0.2:";
  const auto log = [&] { return cluster_.worker(0).LastLines(1000); };
  ASSERT_TRUE(WaitUntil([&] { return log().find(warning) != std::string::npos; })) << log();
  EXPECT_EQ(LinesOf(cluster_.folder() + "/begun"), 2) << "its tasks ran all the time";
  EXPECT_EQ(cluster_.Fanmill({"cancel", batch_}).exit_code, 0);
  ExpectWork(cluster_);
  EXPECT_EQ(log().find(warning), log().rfind(warning)) << log();
}

// R18: it asks for one of its own, unless it heard one that was meant for all before.
TEST(Signal, IsHeardByEveryWorkerSoonAfterItJoined) {
  LocalCluster cluster({.flags = {"--trace-messages"}});
  cluster.StartAll();
  EXPECT_TRUE(WaitUntil([&] {
    return cluster.worker(0).LastLines(1000).find("<- Signal text=") != std::string::npos;
  })) << cluster.worker(0).LastLines(50);
}

// R13, R92
TEST_F(WithoutSignal, ACancelStopsWhatRuns) {
  const Finished cancel = cluster_.Fanmill({"cancel", batch_});
  EXPECT_EQ(cancel.exit_code, 0) << cancel.err;
  EXPECT_TRUE(WaitUntil([&] { return cluster_.Processes().size() == idle_; }));
  ExpectWork(cluster_);
}

// R13, R101
TEST_F(WithoutSignal, AShutdownNowLeavesNoProcess) {
  const Finished shutdown = cluster_.Fanmill({"shutdown", "--now"});
  EXPECT_EQ(shutdown.exit_code, 0) << shutdown.err;
  EXPECT_TRUE(WaitUntil([&] { return cluster_.Processes().empty(); }));
}

}  // namespace
}  // namespace fanmill
