#include "lib/io/sockets.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#include "lib/io/clock.h"
#include "lib/io/dealer.h"
#include "lib/io/process.h"
#include "tests/io/script_node.h"
#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// A control socket with the key that answers commands until number `last` came.
class Controller {
 public:
  Controller(KeyPair key, uint64_t last)
      : sockets_(*Sockets::Open({.key = std::move(key)})), last_(last) {
    std::promise<std::string> listens;
    thread_ = std::thread([this, &listens] {
      Loop loop(*sockets_);
      listens.set_value(loop.Bind(Channel::kControl, AnyPort())->Endpoint());
      bool answered = false;
      AnswerCommands(node_, last_, answered);
      node_.done = [&answered] { return answered; };
      loop.Run(node_);
    });
    endpoint_ = listens.get_future().get();
  }
  ~Controller() { Join(); }

  const std::string& endpoint() const { return endpoint_; }
  uint64_t refused() const { return sockets_->refused(); }
  const ScriptNode& Join() {
    if (thread_.joinable()) thread_.join();
    return node_;
  }

 private:
  std::unique_ptr<Sockets> sockets_;
  uint64_t last_;
  ScriptNode node_;
  std::string endpoint_;
  std::thread thread_;
};

// Knows the cluster's public key and has a pair of its own: the doorkeeper's case.
zmq::socket_t ConnectStranger(zmq::context_t& context, const std::string& endpoint,
                              const KeyPair& cluster) {
  const KeyPair own = RandomKeyPair();
  zmq::socket_t stranger(context, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.set(zmq::sockopt::curve_serverkey, cluster.public_key);
  stranger.set(zmq::sockopt::curve_publickey, own.public_key);
  stranger.set(zmq::sockopt::curve_secretkey, own.secret_key);
  stranger.connect(endpoint);
  return stranger;
}

TEST(Sockets, AdmitTheClustersKeyAndNoOther) {
  const KeyPair key = RandomKeyPair();
  Controller controller(key, 2);
  EXPECT_EQ(controller.refused(), 1u);  // the test at start

  zmq::context_t context;
  zmq::socket_t stranger = ConnectStranger(context, controller.endpoint(), key);
  const Frame unwelcome = FrameOf(CommandOf(1));
  stranger.send(zmq::buffer(unwelcome.bytes), zmq::send_flags::dontwait);
  const Instant deadline = Now() + kPatience;
  while (controller.refused() < 2 && Now() < deadline) std::this_thread::yield();
  EXPECT_GE(controller.refused(), 2u);

  const auto member = *ConnectDealer(Channel::kControl, controller.endpoint(), &key, false);
  ASSERT_TRUE(member->Send(CommandOf(2)));
  const std::optional<pb::Envelope> answer = member->Receive(kPatience);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->command_reply().request(), 2u);
  EXPECT_EQ(controller.Join().heard.size(), 1u);
}

TEST(Sockets, LogWhoKnowsTheClustersKeyAndHasAnother) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "log", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  {
    const KeyPair key = RandomKeyPair();
    const auto sockets = *Sockets::Open({.key = key});
    const auto bound = *sockets->Bind(Channel::kControl, AnyPort());
    zmq::context_t context;
    const zmq::socket_t stranger = ConnectStranger(context, bound.address.Endpoint(), key);
    const Instant deadline = Now() + kPatience;
    while (sockets->refused() < 2 && Now() < deadline) std::this_thread::yield();
  }  // nobody logs any more
  spdlog::set_default_logger(before);
  const std::string once = "event=refused peer=\"127.0.0.1\" count=1 ";
  EXPECT_NE(log.str().find(once), std::string::npos) << log.str();
  EXPECT_EQ(log.str().find("event=refused"), log.str().find(once)) << "not the test at start";
}

