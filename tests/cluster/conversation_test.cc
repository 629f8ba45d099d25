// A client's conversations: one that fell silent is made anew, and no other.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "lib/client/cluster.h"
#include "lib/client/result_reader.h"
#include "lib/core/wire.h"

namespace fanmill {
namespace {

constexpr int kLookEveryMs = 10;

// A controller and a sink in one, with sockets of their own. The sink does not answer the first
// connection that is made to it.
class HalfDeaf {
 public:
  HalfDeaf()
      : control_(context_, zmq::socket_type::router), facts_(context_, zmq::socket_type::router) {
    for (zmq::socket_t* each : {&control_, &facts_}) {
      each->set(zmq::sockopt::linger, 0);
      each->set(zmq::sockopt::rcvtimeo, kLookEveryMs);
      each->bind("tcp://127.0.0.1:*");
    }
    address_ = At(control_).substr(sizeof("tcp://") - 1);
    facts_endpoint_ = At(facts_);
    thread_ = std::thread([this] {
      while (!stop_) {
        AnswerControl();
        AnswerFacts();
      }
    });
  }
  ~HalfDeaf() { Stop(); }
  void Stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const std::string& address() const { return address_; }
  // Those who came. REQUIRES: it has stopped.
  size_t at_control() const { return control_ids_.size(); }
  size_t at_facts() const { return facts_ids_.size(); }

 private:
  static std::string At(zmq::socket_t& socket) { return socket.get(zmq::sockopt::last_endpoint); }
  // What came, from whom; false when nothing did.
  static bool Take(zmq::socket_t& socket, std::string& from, pb::Envelope& said) {
    zmq::message_t id;
    zmq::message_t body;
    if (!socket.recv(id).has_value() || !socket.recv(body).has_value()) return false;
    from = id.to_string();
    return said.ParseFromArray(body.data(), static_cast<int>(body.size()));
  }
  static void Send(zmq::socket_t& socket, const std::string& to, const pb::Envelope& envelope) {
    socket.send(zmq::buffer(to), zmq::send_flags::sndmore);
    socket.send(zmq::buffer(envelope.SerializeAsString()), zmq::send_flags::none);
  }

  void AnswerControl() {
    std::string from;
    pb::Envelope said;
    if (!Take(control_, from, said)) return;
    control_ids_.insert(from);
    pb::Envelope answer = NewEnvelope({pb::CONTROLLER, 1, 7});
    answer.mutable_command_reply()->set_request(said.command().request());
    answer.mutable_command_reply()->mutable_state()->mutable_sink()->set_facts(facts_endpoint_);
    Send(control_, from, answer);
  }

  void AnswerFacts() {
    std::string from;
    pb::Envelope said;
    if (!Take(facts_, from, said)) return;
    facts_ids_.insert(from);
    if (facts_ids_.size() < 2) return;
    pb::Envelope answer = NewEnvelope({pb::SINK, 1, 7});
    answer.mutable_read_reply()->set_request(said.read_request().request());
    answer.mutable_read_reply()->set_batch(said.read_request().batch());
    answer.mutable_read_reply()->mutable_closed()->set_ok(3);
    Send(facts_, from, answer);
  }

  zmq::context_t context_;
  zmq::socket_t control_;
  zmq::socket_t facts_;
  std::string address_;
  std::string facts_endpoint_;
  std::set<std::string> control_ids_;
  std::set<std::string> facts_ids_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST(Conversation, ThatFellSilentIsMadeAnewAndNoOther) {
  HalfDeaf far;
  client::Options options;
  options.controller = far.address();
  auto cluster = client::Cluster::Connect(options);
  ASSERT_TRUE(cluster.ok());
  client::ResultReader reader(**cluster, 1);
  const auto next = reader.Next(Millis(10));
  ASSERT_TRUE(next.ok()) << next.status();
  ASSERT_TRUE(reader.end().has_value());
  EXPECT_EQ(reader.end()->ok, 3u);
  far.Stop();
  EXPECT_EQ(far.at_facts(), 2u);
  EXPECT_EQ(far.at_control(), 1u);
}

}  // namespace
}  // namespace fanmill
