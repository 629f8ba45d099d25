// The guardian's last words about its worker, as the ventilator's and the controller's sockets get
// them.
#include "worker/death_report.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <optional>
#include <variant>

#include "lib/core/wire.h"
#include "lib/io/line.h"
#include "lib/io/sockets.h"

namespace fanmill {
namespace {

// In place of the ventilator or the controller.
class Listener {
 public:
  Listener(Channel channel, std::optional<KeyPair> key) : channel_(channel) {
    SocketsOptions options;
    options.key = key;
    sockets_ = Sockets::Open(options).value();
    Address address;
    address.host = "127.0.0.1";
    Sockets::Bound bound = sockets_->Bind(channel, address).value();
    endpoint = bound.address.Endpoint();
    line_.emplace(channel, true, std::move(bound.socket));
  }

  std::optional<v1::Envelope> Receive(int patience_ms) {
    zmq_pollitem_t item = {line_->handle(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, patience_ms) <= 0) return std::nullopt;
    std::optional<Received> received = line_->Receive();
    if (!received) return std::nullopt;
    const Message message = Decode(channel_, std::move(received->frame));
    const auto* wire = std::get_if<Wire>(&message);
    return wire == nullptr ? std::nullopt : std::optional(*wire->envelope);
  }

  std::string endpoint;

 private:
  const Channel channel_;
  std::unique_ptr<Sockets> sockets_;
  std::optional<Line> line_;
};

void Introduce(SlotTable& table, const std::string& endpoint) {
  WorkerIdentity identity{};
  identity.cluster = 9;
  identity.incarnation = 8;
  SetText(identity.lease_endpoint, endpoint);
  SetText(identity.controller, endpoint);
  table.identity().Set(identity);
}

// R53
TEST(DeathReport, NamesTheWorkerTheCauseAndWhatItHadStarted) {
  Listener lease(Channel::kLease, std::nullopt);
  SlotTable table(4);
  Introduce(table, lease.endpoint);
  table.slot(1).Set({SlotState::kRunning, 1, 10, 100, 2, 1234});
  table.slot(3).Set({SlotState::kStarting, 5, 50, 500, 1, 0});
  ASSERT_EQ(TellVentilator(table, SIGKILL, nullptr), absl::OkStatus());
  const auto envelope = lease.Receive(10'000);
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->role(), v1::GUARDIAN);
  EXPECT_EQ(envelope->cluster(), 9u);
  EXPECT_EQ(envelope->epoch(), 8u);
  const v1::DeathReport& report = envelope->death_report();
  EXPECT_EQ(report.cause(), "signal 9");
  ASSERT_EQ(report.started_size(), 2);
  EXPECT_EQ(report.started(0).batch(), 1u);
  EXPECT_EQ(report.started(0).task(), 10u);
  EXPECT_EQ(report.started(0).chunk(), 100u);
  EXPECT_EQ(report.started(0).attempt(), 2u);
  EXPECT_EQ(report.started(1).task(), 50u);
}

// R104
TEST(DeathReport, TellsTheControllerWhetherNothingRunsAnyMore) {
  Listener control(Channel::kControl, std::nullopt);
  SlotTable table(1);
  EXPECT_EQ(TellController(table, true, nullptr).code(), absl::StatusCode::kNotFound);
  Introduce(table, control.endpoint);
  for (const bool nothing_runs : {true, false}) {
    ASSERT_EQ(TellController(table, nothing_runs, nullptr), absl::OkStatus());
    const auto envelope = control.Receive(10'000);
    ASSERT_TRUE(envelope.has_value());
    EXPECT_EQ(envelope->role(), v1::GUARDIAN);
    EXPECT_EQ(envelope->epoch(), 8u);
    EXPECT_TRUE(envelope->heartbeat().leaving());
    ASSERT_EQ(envelope->heartbeat().receipts_size(), nothing_runs ? 1 : 0);
    if (nothing_runs) EXPECT_EQ(envelope->heartbeat().receipts(0).generation(), 0u);
  }
}

TEST(DeathReport, ComesThroughTheClustersKeyAlone) {
  const KeyPair key = RandomKeyPair();
  Listener lease(Channel::kLease, key);
  SlotTable table(1);
  Introduce(table, lease.endpoint);
  TellVentilator(table, SIGKILL, nullptr).IgnoreError();  // nobody can tell that it did not arrive
  EXPECT_FALSE(lease.Receive(0).has_value());
  ASSERT_EQ(TellVentilator(table, 1 << 8, &key), absl::OkStatus());
  const auto envelope = lease.Receive(10'000);
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(envelope->death_report().cause(), "exit 1");
}

TEST(DeathReport, WithoutAVentilatorThereIsNobodyToTell) {
  SlotTable table(1);
  EXPECT_EQ(TellVentilator(table, SIGKILL, nullptr).code(), absl::StatusCode::kNotFound);
  Introduce(table, "");
  EXPECT_EQ(TellVentilator(table, SIGKILL, nullptr).code(), absl::StatusCode::kNotFound);
}

// Its time is bounded: the call returns at all.
TEST(DeathReport, AVentilatorThatIsGoneHoldsUpNobody) {
  std::string endpoint;
  { endpoint = Listener(Channel::kLease, std::nullopt).endpoint; }
  SlotTable table(1);
  Introduce(table, endpoint);
  EXPECT_EQ(TellVentilator(table, SIGKILL, nullptr), absl::OkStatus());
}

}  // namespace
}  // namespace fanmill