TEST(Sockets, AreClosedToWhoeverHasAnotherKeyOrNone) {
  const KeyPair key = RandomKeyPair();
  const KeyPair other = RandomKeyPair();
  Controller controller(key, 3);
  const auto wrong = *ConnectDealer(Channel::kControl, controller.endpoint(), &other, false);
  const auto none = *ConnectDealer(Channel::kControl, controller.endpoint(), nullptr, false);
  wrong->Send(CommandOf(1));
  none->Send(CommandOf(2));
  const auto member = *ConnectDealer(Channel::kControl, controller.endpoint(), &key, false);
  ASSERT_TRUE(member->Send(CommandOf(3)));
  ASSERT_TRUE(member->Receive(kPatience).has_value());
  EXPECT_FALSE(wrong->Receive(Duration(0)).has_value());
  EXPECT_FALSE(none->Receive(Duration(0)).has_value());
  EXPECT_EQ(controller.Join().heard.size(), 1u);
}

TEST(Sockets, StayOnThisMachineWithoutAKey) {
  const auto sockets = *Sockets::Open({});
  Address elsewhere;
  elsewhere.host = "0.0.0.0";
  const std::string refused =
      "refusing to use tcp://0.0.0.0:0 without a key: whoever reaches it could run code on the "
      "whole cluster; make one with fanmill keygen FILE and give --key FILE to every process, or "
      "say --insecure-network";
  EXPECT_EQ(Message(sockets->Bind(Channel::kControl, elsewhere).status()), refused);
  EXPECT_EQ(Message(sockets->Connect(Channel::kControl, elsewhere).status()), refused);
  EXPECT_TRUE(sockets->Bind(Channel::kControl, AnyPort()).ok());

  const auto insecure = *Sockets::Open({.insecure_network = true});
  EXPECT_TRUE(insecure->Bind(Channel::kControl, elsewhere).ok());
  const auto keyed = *Sockets::Open({.key = RandomKeyPair()});
  EXPECT_TRUE(keyed->Bind(Channel::kControl, elsewhere).ok());
}

TEST(Sockets, SayThatAPortIsInUseAndWhatToDo) {
  const auto sockets = *Sockets::Open({});
  const absl::StatusOr<Sockets::Bound> first = sockets->Bind(Channel::kResults, AnyPort());
  ASSERT_TRUE(first.ok());
  EXPECT_NE(first->address.port, 0);
  EXPECT_EQ(Message(sockets->Bind(Channel::kFacts, first->address).status()),
            "could not listen on " + first->address.Endpoint() +
                ": address already in use; another Fanmill runs there? choose another with "
                "--listen");
}

TEST(Sockets, SayThatAnAddressIsNotOfThisMachine) {
  const auto sockets = *Sockets::Open({.insecure_network = true});
  Address elsewhere;
  elsewhere.host = "192.0.2.1";  // for documentation, nobody's
  elsewhere.port = 21000;
  const std::string why = Message(sockets->Bind(Channel::kControl, elsewhere).status());
  EXPECT_TRUE(why.starts_with("could not listen on tcp://192.0.2.1:21000: ")) << why;
  EXPECT_TRUE(why.ends_with("; choose an address of this machine with --listen")) << why;
}

TEST(Sockets, DoNotTakeAPathFromWhoListensThere) {
  const TempDir dir;
  const auto sockets = *Sockets::Open({});
  const Address address = *ParseAddress("ipc://" + dir / "control", 0);
  {
    const absl::StatusOr<Sockets::Bound> first = sockets->Bind(Channel::kControl, address);
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(Message(sockets->Bind(Channel::kControl, address).status()),
              "could not listen on ipc://" + dir / "control" +
                  ": address already in use; another Fanmill runs there? choose another with "
                  "--listen");
  }
  const auto later = *Sockets::Open({});
  WriteFile(dir / "stale", "");
  EXPECT_TRUE(later->Bind(Channel::kControl, *ParseAddress("ipc://" + dir / "stale", 0)).ok());
}

TEST(Sockets, ListenOnIpv6) {
  const auto sockets = *Sockets::Open({});
  Address address;
  address.host = "::1";
  const absl::StatusOr<Sockets::Bound> bound = sockets->Bind(Channel::kControl, address);
  if (!bound.ok()) GTEST_SKIP() << "this machine has no IPv6";
  EXPECT_TRUE(sockets->Connect(Channel::kControl, bound->address).ok());
  EXPECT_TRUE(bound->address.Endpoint().starts_with("tcp://[::1]:"));
}

}  // namespace
}  // namespace fanmill
