// Message: what a node is given and what it sends. Immutable and cheap to copy.
#ifndef FANMILL_LIB_CORE_MESSAGE_H_
#define FANMILL_LIB_CORE_MESSAGE_H_

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "lib/core/local.h"
#include "lib/core/peer.h"
#include "lib/core/signal.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

// An Envelope that came off a wire (decoded and validated; `frame` holds its bytes) or that goes
// out (`frame` empty: the loop encodes it).
struct Wire {
  std::shared_ptr<const pb::Envelope> envelope;
  Frame frame;
};

using Message =
    std::variant<Wire, Signal, OpenLane, LaneOpened, LaneFailed, CloseLane, Connect, Disconnect,
                 Undeliverable, BadFrame, StopAsked, JournalWrite, JournalDurable, JournalRecovered,
                 JournalRead, JournalRows, JournalRoom, JournalForget, RunTasks, TasksRan,
                 StopTasks, TasksStopped, ReadOutput, OutputRead, OutputDone>;

struct Outgoing {
  PeerId to;
  Message message;
};

// The only effect a node has: a list of messages to send, in order.
class Outbox {
 public:
  void Send(PeerId to, Message message) { sent_.push_back({to, std::move(message)}); }
  void Send(PeerId to, pb::Envelope envelope) {
    Send(to, Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}});
  }

  const std::vector<Outgoing>& sent() const { return sent_; }
  std::vector<Outgoing> Take() { return std::exchange(sent_, {}); }
  bool empty() const { return sent_.empty(); }

 private:
  std::vector<Outgoing> sent_;
};

// Calls the member function of a handler for the message's kind: `visitor` is an overload set.
template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_MESSAGE_H_
