// Garbage on every open port of a cluster that works: no crash, no blocking, no result lost or
// doubled, no work done again.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "absl/strings/str_cat.h"
#include "lib/core/random.h"
#include "lib/io/file.h"
#include "lib/io/keys.h"
#include "tests/cluster/local_cluster.h"
#include "tests/cluster/open_ports.h"

namespace fanmill {
namespace {

constexpr int kTasks = 300;
constexpr size_t kNoiseBytes = 64 << 10;
constexpr int kFramesEach = 20;

// Of ZMTP 3.1 without security, to which a peer answers with its own.
std::string Greeting() {
  std::string greeting("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL", 16);
  greeting.resize(64, '\0');
  return greeting;
}

std::string Noise(Random& random, size_t bytes) {
  std::string noise(bytes, '\0');
  for (char& byte : noise) byte = static_cast<char>(random.Next());
  return noise;
}

FileDescriptor ConnectTcp(uint16_t port) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << port;
  return fd;
}

// What does not fit is left away: nobody need read it.
void SendBytes(const FileDescriptor& fd, const std::string& bytes) {
  static_cast<void>(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

// One who knows no ZMTP, or not enough of it, on one port.
void WriteNoise(Random& random, uint16_t port, std::vector<FileDescriptor>& open) {
  const std::string large("\x02\x7f\xff\xff\xff\xff\xff\xff\xff", 9);  // a frame of 2^63 bytes
  for (const std::string& bytes :
       {Noise(random, kNoiseBytes), std::string("GET / HTTP/1.1\r\n\r\n"),
        Greeting() + Noise(random, kNoiseBytes), Greeting() + large, std::string()}) {
    open.push_back(ConnectTcp(port));
    SendBytes(open.back(), bytes);
  }
  SendBytes(ConnectTcp(port), Greeting().substr(0, 32));  // half of it, and closed
  SendBytes(ConnectTcp(port), Greeting());
}

// Who speaks ZMTP well and nothing else: every type of socket, right and wrong ones alike, with
// frames of noise.
class Strangers {
 public:
  void Visit(Random& random, uint16_t port) {
    using enum zmq::socket_type;
    for (const zmq::socket_type type :
         {push, pull, dealer, router, req, rep, pub, sub, pair, xpub, xsub}) {
      zmq::socket_t& socket = sockets_.emplace_back(context_, type);
      socket.set(zmq::sockopt::linger, 0);
      if (type == sub) socket.set(zmq::sockopt::subscribe, "");
      socket.connect(absl::StrCat("tcp://127.0.0.1:", port));
      if (type == pull || type == sub || type == router || type == rep) continue;  // cannot begin
      for (int i = 0; i < kFramesEach; ++i) {
        const std::string frame = Noise(random, 1 + random.Uniform(2000));
        if (type == req && i > 0) break;  // one question at a time
        try {
          socket.send(zmq::buffer(frame), zmq::send_flags::dontwait);
        } catch (const zmq::error_t&) {
          break;  // an XSUB takes subscriptions alone
        }
      }
    }
  }

 private:
  zmq::context_t context_;
  std::vector<zmq::socket_t> sockets_;
};

void ThrowGarbageAt(LocalCluster& cluster) {
  const std::map<uint16_t, pid_t> ports = OpenPorts(cluster.Processes());
  // Control and signal; acks, lease, intake and two lanes; results and facts.
  ASSERT_EQ(ports.size(), 9u);

  std::string values;
  for (int i = 1; i <= kTasks; ++i) absl::StrAppend(&values, i, "\n");
  RunningCommand batch =
      cluster.StartFanmill({"submit", "--wait", "--shell", "--", "sleep 0.01; echo {}"}, values);
  ASSERT_TRUE(WaitUntil([&] { return !batch.Out().empty(); })) << batch.Err();

  Random random(5);
  Strangers strangers;
  std::vector<FileDescriptor> open;
  bool ended = false;
  do {  // as long as the batch runs, and once at least
    for (const auto& [port, pid] : ports) WriteNoise(random, port, open);
    for (const auto& [port, pid] : ports) {
      if (open.size() <= 5 * ports.size()) strangers.Visit(random, port);
    }
    ended = !batch.process().Running();
  } while (!ended && open.size() < 400);

  const Finished done = batch.Wait();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  std::map<std::string, int> seen;
  std::istringstream lines(done.out);
  for (std::string line; std::getline(lines, line);) ++seen[line];
  EXPECT_EQ(seen.size(), size_t{kTasks});
  for (const auto& [line, count] : seen) EXPECT_EQ(count, 1) << line;

  // Everybody still lives where it was, and nobody was taken for lost.
  EXPECT_TRUE(cluster.controller().Running());
  EXPECT_TRUE(cluster.ventilator().Running());
  EXPECT_TRUE(cluster.sink().Running());
  EXPECT_TRUE(cluster.AwaitReadyWorkers(2));
  const Finished json = cluster.Fanmill({"results", "1", "--json"});
  int first_attempts = 0;
  for (size_t at = 0; (at = json.out.find("\"attempt\":1,", at)) != std::string::npos; ++at) {
    ++first_attempts;
  }
  EXPECT_EQ(first_attempts, kTasks);  // nothing was handed out again
  EXPECT_EQ(cluster.Fanmill({"submit", "--wait", "--", "echo"}, "after\n").out, "after\n");
}

TEST(Garbage, OnEveryOpenPortHurtsNoTask) {
  LocalCluster cluster({.workers = 2, .slots = 2});
  cluster.StartAll();
  ThrowGarbageAt(cluster);
}

TEST(Garbage, OnEveryOpenPortHurtsNoTaskWhereThereIsAKey) {
  const std::string key = ::testing::TempDir() + "garbage-test-key-" + std::to_string(getpid());
  ASSERT_TRUE(MakeKeyFile(key).ok());
  {
    LocalCluster cluster({.workers = 2, .slots = 2, .flags = {"--key", key}});
    cluster.StartAll();
    ThrowGarbageAt(cluster);
  }
  std::filesystem::remove(key);
}

}  // namespace
}  // namespace fanmill
