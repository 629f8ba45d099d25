#include "lib/io/lanes.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "lib/io/file.h"
#include "tests/io/script_node.h"
#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

constexpr Instant kStart = Instant(Seconds(1000));

LaneOptions AnyPorts() {
  LaneOptions options;
  options.listen = AnyPort();
  options.first_port = 0;
  options.files_max = 1024;
  return options;
}

TEST(PortPool, GivesAPortAgainOnlyAfterItsRest) {
  PortPool pool(21100, 21101);
  EXPECT_EQ(pool.Take(kStart), 21100);
  EXPECT_EQ(pool.Take(kStart), 21101);
  EXPECT_EQ(pool.Take(kStart), std::nullopt);
  pool.GiveBack(21101, kStart);
  pool.GiveBack(21100, kStart + Seconds(1));
  EXPECT_EQ(pool.Take(kStart + kPortRest - Micros(1)), std::nullopt);
  EXPECT_EQ(pool.Take(kStart + kPortRest), 21101);
  EXPECT_EQ(pool.Take(kStart + kPortRest), std::nullopt);
  EXPECT_EQ(pool.Take(kStart + kPortRest + Seconds(1)), 21100);
}

TEST(PortPool, TakesFreshPortsBeforeRestedOnes) {
  PortPool pool(21100, 21101);
  EXPECT_EQ(pool.Take(kStart), 21100);
  pool.GiveBack(21100, kStart);
  EXPECT_EQ(pool.Take(kStart + kPortRest), 21101);
  EXPECT_EQ(pool.Take(kStart + kPortRest), 21100);
}

TEST(PortPool, ReachesTheLastPortThereIs) {
  PortPool pool(65535, 65535);
  EXPECT_EQ(pool.Take(kStart), 65535);
  EXPECT_EQ(pool.Take(kStart), std::nullopt);
}

TEST(PortPool, RestsLongerThanAWorkerKeepsTryingAnAddress) {
  EXPECT_GT(kPortRest, Millis(kReconnectMsMax));
}

TEST(LaneCapacity, IsTheLeastOfFilesSocketsAndPorts) {
  EXPECT_EQ(LaneCapacity(1'000'000, 8192, 900), 900u);
  EXPECT_EQ(LaneCapacity(1024, 8192, 900), (1024u - 128) / 4);
  EXPECT_EQ(LaneCapacity(1'000'000, 1023, 0), 1023u - 32);
  EXPECT_EQ(LaneCapacity(100, 8192, 900), 0u);
  EXPECT_EQ(LaneCapacity(UINT64_MAX, 8192, 0), 8192u - 32);
}

TEST(Lanes, RefusesOneMoreThanFitsAndSaysWhy) {
  const auto sockets = *Sockets::Open({});
  LaneOptions options = AnyPorts();
  options.files_max = 128 + 2 * 4;
  Lanes lanes(*sockets, options);
  EXPECT_EQ(lanes.capacity(), 2u);
  EXPECT_TRUE(lanes.Open(1, kStart).ok());
  EXPECT_TRUE(lanes.Open(2, kStart).ok());
  const absl::StatusOr<std::string> third = lanes.Open(3, kStart);
  EXPECT_EQ(std::string(third.status().message()),
            "no room for another worker: 2 are connected, as many as the limit of open files (136) "
            "and the lane ports allow; raise ulimit -n or widen --lane-ports at the ventilator");
  lanes.Close(1, kStart);
  EXPECT_TRUE(lanes.Open(3, kStart).ok());
}

TEST(Lanes, TellsTheHostThatIsAdvertised) {
  const auto sockets = *Sockets::Open({});
  LaneOptions options = AnyPorts();
  options.advertise_host = "192.0.2.7";
  Lanes lanes(*sockets, options);
  EXPECT_TRUE(lanes.Open(1, kStart)->starts_with("tcp://192.0.2.7:"));
}

// A port that is free again when this returns, which libzmq's closing does not promise.
uint16_t FreePort() {
  const FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

TEST(Lanes, SkipsAPortThatIsInUseAndLetsAFreedOneRest) {
  const auto sockets = *Sockets::Open({});
  LaneOptions options = AnyPorts();
  const absl::StatusOr<Sockets::Bound> taken = sockets->Bind(Channel::kLane, AnyPort());
  ASSERT_TRUE(taken.ok());
  options.first_port = options.last_port = taken->address.port;
  Lanes none(*sockets, options);
  const std::string why = std::string(none.Open(1, kStart).status().message());
  EXPECT_NE(why.find("no free port for another worker in " + std::to_string(options.first_port)),
            std::string::npos)
      << why;
  EXPECT_NE(why.find("address already in use"), std::string::npos) << why;

  options.first_port = options.last_port = FreePort();
  Lanes one(*sockets, options);
  ASSERT_TRUE(one.Open(1, kStart).ok());
  one.Close(1, kStart);
  EXPECT_EQ(one.Find(1), nullptr);
  EXPECT_FALSE(one.Open(2, kStart + kPortRest - Micros(1)).ok());
}

TEST(Lanes, GivesEachLaneAPathOfItsOwnUnderIpc) {
  const TempDir dir;
  const auto sockets = *Sockets::Open({});
  LaneOptions options = AnyPorts();
  options.listen = *ParseAddress("ipc://" + dir / "vent", 0);
  Lanes lanes(*sockets, options);
  EXPECT_EQ(*lanes.Open(0xab, kStart), "ipc://" + dir / "vent.lane-ab");
  EXPECT_EQ(*lanes.Open(0xac, kStart), "ipc://" + dir / "vent.lane-ac");
}

}  // namespace
}  // namespace fanmill
