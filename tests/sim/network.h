// A network at least as cruel as ZeroMQ is: FIFO only inside one connection; a message may be
// accepted and then lost with all behind it; a connection may come back late, or never; a bound
// PUSH without a peer refuses; two peers on one lane share it; a late subscriber misses signals; a
// stranger sends garbage. Every message passes through Encode and Decode.
#ifndef FANMILL_TESTS_SIM_NETWORK_H_
#define FANMILL_TESTS_SIM_NETWORK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lib/core/message.h"
#include "lib/core/random.h"
#include "tests/sim/coverage.h"
#include "tests/sim/faults.h"
#include "tests/sim/scheduler.h"

namespace fanmill::sim {

using HostId = uint32_t;  // one simulated process, over all its restarts

class Network {
 public:
  // Called with each message that arrives: at host, from the peer.
  using Arrival = std::function<void(HostId, PeerId, Message)>;

  Network(Scheduler& scheduler, Random& random, const Faults& faults, Coverage& coverage,
          Arrival arrival);

  // A bound socket. `lane` is the token on kLane, else 0.
  void Bind(HostId host, Channel channel, uint64_t lane, const std::string& endpoint);
  void Unbind(HostId host, Channel channel, uint64_t lane);
  // Replaces the host's connected socket of that channel.
  void Connect(HostId host, Channel channel, const std::string& endpoint);
  void Disconnect(HostId host, Channel channel);
  // The process died or left: all its sockets are gone, and what was in flight on them.
  void CloseAll(HostId host);

  // False: not taken, as the loop would report it. `unreachable`: ROUTER without that peer.
  bool Send(HostId host, PeerId to, const Message& message, bool* unreachable);

  std::string FreeLaneEndpoint(HostId host);

 private:
  struct Connection {
    HostId from;              // who connected
    Channel channel;
    std::string endpoint;
    uint64_t id = 0;          // what the bound side sees as the peer; new after each reconnect
    bool up = false;          // handshake done
    bool dead = false;        // will never come back
    Instant last_out{};       // FIFO per direction: last arrival at the bound side
    Instant last_back{};
    std::deque<Frame> queued;  // sent by the connector while it was not up
  };
  struct Bound {
    HostId host;
    Channel channel;
    uint64_t lane;
    std::vector<uint64_t> peers;  // connection ids that are up, in order of arrival
    size_t next = 0;              // round-robin of a PUSH
  };

  void TryConnect(uint64_t key);
  void Establish(uint64_t key, Connection& connection);
  void Sever(uint64_t key, bool forever);
  void Carry(uint64_t key, bool back, Frame frame);
  void Arrive(uint64_t key, uint64_t id, bool back, const Frame& frame);
  bool SendBound(Bound& bound, PeerId to, const Frame& frame, bool* unreachable);
  void SendConnected(uint64_t key, Connection& connection, const Frame& frame);
  void MaybeNoise(const Bound& bound);
  bool Chance(uint32_t millionths);
  Duration Delay();

  Scheduler& scheduler_;
  Random& random_;
  const Faults& faults_;
  Coverage& coverage_;
  Arrival arrival_;
  uint64_t next_key_ = 1;
  uint64_t next_id_ = 1;
  uint32_t next_port_ = 0;
  std::map<std::string, Bound> bound_;
  std::map<uint64_t, Connection> connections_;                    // by key
  std::map<std::pair<HostId, Channel>, uint64_t> connected_;      // -> key
  std::map<uint64_t, uint64_t> key_by_id_;                        // connection id -> key
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_NETWORK_H_
