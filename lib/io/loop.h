// Loop: the one loop of every Fanmill process. Wait for sockets, local peers and the next deadline;
// decode; let the node handle it; send what the node wants sent. It knows ZeroMQ and no rule of the
// protocol; the node knows the rules and nothing else.
#ifndef FANMILL_LIB_IO_LOOP_H_
#define FANMILL_LIB_IO_LOOP_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/core/node.h"
#include "lib/io/lanes.h"
#include "lib/io/line.h"
#include "lib/io/local_peer.h"
#include "lib/io/sockets.h"
#include "lib/io/trace.h"

namespace fanmill {

struct LoopOptions {
  std::string program = "fanmill";  // in front of traced messages
  bool trace_messages = false;
};

// Runs one node, on one thread: the one that made it.
class Loop {
 public:
  explicit Loop(Sockets& sockets, LoopOptions options = {});

  // Before Run. Where it really listens: a port 0 became a number.
  absl::StatusOr<Address> Bind(Channel channel, const Address& address);
  void AddLanes(LaneOptions options);
  const Lanes& lanes() const { return *lanes_; }
  // The peer outlives the loop.
  void AddPeer(Channel channel, LocalPeer& peer);

  // Until the node is done; returns its exit code.
  int Run(Node& node);

 private:
  struct Peer {
    Channel channel;
    LocalPeer* peer;
    bool ready = true;  // may have messages for the node
  };

  void Turn();
  void Wait();
  int WaitMillis() const;
  void PreparePoll();
  void ReturnUndelivered();
  void ReceiveFrom(Line& line);
  void CollectPeers();
  void Flush();
  void SendOut(PeerId to, Message message);
  void SendFrame(Line* line, PeerId to, const Message& message);
  void OnRequest(Message& request);  // of the node to kNet
  void OpenLaneFor(uint64_t lane);
  void CloseLaneOf(uint64_t lane);
  void ConnectLine(const Connect& connect);
  void NoteSilence(const std::string& controller);
  void Give(PeerId from, const Message& message);
  void NoteBadFrame(PeerId from, const BadFrame& bad);
  void TouchSendOnly(Instant now);
  void TellNotices();
  void Trace(Direction direction, PeerId peer, const Message& message);
  std::unique_ptr<Line>& LineOf(Channel channel) { return lines_[static_cast<size_t>(channel)]; }

  Sockets& sockets_;
  LoopOptions options_;
  std::array<std::unique_ptr<Line>, 8> lines_;  // by channel; lanes that were bound are in lanes_
  std::optional<Lanes> lanes_;
  std::vector<Peer> peers_;
  Node* node_ = nullptr;
  Outbox outbox_;
  std::vector<Undeliverable> undelivered_;  // told to the node in the next turn
  std::vector<Message> to_node_;            // of kNet, likewise
  std::vector<Message> collected_;
  std::vector<zmq_pollitem_t> poll_;  // of receiving lines, then of peers with an event
  std::vector<Line*> polled_lines_;
  std::vector<size_t> polled_peers_;
  bool lines_changed_ = true;
  Instant touch_at_;
  uint64_t bad_frames_ = 0;
  bool heard_control_ = false;  // since it was connected
  uint32_t silences_ = 0;       // in a row: how often it was connected anew, unheard
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_LOOP_H_
