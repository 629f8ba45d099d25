#include "lib/io/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/io/memory_journal.h"
#include "tests/io/script_node.h"

namespace fanmill {
namespace {

std::unique_ptr<Sockets> Open() { return *Sockets::Open({}); }

Message ChunkFor(uint64_t lane, size_t payload_bytes = 3) {
  pb::Envelope envelope = NewEnvelope({pb::VENTILATOR, 1, 7});
  pb::TaskChunk& chunk = *envelope.mutable_tasks();
  chunk.set_chunk(1);
  chunk.set_lane(lane);
  chunk.set_batch(1);
  chunk.mutable_tasks()->set_count(1);
  chunk.add_payload_size(static_cast<uint32_t>(payload_bytes));
  chunk.set_payloads(std::string(payload_bytes, 'p'));
  return Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}};
}

TEST(Loop, GivesTheJournalsFirstPageBeforeAnythingElse) {
  const auto sockets = Open();
  MemoryJournal journal;
  Loop loop(*sockets);
  loop.AddPeer(Channel::kJournal, journal);
  ScriptNode node;
  node.on_start = [](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kJournal}, JournalWrite{1, 1, "row", {}});
    outbox.Send(PeerId{Channel::kControl}, CommandOf(1));  // there is no such socket
  };
  node.done = [&node] { return node.heard.size() == 4; };
  EXPECT_EQ(loop.Run(node), 0);
  ASSERT_EQ(node.heard.size(), 4u);
  EXPECT_EQ(node.heard[0].first, PeerId{Channel::kJournal});
  EXPECT_TRUE(std::get<JournalRecovered>(node.heard[0].second).last);
  EXPECT_EQ(node.Heard<JournalDurable>().at(0).through, 1u);
}

TEST(Loop, TellsTheNodeWhatItCouldNotDeliver) {
  const auto sockets = Open();
  Loop loop(*sockets);
  ASSERT_TRUE(loop.Bind(Channel::kLease, AnyPort()).ok());
  loop.AddLanes({.listen = AnyPort(), .advertise_host = "", .first_port = 0, .files_max = 1024});
  ScriptNode node;
  const PeerId nobody{Channel::kLease, 99};
  const PeerId lane{Channel::kLane, 5};
  const PeerId closed{Channel::kLane, 6};
  node.on_start = [&](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kNet}, OpenLane{5});
    outbox.Send(PeerId{Channel::kNet}, OpenLane{6});
    outbox.Send(PeerId{Channel::kNet}, CloseLane{6});
    outbox.Send(nobody, ChunkFor(0));
    outbox.Send(lane, ChunkFor(5));
    outbox.Send(closed, ChunkFor(6));
  };
  node.done = [&node] { return node.Heard<Undeliverable>().size() == 3; };
  loop.Run(node);
  const std::vector<Undeliverable> failed = node.Heard<Undeliverable>();
  ASSERT_EQ(failed.size(), 3u);
  EXPECT_EQ(failed[0].to, nobody);
  EXPECT_TRUE(failed[0].unreachable);
  EXPECT_EQ(failed[1].to, lane);
  EXPECT_FALSE(failed[1].unreachable);  // the lane is there, and nobody on it yet
  EXPECT_EQ(failed[2].to, closed);
  EXPECT_TRUE(failed[2].unreachable);
}

TEST(Loop, NeverSendsAFrameThatIsTooLargeForItsReceiver) {
  const auto sockets = Open();
  Loop loop(*sockets);
  loop.AddLanes({.listen = AnyPort(), .advertise_host = "", .first_port = 0, .files_max = 1024});
  ScriptNode node;
  node.on_start = [](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kNet}, OpenLane{5});
    outbox.Send(PeerId{Channel::kLane, 5}, ChunkFor(5, kLaneFrameBytesMax));
  };
  node.done = [&node] { return !node.Heard<Undeliverable>().empty(); };
  loop.Run(node);
  ASSERT_EQ(node.Heard<Undeliverable>().size(), 1u);
  EXPECT_FALSE(node.Heard<Undeliverable>()[0].unreachable);
}

TEST(Loop, CarriesAChunkOverALaneToItsWorker) {
  const auto sockets = Open();
  ScriptNode worker;
  std::string endpoint;
  worker.on_start = [&endpoint](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kLane, endpoint, {}, 5});
  };
  worker.done = [&worker] { return !worker.Heard<Wire>().empty(); };
  std::thread other;

  Loop loop(*sockets);
  loop.AddLanes({.listen = AnyPort(), .advertise_host = "", .first_port = 0, .files_max = 1024});
  ScriptNode ventilator;
  std::atomic<bool> arrived = false;
  ventilator.tick_every = Millis(1);
  ventilator.on_start = [](Outbox& outbox) { outbox.Send(PeerId{Channel::kNet}, OpenLane{5}); };
  ventilator.on_message = [&](PeerId from, const Message& message, Outbox&) {
    const LaneOpened* opened = std::get_if<LaneOpened>(&message);
    if (opened == nullptr) return;
    EXPECT_EQ(from, PeerId{Channel::kNet});
    endpoint = opened->endpoint;
    other = std::thread([&] {
      Loop far(*sockets);
      far.Run(worker);
      arrived = true;
    });
  };
  ventilator.on_tick = [&](Outbox& outbox) {
    if (!other.joinable()) return;
    outbox.Send(PeerId{Channel::kLane, 5}, ChunkFor(5));
  };
  ventilator.done = [&] { return arrived.load(); };
  loop.Run(ventilator);
  ASSERT_TRUE(other.joinable());
  other.join();
  ASSERT_FALSE(worker.Heard<Wire>().empty());
  EXPECT_EQ(worker.heard[0].first, PeerId{Channel::kLane});
  EXPECT_EQ(worker.Heard<Wire>()[0].envelope->tasks().payloads(), "ppp");
}

