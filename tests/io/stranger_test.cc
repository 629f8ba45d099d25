// What strangers may try on the open ports: no crash, no blocking, no harm to others.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/io/clock.h"
#include "lib/io/dealer.h"
#include "lib/io/file.h"
#include "lib/io/process.h"
#include "tests/io/script_node.h"

namespace fanmill {
namespace {

constexpr Channel kBound[] = {Channel::kControl, Channel::kSignal, Channel::kResults,
                              Channel::kAcks,    Channel::kLease,  Channel::kIntake,
                              Channel::kFacts};

// One process that listens on every channel and answers commands. It ends when request 1000 and
// `bad_frames` bad ones have come.
class Everything {
 public:
  explicit Everything(size_t bad_frames) : sockets_(*Sockets::Open({})), loop_(*sockets_) {
    for (const Channel channel : kBound) {
      addresses_[channel] = *loop_.Bind(channel, AnyPort());
    }
    AnswerCommands(node_, 1000, answered_);
    node_.done = [this, bad_frames] {
      return answered_ && node_.Heard<BadFrame>().size() >= bad_frames;
    };
  }
  const Address& at(Channel channel) const { return addresses_.at(channel); }
  Sockets& sockets() { return *sockets_; }
  // Runs it while `other` does on another thread what others do.
  ScriptNode& RunAgainst(std::function<void()> other) {
    std::thread thread(std::move(other));
    loop_.Run(node_);
    ended_.set_value();
    thread.join();
    EXPECT_FALSE(node_.gave_up);
    return node_;
  }
  // Returns once the process has ended: what strangers sent may come later than the last request.
  void AskAndEnd() {
    const auto dealer =
        *ConnectDealer(Channel::kControl, at(Channel::kControl).Endpoint(), nullptr, false);
    for (const uint64_t request : {1, 2, 1000}) {
      EXPECT_TRUE(dealer->Send(CommandOf(request)));
      const std::optional<pb::Envelope> answer = dealer->Receive(kPatience);
      ASSERT_TRUE(answer.has_value());
      EXPECT_EQ(answer->command_reply().request(), request);
    }
    ended_.get_future().wait();
  }

