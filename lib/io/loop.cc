#include "lib/io/loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <utility>
#include <variant>

#include "lib/core/check.h"
#include "lib/core/wire.h"
#include "lib/io/clock.h"

namespace fanmill {
namespace {

// Of one socket in one turn: a flood on one must not keep the others, or a deadline, waiting.
constexpr int kMessagesPerTurnMax = 256;
// Sockets that are only sent on look at who came and went at least this often.
constexpr Duration kTouchEvery = Seconds(1);

bool IsLocal(Channel channel) { return channel >= Channel::kNet; }

}  // namespace

Loop::Loop(Sockets& sockets, LoopOptions options)
    : sockets_(sockets), options_(std::move(options)) {}

absl::StatusOr<Address> Loop::Bind(Channel channel, const Address& address) {
  FANMILL_CHECK(LineOf(channel) == nullptr, "a channel has one socket");
  absl::StatusOr<Sockets::Bound> bound = sockets_.Bind(channel, address);
  if (!bound.ok()) return bound.status();
  LineOf(channel) = std::make_unique<Line>(channel, true, std::move(bound->socket));
  lines_changed_ = true;
  return bound->address;
}

void Loop::AddLanes(LaneOptions options) { lanes_.emplace(sockets_, std::move(options)); }

void Loop::AddPeer(Channel channel, LocalPeer& peer) { peers_.push_back({channel, &peer}); }

int Loop::Run(Node& node) {
  node_ = &node;
  node.Start(Now(), outbox_);
  // The journal's first page goes before anything from outside.
  CollectPeers();
  Flush();
  while (!node.Done()) Turn();
  TellNotices();
  for (const auto& [name, count] : node.Counters()) {
    spdlog::debug("event=counter name={} count={}", name, count);
  }
  return node.ExitCode();
}

void Loop::Turn() {
  Wait();
  ReturnUndelivered();
  for (size_t i = 0; i < polled_lines_.size(); ++i) {
    if (poll_[i].revents != 0) ReceiveFrom(*polled_lines_[i]);
  }
  CollectPeers();
  const Instant now = Now();
  node_->Tick(now, outbox_);
#ifdef FANMILL_CHECK_INVARIANTS
  node_->CheckInvariants();
#endif
  Flush();
  TouchSendOnly(now);
  TellNotices();
}

void Loop::PreparePoll() {
  if (!lines_changed_) return;
  lines_changed_ = false;
  poll_.clear();
  polled_lines_.clear();
  polled_peers_.clear();
  for (const std::unique_ptr<Line>& line : lines_) {
    if (line == nullptr || !line->receives()) continue;
    poll_.push_back({line->handle(), 0, ZMQ_POLLIN, 0});
    polled_lines_.push_back(line.get());
  }
  for (size_t i = 0; i < peers_.size(); ++i) {
    if (peers_[i].peer->event_fd() < 0) continue;
    poll_.push_back({nullptr, peers_[i].peer->event_fd(), ZMQ_POLLIN, 0});
    polled_peers_.push_back(i);
  }
}

int Loop::WaitMillis() const {
  const bool more_to_do =
      !undelivered_.empty() || !to_node_.empty() ||
      std::any_of(peers_.begin(), peers_.end(), [](const Peer& peer) { return peer.ready; });
  if (more_to_do) return 0;
  const Duration wait = std::min(node_->NextDeadline(), touch_at_) - Now();
  // Rounded up: to wake too early would be to turn in vain.
  return static_cast<int>(std::max<int64_t>((wait.count() + 999) / 1000, 0));
}

void Loop::Wait() {
  PreparePoll();
  if (zmq_poll(poll_.data(), static_cast<int>(poll_.size()), WaitMillis()) < 0) {
    FANMILL_CHECK(errno == EINTR, "a socket was polled after it was closed");
    for (zmq_pollitem_t& item : poll_) item.revents = 0;
  }
  for (size_t i = 0; i < polled_peers_.size(); ++i) {
    if (poll_[polled_lines_.size() + i].revents != 0) peers_[polled_peers_[i]].ready = true;
  }
}

void Loop::ReturnUndelivered() {
  for (const Undeliverable& each : std::exchange(undelivered_, {})) {
    Give(PeerId{Channel::kNet}, each);
  }
  for (const Message& each : std::exchange(to_node_, {})) Give(PeerId{Channel::kNet}, each);
}

void Loop::ReceiveFrom(Line& line) {
  for (int i = 0; i < kMessagesPerTurnMax; ++i) {
    std::optional<Received> received = line.Receive();
    if (!received.has_value()) return;
    heard_control_ = heard_control_ || line.channel() == Channel::kControl;
    const Message message = received->bad.empty()
                                ? Decode(line.channel(), std::move(received->frame))
                                : Message(BadFrame{std::string(received->bad), 0});
    if (const auto* bad = std::get_if<BadFrame>(&message)) NoteBadFrame(received->from, *bad);
    Give(received->from, message);
  }
}

// At the first, and then ever more rarely: a stranger must not fill the log.
void Loop::NoteBadFrame(PeerId from, const BadFrame& bad) {
  if (!std::has_single_bit(++bad_frames_)) return;
  spdlog::warn("event=bad_frame channel={} count={} reason={}", ChannelName(from.channel),
               bad_frames_, Quoted(bad.reason));
}

void Loop::CollectPeers() {
  for (Peer& peer : peers_) {
    if (!std::exchange(peer.ready, false)) continue;
    collected_.clear();
    peer.peer->Collect(collected_);
    for (const Message& message : collected_) Give(PeerId{peer.channel}, message);
  }
}

void Loop::Give(PeerId from, const Message& message) {
  Trace(Direction::kIn, from, message);
  node_->Handle(Now(), from, message, outbox_);
}

void Loop::Flush() {
  for (Outgoing& outgoing : outbox_.Take()) SendOut(outgoing.to, std::move(outgoing.message));
}

void Loop::SendOut(PeerId to, Message message) {
  Trace(Direction::kOut, to, message);
  if (to.channel == Channel::kNet) return OnRequest(message);
  if (!IsLocal(to.channel)) {
    const bool on_lane = to.channel == Channel::kLane && lanes_.has_value();
    return SendFrame(on_lane ? lanes_->Find(to.id) : LineOf(to.channel).get(), to, message);
  }
  for (Peer& peer : peers_) {
    if (peer.channel != to.channel) continue;
    peer.peer->Deliver(std::move(message));
    if (peer.peer->event_fd() < 0) peer.ready = true;
    return;
  }
  FANMILL_CHECK(false, "a message for a local peer that was never added");
}

void Loop::SendFrame(Line* line, PeerId to, const Message& message) {
  const Sent sent = line == nullptr ? Sent::kUnreachable : line->Send(to.id, Encode(message));
  if (sent == Sent::kTaken) return;
  if (sent == Sent::kTooLarge) {
    spdlog::error("event=too_large_to_send channel={} limit_bytes={}", ChannelName(to.channel),
                  FrameBytesMax(to.channel));
  }
  undelivered_.push_back({to, sent == Sent::kUnreachable});
}

void Loop::OnRequest(Message& request) {
  std::visit(Overloaded{
                 [this](const OpenLane& open) { OpenLaneFor(open.lane); },
                 [this](const CloseLane& close) { CloseLaneOf(close.lane); },
                 [this](const Connect& connect) { ConnectLine(connect); },
                 [this](const Disconnect& disconnect) {
                   LineOf(disconnect.channel).reset();
                   lines_changed_ = true;
                 },
                 [](const auto&) { FANMILL_CHECK(false, "no request to the net"); },
             },
             request);
}

void Loop::OpenLaneFor(uint64_t lane) {
  FANMILL_CHECK(lanes_.has_value(), "this process has no lanes");
  absl::StatusOr<std::string> endpoint = lanes_->Open(lane, Now());
  if (endpoint.ok()) {
    to_node_.push_back(LaneOpened{lane, *std::move(endpoint)});
  } else {
    to_node_.push_back(LaneFailed{lane, std::string(endpoint.status().message())});
  }
}

void Loop::CloseLaneOf(uint64_t lane) {
  FANMILL_CHECK(lanes_.has_value(), "this process has no lanes");
  lanes_->Close(lane, Now());
}

void Loop::ConnectLine(const Connect& connect) {
  std::unique_ptr<Line>& line = LineOf(connect.channel);
  FANMILL_CHECK(line == nullptr || !line->bound(), "a listening socket does not connect");
  if (line != nullptr && connect.channel == Channel::kControl) NoteSilence(connect.endpoint);
  line.reset();
  lines_changed_ = true;
  // The endpoint is another process's word: never resolved, and not everywhere may one go.
  absl::StatusOr<Address> address = ParseEndpoint(connect.endpoint);
  absl::StatusOr<zmq::socket_t> socket =
      address.ok() ? sockets_.Connect(connect.channel, *address, connect.prefixes, connect.lane)
                   : absl::StatusOr<zmq::socket_t>(address.status());
  if (!socket.ok()) {
    spdlog::warn("event=not_connected channel={} reason={}", ChannelName(connect.channel),
                 Quoted(std::string(socket.status().message())));
    return;
  }
  line = std::make_unique<Line>(connect.channel, false, *std::move(socket));
}

// Who must wait for its controller says so: at first, and then ever more seldom.
void Loop::NoteSilence(const std::string& controller) {
  if (heard_control_) {
    silences_ = 0;
    heard_control_ = false;
  }
  if (!std::has_single_bit(++silences_)) return;
  spdlog::warn("event=no_answer controller={} text={}", controller,
               Quoted("no controller answers there, and this goes on asking. Does it run, and is "
                      "that where it listens (--controller)? If the cluster has a key, this "
                      "needs the same one (--key)."));
}

void Loop::TouchSendOnly(Instant now) {
  if (now < touch_at_) return;
  touch_at_ = After(now, kTouchEvery);
  for (const std::unique_ptr<Line>& line : lines_) {
    if (line != nullptr && !line->receives()) line->Touch();
  }
  if (lanes_.has_value()) lanes_->TouchAll();
}

void Loop::TellNotices() {
  const bool failed = node_->Done() && node_->ExitCode() != 0;  // then they say why
  for (const std::string& notice : node_->TakeNotices()) {
    spdlog::log(failed ? spdlog::level::err : spdlog::level::info, "event=notice text={}",
                Quoted(notice));
  }
}

void Loop::Trace(Direction direction, PeerId peer, const Message& message) {
  const bool print = options_.trace_messages && !IsLocal(peer.channel);
  if (!print && !spdlog::should_log(spdlog::level::trace)) return;
  const bool on_lane = peer.channel == Channel::kLane && lanes_.has_value();
  const bool bound =
      on_lane || (!IsLocal(peer.channel) && LineOf(peer.channel) && LineOf(peer.channel)->bound());
  const std::string line = TraceLine(direction, peer, bound, message);
  if (print) {
    std::fprintf(stderr, "%-18s %s\n", options_.program.c_str(), line.c_str());
  } else {
    spdlog::trace("event=message text={}", Quoted(line));
  }
}

}  // namespace fanmill