TEST(Loop, HearsTheSignalsItAskedForAndNoOthers) {
  const auto sockets = Open();
  Loop loop(*sockets);
  const absl::StatusOr<Address> address = loop.Bind(Channel::kSignal, AnyPort());
  ASSERT_TRUE(address.ok());
  std::atomic<bool> heard = false;
  ScriptNode worker;
  worker.on_start = [&address](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kSignal, address->Endpoint(), {"b/1 "}});
  };
  worker.done = [&worker] { return worker.Heard<Signal>().size() == 2; };
  std::thread other([&] {
    Loop far(*sockets);
    far.Run(worker);
    heard = true;
  });
  ScriptNode controller;
  controller.tick_every = Millis(1);
  controller.on_tick = [](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kSignal},
                Signal{Signal::Topic::kBatch, 17, Signal::Verb::kKill, 1});
    outbox.Send(PeerId{Channel::kSignal}, Signal{Signal::Topic::kBatch, 1, Signal::Verb::kKill, 2});
  };
  controller.done = [&heard] { return heard.load(); };
  loop.Run(controller);
  other.join();
  for (const Signal& signal : worker.Heard<Signal>()) EXPECT_EQ(signal.id, 1u);
  EXPECT_EQ(worker.Heard<Signal>().size(), 2u);
}

TEST(Loop, ConnectsAnewWhenItIsToldAgain) {
  const auto sockets = Open();
  Loop loop(*sockets);
  const absl::StatusOr<Address> address = loop.Bind(Channel::kControl, AnyPort());
  ASSERT_TRUE(address.ok());
  ScriptNode client;
  client.on_start = [&address](Outbox& outbox) {
    for (uint64_t request = 1; request <= 2; ++request) {
      outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kControl, address->Endpoint()});
      outbox.Send(PeerId{Channel::kControl}, CommandOf(request));
    }
  };
  client.done = [&client] { return !client.Heard<Wire>().empty(); };
  std::thread other([&] {
    Loop far(*sockets);
    far.Run(client);
  });
  bool answered = false;
  ScriptNode controller;
  AnswerCommands(controller, 2, answered);
  controller.done = [&answered] { return answered; };
  loop.Run(controller);
  other.join();
  // The first socket was closed with what it had not sent; the second one's answer came.
  ASSERT_EQ(client.Heard<Wire>().size(), 1u);
  EXPECT_EQ(client.Heard<Wire>()[0].envelope->command_reply().request(), 2u);
}

TEST(Loop, DoesNotConnectToWhatIsNoNumericEndpoint) {
  const auto sockets = Open();
  Loop loop(*sockets);
  ScriptNode node;
  node.on_start = [](Outbox& outbox) {
    for (const char* endpoint : {"tcp://localhost:1", "", "tcp://10.0.0.1:1", "\x1b[2J"}) {
      outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kControl, endpoint});
      outbox.Send(PeerId{Channel::kControl}, CommandOf(1));
    }
  };
  node.done = [&node] { return node.Heard<Undeliverable>().size() == 4; };
  loop.Run(node);
  ASSERT_EQ(node.Heard<Undeliverable>().size(), 4u);
  for (const Undeliverable& each : node.Heard<Undeliverable>()) EXPECT_TRUE(each.unreachable);
}

TEST(Loop, KeepsTickingUnderAFlood) {
  constexpr int kMessages = 900;  // less than what waits in a socket, more than a turn's share
  const auto sockets = Open();
  Loop loop(*sockets);
  const absl::StatusOr<Address> address = loop.Bind(Channel::kAcks, AnyPort());
  ASSERT_TRUE(address.ok());
  Line flood(Channel::kAcks, false, *sockets->Connect(Channel::kAcks, *address));
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(flood.Send(0, Frame::Own("garbage")), Sent::kTaken);
  }
  ScriptNode node;
  int in_a_row = 0;
  int most = 0;
  node.on_message = [&](PeerId, const Message&, Outbox&) { most = std::max(most, ++in_a_row); };
  node.on_tick = [&](Outbox&) { in_a_row = 0; };
  node.done = [&node] { return node.heard.size() == kMessages; };
  loop.Run(node);
  EXPECT_EQ(node.Heard<BadFrame>().size(), static_cast<size_t>(kMessages));
  EXPECT_LE(most, 256);
}

TEST(Loop, ReturnsTheNodesExitCodeAndWakesForItsDeadline) {
  const auto sockets = Open();
  Loop loop(*sockets);
  ScriptNode node;
  node.tick_every = Millis(2);
  int ticks = 0;
  node.on_tick = [&ticks](Outbox&) { ++ticks; };
  node.done = [&ticks] { return ticks == 5; };
  EXPECT_EQ(loop.Run(node), 0);
  EXPECT_FALSE(node.gave_up);
}

}  // namespace
}  // namespace fanmill
