#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "lib/core/wire.h"

namespace fanmill::sim {
namespace {

bool IsRouter(Channel channel) {
  return channel == Channel::kControl || channel == Channel::kLease ||
         channel == Channel::kIntake || channel == Channel::kFacts;
}

constexpr size_t kQueuedWhileDownMax = 1000;  // libzmq's default high-water mark

}  // namespace

Network::Network(Scheduler& scheduler, Random& random, const Faults& faults, Coverage& coverage,
                 Arrival arrival)
    : scheduler_(scheduler),
      random_(random),
      faults_(faults),
      coverage_(coverage),
      arrival_(std::move(arrival)) {}

bool Network::Chance(uint32_t millionths) {
  return millionths > 0 && scheduler_.now() < faults_.until &&
         random_.Uniform(1'000'000) < millionths;
}

Duration Network::Delay() {
  if (Chance(faults_.slow_per_message)) {
    coverage_.Count("fault.slow_message");
    return Micros(static_cast<int64_t>(random_.Uniform(300'000)));
  }
  return Micros(20 + static_cast<int64_t>(random_.Uniform(200)));
}

std::string Network::FreeLaneEndpoint(HostId host) {
  // A small range that is used again at once brings ghosts and new lanes together.
  const uint32_t range = faults_.reuse_ports ? 8 : 1'000'000;
  for (uint32_t tries = 0; tries < range; ++tries) {
    const std::string endpoint =
        "sim://" + std::to_string(host) + "/lane/" + std::to_string(next_port_++ % range);
    if (!bound_at_.contains(endpoint)) return endpoint;
  }
  return {};
}

void Network::Bind(HostId host, Channel channel, uint64_t lane, const std::string& endpoint) {
  const BoundKey key{host, channel, lane};
  FANMILL_CHECK(!bound_at_.contains(endpoint) && !bound_.contains(key), "bound twice");
  bound_[key] = Bound{endpoint, next_serial_++, {}, 0};
  bound_at_[endpoint] = key;
}

void Network::Unbind(HostId host, Channel channel, uint64_t lane) {
  const auto found = bound_.find({host, channel, lane});
  if (found == bound_.end()) return;
  const Bound bound = found->second;
  bound_at_.erase(bound.endpoint);
  bound_.erase(found);
  for (const uint64_t link : bound.peers) Sever(link, false);
}

void Network::Connect(HostId host, const fanmill::Connect& connect) {
  Disconnect(host, connect.channel);
  const uint64_t socket = next_socket_++;
  sockets_.emplace(socket, Socket{host, connect});
  connected_[{host, connect.channel}] = socket;
  scheduler_.In(Delay(), [this, socket] { TryConnect(socket); });
}

void Network::Disconnect(HostId host, Channel channel) {
  const auto found = connected_.find({host, channel});
  if (found == connected_.end()) return;
  CloseSocket(found->second);
  connected_.erase(found);
}

void Network::CloseSocket(uint64_t socket) {
  const uint64_t link = sockets_.at(socket).link;
  if (link != 0) Sever(link, true);
  sockets_.erase(socket);
}

void Network::CloseAll(HostId host) {
  std::vector<BoundKey> keys;
  for (const auto& [key, bound] : bound_) {
    if (std::get<0>(key) == host) keys.push_back(key);
  }
  for (const auto& [at, channel, lane] : keys) Unbind(at, channel, lane);
  for (auto it = connected_.begin(); it != connected_.end();) {
    if (it->first.first != host) {
      ++it;
      continue;
    }
    CloseSocket(it->second);
    it = connected_.erase(it);
  }
}

void Network::TryConnect(uint64_t number) {
  const auto found = sockets_.find(number);
  if (found == sockets_.end() || found->second.link != 0 || found->second.dead) return;
  Socket& socket = found->second;
  const auto at = bound_at_.find(socket.wanted.endpoint);
  if (at == bound_at_.end() || std::get<1>(at->second) != socket.wanted.channel) {
    const int doublings = std::min(socket.tries++, 4);
    scheduler_.In(Millis(100 << doublings), [this, number] { TryConnect(number); });
    return;
  }
  socket.tries = 0;
  Establish(number, at->second, bound_.at(at->second));
}

void Network::Establish(uint64_t number, const BoundKey& key, Bound& bound) {
  Socket& socket = sockets_.at(number);
  const uint64_t id = next_link_++;
  links_.emplace(id, Link{number, key, bound.serial, scheduler_.now(), scheduler_.now()});
  socket.link = id;
  bound.peers.push_back(id);
  if (bound.peers.size() > 1 && socket.wanted.channel == Channel::kLane) {
    coverage_.Count("fault.two_on_one_lane");
  }
  for (Frame& frame : std::exchange(socket.queued, {})) {
    if (socket.link != id) return;  // severed by one of them: the rest is lost with it
    Carry(id, false, std::move(frame));
  }
}

// What is in flight arrives up to some point and is lost from there on.
void Network::Cut(Link& link) {
  const Instant now = scheduler_.now();
  const auto cut = [&](Instant last) {
    const int64_t flight = std::max<int64_t>((last - now).count(), 0);
    return now + Micros(static_cast<int64_t>(random_.Uniform(static_cast<uint64_t>(flight) + 1)));
  };
  link.cut_out = std::min(link.cut_out, cut(link.last_out));
  link.cut_back = std::min(link.cut_back, cut(link.last_back));
}

void Network::Sever(uint64_t id, bool forever) {
  Link& link = links_.at(id);
  Cut(link);
  if (Chance(faults_.unnoticed_per_sever)) {
    coverage_.Count("fault.severed_unnoticed");
    const auto late = Millis(static_cast<int64_t>(random_.Uniform(2'000)));
    scheduler_.In(late, [this, key = link.bound, id] { Forget(key, id); });
  } else {
    Forget(link.bound, id);
  }
  const auto found = sockets_.find(link.socket);
  if (found == sockets_.end() || found->second.link != id) return;
  found->second.link = 0;
  found->second.dead = forever;
  if (forever) return;
  const Duration back = Millis(100 + static_cast<int64_t>(random_.Uniform(400)));
  scheduler_.In(back, [this, socket = link.socket] { TryConnect(socket); });
}

// The bound side learns that the peer is gone.
void Network::Forget(const BoundKey& key, uint64_t link) {
  const auto bound = bound_.find(key);
  if (bound != bound_.end()) std::erase(bound->second.peers, link);
}

// How long the frame keeps a slow link busy: what comes behind it waits.
Duration Network::TimeOnLink(const Link& link, bool back, const Frame& frame) {
  const bool slow = !back && faults_.results_kib_per_s > 0 && scheduler_.now() < faults_.until &&
                    std::get<1>(link.bound) == Channel::kResults;
  if (!slow) return Duration{0};
  if (frame.bytes.size() > kInlineOutputBytesMax) coverage_.Count("fault.slow_large_output");
  const uint64_t bytes_per_ms = faults_.results_kib_per_s * 1024 / 1000;
  return Micros(static_cast<int64_t>(frame.bytes.size() * 1000 / bytes_per_ms));
}

void Network::Carry(uint64_t id, bool back, Frame frame) {
  Link& link = links_.at(id);
  Instant& last = back ? link.last_back : link.last_out;
  last = std::max(last, scheduler_.now() + Delay()) + TimeOnLink(link, back, frame);
  scheduler_.At(last, [this, id, back, frame = std::move(frame)] { Arrive(id, back, frame); });
  if (!Chance(faults_.sever_per_message)) return;
  const bool forever = Chance(faults_.forever_per_sever);
  coverage_.Count(forever ? "fault.severed_forever" : "fault.severed");
  Sever(id, forever);
}

void Network::Arrive(uint64_t id, bool back, const Frame& frame) {
  const Link& link = links_.at(id);
  if (scheduler_.now() > (back ? link.cut_back : link.cut_out)) {
    coverage_.Count("fault.accepted_then_lost");
    return;
  }
  const Channel channel = std::get<1>(link.bound);
  if (back) {
    const auto socket = sockets_.find(link.socket);
    if (socket == sockets_.end()) return;
    arrival_(socket->second.host, PeerId{channel, 0}, Decode(channel, frame));
    return;
  }
  const auto bound = bound_.find(link.bound);
  if (bound == bound_.end() || bound->second.serial != link.serial) return;
  if (!sockets_.contains(link.socket)) coverage_.Count("fault.word_of_the_dead");
  MaybeNoise(link.bound, frame);
  arrival_(std::get<0>(link.bound), PeerId{channel, IsRouter(channel) ? id : 0},
           Decode(channel, frame));
}

// A stranger on an open port.
void Network::MaybeNoise(const BoundKey& key, const Frame& frame) {
  const Channel channel = std::get<1>(key);
  if (channel == Channel::kLane || !Chance(faults_.noise_per_message)) return;
  const PeerId from{channel, IsRouter(channel) ? next_link_++ : 0};
  // Up to 5 s later: by then its true sender may have died and come back.
  const auto later = Micros(static_cast<int64_t>(random_.Uniform(5'000'000)));
  scheduler_.In(later, [this, key, from, bytes = Noise(channel, frame)] {
    if (!bound_.contains(key)) return;
    arrival_(std::get<0>(key), from, Decode(from.channel, Frame::Own(bytes)));
  });
}

std::string Network::Noise(Channel channel, const Frame& frame) {
  const uint64_t kind = random_.Uniform(8);
  pb::Envelope envelope;
  const bool parsed =
      envelope.ParseFromArray(frame.bytes.data(), static_cast<int>(frame.bytes.size()));
  const bool sink_hears = envelope.has_facts_request() || envelope.has_batch_open();
  if (kind < 7 && parsed && sink_hears && envelope.epoch() > 1) {
    coverage_.Count("fault.noise_of_an_old_ventilator");
    envelope.set_epoch(envelope.epoch() - 1);
    return envelope.SerializeAsString();
  }
  if (kind == 0 && parsed) {
    coverage_.Count("fault.noise_of_another_cluster");
    envelope.set_cluster(random_.Next());
    return envelope.SerializeAsString();
  }
  if (kind == 1 && parsed) {
    coverage_.Count("fault.noise_of_another_version");
    envelope.set_protocol(kProtocolVersion + 1);
    return envelope.SerializeAsString();
  }
  if (kind == 7 && parsed && sink_hears) {
    coverage_.Count("fault.noise_of_no_cluster");
    envelope.set_cluster(0);
    return envelope.SerializeAsString();
  }
  if (kind >= 2 && kind < 6 && parsed && channel != Channel::kLease) {
    // On the lease the newest speaker of an incarnation is its worker: not to be played with.
    coverage_.Count("fault.said_twice");
    return std::string(frame.bytes);
  }
  coverage_.Count("fault.noise");
  std::string bytes(random_.Uniform(200), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_.Uniform(256));
  return bytes;
}

bool Network::Send(HostId host, PeerId to, const Message& message, bool* unreachable) {
  *unreachable = false;
  const Frame frame = Encode(message);
  FANMILL_CHECK(frame.bytes.size() <= FrameBytesMax(to.channel), "a frame is too large");
  const auto connected = connected_.find({host, to.channel});
  if (connected != connected_.end()) return SendConnected(sockets_.at(connected->second), frame);
  const BoundKey key{host, to.channel, to.channel == Channel::kLane ? to.id : 0};
  const auto bound = bound_.find(key);
  if (bound != bound_.end()) return SendBound(key, bound->second, to, frame, unreachable);
  return false;  // no such socket: a lane that was closed, a channel never connected
}

bool Network::SendConnected(Socket& socket, const Frame& frame) {
  if (socket.link != 0) {
    Carry(socket.link, false, frame);
    return true;
  }
  if (socket.queued.size() >= kQueuedWhileDownMax) return false;
  socket.queued.push_back(frame);
  return true;
}

bool Network::SendBound(const BoundKey& key, Bound& bound, PeerId to, const Frame& frame,
                        bool* unreachable) {
  const Channel channel = std::get<1>(key);
  if (channel == Channel::kSignal) {
    Publish(bound, frame);
    return true;
  }
  if (channel == Channel::kLane) {
    if (bound.peers.empty()) return false;
    Carry(bound.peers[bound.next++ % bound.peers.size()], true, frame);
    return true;
  }
  FANMILL_CHECK(IsRouter(channel), "a bound PULL sends nothing");
  if (std::find(bound.peers.begin(), bound.peers.end(), to.id) == bound.peers.end()) {
    *unreachable = true;
    coverage_.Count("fault.unreachable");
    return false;
  }
  Carry(to.id, true, frame);
  return true;
}

void Network::Publish(const Bound& bound, const Frame& frame) {
  for (const uint64_t id : std::vector(bound.peers)) {
    const auto socket = sockets_.find(links_.at(id).socket);
    if (socket == sockets_.end()) continue;
    const std::vector<std::string>& prefixes = socket->second.wanted.prefixes;
    const bool wanted = std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& p) {
      return frame.bytes.starts_with(p);
    });
    if (!wanted) continue;
    if (Chance(faults_.signal_loss)) {
      coverage_.Count("fault.signal_lost");
      continue;
    }
    Carry(id, true, frame);
  }
}

}  // namespace fanmill::sim
