#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"
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
  return scheduler_.now() < faults_.until && random_.Uniform(1'000'000) < millionths;
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
    if (!bound_.contains(endpoint)) return endpoint;
  }
  return {};
}

void Network::Bind(HostId host, Channel channel, uint64_t lane, const std::string& endpoint) {
  FANMILL_CHECK(!bound_.contains(endpoint), "the simulator bound an endpoint twice");
  bound_[endpoint] = Bound{host, channel, lane, {}, 0};
}

void Network::Unbind(HostId host, Channel channel, uint64_t lane) {
  for (auto it = bound_.begin(); it != bound_.end(); ++it) {
    const Bound& bound = it->second;
    if (bound.host != host || bound.channel != channel || bound.lane != lane) continue;
    for (const uint64_t id : std::vector(bound.peers)) Sever(key_by_id_.at(id), false);
    bound_.erase(it);
    return;
  }
}

void Network::Connect(HostId host, Channel channel, const std::string& endpoint) {
  Disconnect(host, channel);
  const uint64_t key = next_key_++;
  connections_[key] = Connection{host, channel, endpoint};
  connected_[{host, channel}] = key;
  scheduler_.In(Delay(), [this, key] { TryConnect(key); });
}

void Network::Disconnect(HostId host, Channel channel) {
  const auto found = connected_.find({host, channel});
  if (found == connected_.end()) return;
  const uint64_t key = found->second;
  connected_.erase(found);
  Sever(key, true);
  connections_.erase(key);
}

void Network::CloseAll(HostId host) {
  for (auto it = bound_.begin(); it != bound_.end();) {
    if (it->second.host != host) {
      ++it;
      continue;
    }
    for (const uint64_t id : std::vector(it->second.peers)) Sever(key_by_id_.at(id), false);
    it = bound_.erase(it);
  }
  for (auto it = connected_.begin(); it != connected_.end();) {
    const auto [at, key] = *it;
    if (at.first != host) {
      ++it;
      continue;
    }
    Sever(key, true);
    connections_.erase(key);
    it = connected_.erase(it);
  }
}

void Network::TryConnect(uint64_t key) {
  const auto found = connections_.find(key);
  if (found == connections_.end() || found->second.up || found->second.dead) return;
  Connection& connection = found->second;
  const auto bound = bound_.find(connection.endpoint);
  if (bound == bound_.end() || bound->second.channel != connection.channel) {
    scheduler_.In(Millis(100), [this, key] { TryConnect(key); });
    return;
  }
  Establish(key, connection);
}

void Network::Establish(uint64_t key, Connection& connection) {
  Bound& bound = bound_.at(connection.endpoint);
  connection.up = true;
  connection.id = next_id_++;
  key_by_id_[connection.id] = key;
  bound.peers.push_back(connection.id);
  if (bound.peers.size() > 1 && bound.channel == Channel::kLane) {
    coverage_.Count("fault.two_on_one_lane");
  }
  connection.last_out = connection.last_back = scheduler_.now();
  for (Frame& frame : std::exchange(connection.queued, {})) Carry(key, false, std::move(frame));
}

void Network::Sever(uint64_t key, bool forever) {
  Connection& connection = connections_.at(key);
  if (connection.up) {
    key_by_id_.erase(connection.id);
    const auto bound = bound_.find(connection.endpoint);
    if (bound != bound_.end()) std::erase(bound->second.peers, connection.id);
    connection.up = false;
    connection.id = 0;  // what is in flight arrives nowhere
  }
  if (forever) {
    connection.dead = true;
    return;
  }
  const Duration back = Millis(100 + static_cast<int64_t>(random_.Uniform(400)));
  scheduler_.In(back, [this, key] { TryConnect(key); });
}

void Network::Carry(uint64_t key, bool back, Frame frame) {
  Connection& connection = connections_.at(key);
  Instant& last = back ? connection.last_back : connection.last_out;
  last = std::max(last, scheduler_.now() + Delay());
  const uint64_t id = connection.id;
  scheduler_.At(last, [this, key, id, back, frame = std::move(frame)] {
    Arrive(key, id, back, frame);
  });
  if (Chance(faults_.sever_per_message)) {
    const bool forever = Chance(faults_.forever_per_sever);
    coverage_.Count(forever ? "fault.severed_forever" : "fault.severed");
    Sever(key, forever);
  }
}

void Network::Arrive(uint64_t key, uint64_t id, bool back, const Frame& frame) {
  const auto found = connections_.find(key);
  if (found == connections_.end() || found->second.id != id || id == 0) {
    coverage_.Count("fault.accepted_then_lost");
    return;
  }
  const Connection& connection = found->second;
  const Channel channel = connection.channel;
  if (back) {
    arrival_(connection.from, PeerId{channel, 0}, Decode(channel, frame));
    return;
  }
  const Bound& bound = bound_.at(connection.endpoint);
  const uint64_t peer = IsRouter(channel) ? id : 0;
  MaybeNoise(bound);
  arrival_(bound.host, PeerId{channel, peer}, Decode(channel, frame));
}

// A stranger on an open port: random bytes, or a cut copy of nothing in particular.
void Network::MaybeNoise(const Bound& bound) {
  if (!Chance(faults_.noise_per_message) || bound.channel == Channel::kLane) return;
  coverage_.Count("fault.noise");
  std::string bytes(random_.Uniform(200), '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_.Uniform(256));
  const HostId host = bound.host;
  const PeerId from{bound.channel, IsRouter(bound.channel) ? next_id_++ : 0};
  scheduler_.In(Delay(), [this, host, from, bytes = std::move(bytes)] {
    arrival_(host, from, Decode(from.channel, Frame::Own(bytes)));
  });
}

bool Network::Send(HostId host, PeerId to, const Message& message, bool* unreachable) {
  *unreachable = false;
  const Frame frame = Encode(message);
  const auto connected = connected_.find({host, to.channel});
  if (connected != connected_.end()) {
    SendConnected(connected->second, connections_.at(connected->second), frame);
    return true;
  }
  for (auto& [endpoint, bound] : bound_) {
    if (bound.host != host || bound.channel != to.channel) continue;
    if (to.channel == Channel::kLane && bound.lane != to.id) continue;
    return SendBound(bound, to, frame, unreachable);
  }
  return false;  // no such socket: a lane that was closed, a channel never connected
}

void Network::SendConnected(uint64_t key, Connection& connection, const Frame& frame) {
  if (connection.up) {
    Carry(key, false, frame);
  } else if (!connection.dead && connection.queued.size() < kQueuedWhileDownMax) {
    connection.queued.push_back(frame);
  }
}

bool Network::SendBound(Bound& bound, PeerId to, const Frame& frame, bool* unreachable) {
  if (to.channel == Channel::kSignal) {
    for (const uint64_t id : std::vector(bound.peers)) {
      if (Chance(faults_.signal_loss)) {
        coverage_.Count("fault.signal_lost");
        continue;
      }
      Carry(key_by_id_.at(id), true, frame);
    }
    return true;
  }
  if (to.channel == Channel::kLane) {
    if (bound.peers.empty()) return false;
    const uint64_t id = bound.peers[bound.next++ % bound.peers.size()];
    Carry(key_by_id_.at(id), true, frame);
    return true;
  }
  const auto key = key_by_id_.find(to.id);
  if (key == key_by_id_.end() ||
      connections_.at(key->second).endpoint.empty()) {
    *unreachable = true;
    coverage_.Count("fault.unreachable");
    return false;
  }
  Carry(key->second, true, frame);
  return true;
}

}  // namespace fanmill::sim