 private:
  std::unique_ptr<Sockets> sockets_;
  Loop loop_;
  std::map<Channel, Address> addresses_;
  ScriptNode node_;
  bool answered_ = false;
  std::promise<void> ended_;
};

FileDescriptor ConnectTcp(const Address& to) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

void SendBytes(const FileDescriptor& fd, const std::string& bytes) {
  static_cast<void>(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

TEST(Strangers, MayWriteAnythingToAnyPort) {
  Everything everything(0);
  std::string noise(4096, '\0');
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 2654435761u >> 13);
  const std::string greeting =
      std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16) + std::string(48, '\0');
  const std::vector<std::string> lines = {
      "GET / HTTP/1.1\r\n\r\n",
      noise,
      greeting.substr(0, 11),
      greeting + noise,
      greeting + std::string("\x06\xff\xff\xff\xff\xff\xff\xff\xff", 9),
      ""};
  everything.RunAgainst([&] {
    std::vector<FileDescriptor> open;
    for (const Channel channel : kBound) {
      for (const std::string& line : lines) {
        open.push_back(ConnectTcp(everything.at(channel)));
        SendBytes(open.back(), line);
      }
    }
    everything.AskAndEnd();
  });
}

// R1
TEST(Strangers, AreCountedWhenTheirFramesAreNone) {
  const std::vector<Channel> receiving = {Channel::kControl, Channel::kResults, Channel::kAcks,
                                          Channel::kLease,   Channel::kIntake,  Channel::kFacts};
  Everything everything(2 * receiving.size());
  const ScriptNode& node = everything.RunAgainst([&] {
    std::vector<Line> lines;
    for (const Channel channel : receiving) {
      lines.emplace_back(channel, false,
                         *everything.sockets().Connect(channel, everything.at(channel)));
      EXPECT_EQ(lines.back().Send(0, Frame::Own("garbage")), Sent::kTaken);
      EXPECT_EQ(lines.back().Send(0, Frame::Own("")), Sent::kTaken);
    }
    everything.AskAndEnd();
  });
  EXPECT_EQ(node.Heard<BadFrame>().size(), 2 * receiving.size());
}

// R1
TEST(Strangers, CannotSendFramesAboveTheLimit) {
  Everything everything(1);
  const ScriptNode& node = everything.RunAgainst([&] {
    // Around the check of our own side: plain sockets.
    zmq::context_t context;
    zmq::socket_t slightly(context, zmq::socket_type::push);
    zmq::socket_t by_far(context, zmq::socket_type::push);
    for (zmq::socket_t* each : {&slightly, &by_far}) {
      each->set(zmq::sockopt::linger, 0);
      each->connect(everything.at(Channel::kAcks).Endpoint());
    }
    by_far.send(zmq::buffer(std::string(64 << 20, 'x')), zmq::send_flags::none);
    slightly.send(zmq::buffer(std::string(kAckFrameBytesMax + 1, 'x')), zmq::send_flags::none);
    everything.AskAndEnd();
  });
  ASSERT_EQ(node.Heard<BadFrame>().size(), 1u);
}

// R1
TEST(Strangers, CannotSendMoreThanOneFrame) {
  Everything everything(2);
  const ScriptNode& node = everything.RunAgainst([&] {
    zmq::context_t context;
    zmq::socket_t dealer(context, zmq::socket_type::dealer);
    zmq::socket_t push(context, zmq::socket_type::push);
    dealer.connect(everything.at(Channel::kControl).Endpoint());
    push.connect(everything.at(Channel::kResults).Endpoint());
    const Frame frame = FrameOf(CommandOf(7));
    for (zmq::socket_t* each : {&dealer, &push}) {
      each->set(zmq::sockopt::linger, 0);
      each->send(zmq::buffer(frame.bytes), zmq::send_flags::sndmore);
      each->send(zmq::buffer(frame.bytes), zmq::send_flags::none);
    }
    everything.AskAndEnd();
  });
  ASSERT_EQ(node.Heard<BadFrame>().size(), 2u);
  for (const BadFrame& bad : node.Heard<BadFrame>()) {
    EXPECT_EQ(bad.reason, "it has more than one frame");
  }
}

TEST(Strangers, CannotChooseTheirOwnAddress) {
  Everything everything(1);
  const ScriptNode& node = everything.RunAgainst([&] {
    zmq::context_t context;
    zmq::socket_t dealer(context, zmq::socket_type::dealer);
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::routing_id, "me");
    dealer.connect(everything.at(Channel::kControl).Endpoint());
    const Frame frame = FrameOf(CommandOf(7));
    dealer.send(zmq::buffer(frame.bytes), zmq::send_flags::none);
    everything.AskAndEnd();
  });
  ASSERT_EQ(node.Heard<BadFrame>().size(), 1u);
  EXPECT_EQ(node.Heard<BadFrame>()[0].reason, "its sender gave itself an address");
}

// A PUSH shares its messages out among all who come in: one stranger would cost every other chunk.
TEST(Strangers, GetNothingOutOfALaneWithoutItsToken) {
  constexpr int kChunks = 100;
  const auto sockets = *Sockets::Open({});
  absl::StatusOr<Sockets::Bound> bound = sockets->Bind(Channel::kLane, AnyPort(), 0xabc);
  ASSERT_TRUE(bound.ok());
  Line lane(Channel::kLane, true, std::move(bound->socket));
  zmq::context_t context;
  zmq::socket_t nameless(context, zmq::socket_type::pull);
  nameless.connect(bound->address.Endpoint());
  const FileDescriptor noise = ConnectTcp(bound->address);
  SendBytes(noise, std::string(4096, 'x'));  // ZMTP 1.0, to a libzmq that knows no better
  Line wrong(Channel::kLane, false, *sockets->Connect(Channel::kLane, bound->address, {}, 0xabd));
  const Instant deadline = Now() + kPatience;
  while (sockets->refused() == 0 && Now() < deadline) WaitFor(Millis(1));
  EXPECT_EQ(sockets->refused(), 1u);

  Line worker(Channel::kLane, false, *sockets->Connect(Channel::kLane, bound->address, {}, 0xabc));
  int sent = 0;
  int received = 0;
  while (received < kChunks && Now() < deadline) {
    if (sent < kChunks && lane.Send(0, Frame::Own("x")) == Sent::kTaken) ++sent;
    if (worker.Receive().has_value()) ++received;
  }
  EXPECT_EQ(received, kChunks);
  zmq::message_t stolen;
  EXPECT_FALSE(nameless.recv(stolen, zmq::recv_flags::dontwait).has_value());
  EXPECT_FALSE(wrong.Receive().has_value());
}

TEST(Strangers, MaySpeakPlainReqOnControl) {
  Everything everything(0);
  everything.RunAgainst([&] {
    zmq::context_t context;
    zmq::socket_t req(context, zmq::socket_type::req);
    req.set(zmq::sockopt::linger, 0);
    req.set(zmq::sockopt::rcvtimeo, static_cast<int>(kPatience.count() / 1000));
    req.connect(everything.at(Channel::kControl).Endpoint());
    for (uint64_t request = 41; request <= 42; ++request) {
      const Frame frame = FrameOf(CommandOf(request));
      req.send(zmq::buffer(frame.bytes), zmq::send_flags::none);
      zmq::message_t answer;
      ASSERT_TRUE(req.recv(answer).has_value());
      pb::Envelope envelope;
      ASSERT_TRUE(envelope.ParseFromArray(answer.data(), static_cast<int>(answer.size())));
      EXPECT_EQ(envelope.command_reply().request(), request);
    }
    everything.AskAndEnd();
  });
}

}  // namespace
}  // namespace fanmill
