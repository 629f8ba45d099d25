// Who a message comes from or goes to, as one node sees it.
#ifndef FANMILL_LIB_CORE_PEER_H_
#define FANMILL_LIB_CORE_PEER_H_

#include <compare>
#include <cstdint>
#include <string_view>

namespace fanmill {

enum class Channel : uint8_t {
  // Over the network; docs of each in proto/PROTOCOL.md.
  kControl,
  kSignal,
  kResults,
  kAcks,
  kLease,
  kIntake,
  kFacts,
  kLane,
  // Inside the process: threads and files are peers too.
  kNet,       // the loop itself: opens and closes sockets, reports what it could not deliver
  kJournal,   // the role's durable file
  kExecutor,  // worker: runs tasks
  kPerson,    // signals of the terminal and of the service manager
};

std::string_view ChannelName(Channel channel);

// id: on a binding ROUTER, the connection (whoever speaks next on it may be somebody else: what
// matters is in the message); on lanes, the lane token; everywhere else 0.
struct PeerId {
  Channel channel;
  uint64_t id = 0;

  friend auto operator<=>(const PeerId&, const PeerId&) = default;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_PEER_H_
