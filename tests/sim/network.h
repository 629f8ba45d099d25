// A network at least as cruel as ZeroMQ is: FIFO only inside one connection; a message may be
// accepted and then lost with all behind it, or arrive after its sender's death; a connection may
// come back late, or never; a bound PUSH without a peer refuses; two peers on one lane share it; a
// late subscriber misses signals; a stranger sends garbage. Every message passes through Encode
// and Decode.
#ifndef FANMILL_TESTS_SIM_NETWORK_H_
#define FANMILL_TESTS_SIM_NETWORK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <tuple>
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
  void Connect(HostId host, const fanmill::Connect& connect);
  void Disconnect(HostId host, Channel channel);
  // The process died or left: all its sockets are gone. What was in flight may still arrive.
  void CloseAll(HostId host);

  // False: not taken, as the loop would report it. `unreachable`: ROUTER without that peer.
  bool Send(HostId host, PeerId to, const Message& message, bool* unreachable);

  std::string FreeLaneEndpoint(HostId host);

 private:
  using BoundKey = std::tuple<HostId, Channel, uint64_t>;  // host, channel, lane
  struct Bound {
    std::string endpoint;
    uint64_t serial;              // of this bind: what was sent to an earlier one is lost
    std::vector<uint64_t> peers;  // links that it believes up, in order of arrival
    size_t next = 0;              // round-robin of a PUSH
  };
  // A connecting socket. It reconnects by itself, until it is dead.
  struct Socket {
    HostId host;
    fanmill::Connect wanted;
    uint64_t link = 0;  // 0: not up
    bool dead = false;  // will never come back
    int tries = 0;
    std::deque<Frame> queued = {};  // sent while it was not up
  };
  // One established connection. Its id is what the bound side sees as the peer.
  struct Link {
    uint64_t socket;
    BoundKey bound;
    uint64_t serial;
    Instant last_out;  // FIFO per direction: last arrival at the bound side
    Instant last_back;
    Instant cut_out = kNever;  // what would arrive later is lost
    Instant cut_back = kNever;
  };

  void TryConnect(uint64_t socket);
  void Establish(uint64_t socket, const BoundKey& key, Bound& bound);
  void Sever(uint64_t link, bool forever);
  void Cut(Link& link);
  void Forget(const BoundKey& key, uint64_t link);
  void CloseSocket(uint64_t socket);
  void Carry(uint64_t link, bool back, Frame frame);
  void Arrive(uint64_t link, bool back, const Frame& frame);
  bool SendConnected(Socket& socket, const Frame& frame);
  bool SendBound(const BoundKey& key, Bound& bound, PeerId to, const Frame& frame,
                 bool* unreachable);
  void Publish(const Bound& bound, const Frame& frame);
  void MaybeNoise(const BoundKey& key, const Frame& frame);
  std::string Noise(Channel channel, const Frame& frame);
  bool Chance(uint32_t millionths);
  Duration Delay();
  Duration TimeOnLink(const Link& link, bool back, const Frame& frame);

  Scheduler& scheduler_;
  Random& random_;
  const Faults& faults_;
  Coverage& coverage_;
  Arrival arrival_;
  uint64_t next_socket_ = 1;
  uint64_t next_link_ = 1;
  uint64_t next_serial_ = 1;
  uint32_t next_port_ = 0;
  std::map<BoundKey, Bound> bound_;
  std::map<std::string, BoundKey> bound_at_;  // by endpoint
  std::map<uint64_t, Socket> sockets_;
  std::map<std::pair<HostId, Channel>, uint64_t> connected_;  // -> socket
  std::map<uint64_t, Link> links_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_NETWORK_H_
