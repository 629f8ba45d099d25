// LocalPeer: a thread or a file that a node talks to by messages, as the loop sees it.
#ifndef FANMILL_LIB_IO_LOCAL_PEER_H_
#define FANMILL_LIB_IO_LOCAL_PEER_H_

#include <vector>

#include "lib/core/message.h"

namespace fanmill {

// All calls come from the loop's thread. A peer with threads of its own hands messages over
// behind these calls.
class LocalPeer {
 public:
  virtual ~LocalPeer() = default;
  // A message from the node. Never blocks for long: what takes time happens elsewhere.
  virtual void Deliver(Message message) = 0;
  // Readable (POLLIN) while Collect has something; -1: only after Deliver, on the same thread.
  virtual int event_fd() const { return -1; }
  // Appends the messages for the node and clears the event.
  virtual void Collect(std::vector<Message>& messages) = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_LOCAL_PEER_H_
