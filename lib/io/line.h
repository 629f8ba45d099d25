// Line: one socket of one channel as the loop sees it: frames in, frames out, never waiting.
#ifndef FANMILL_LIB_IO_LINE_H_
#define FANMILL_LIB_IO_LINE_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <zmq.hpp>

#include "lib/core/local.h"
#include "lib/core/peer.h"

namespace fanmill {

struct Received {
  PeerId from;
  Frame frame;           // shares the socket's own memory
  std::string_view bad;  // why it is no message of ours; empty: it may be one
};

enum class Sent { kTaken, kNoRoom, kUnreachable, kTooLarge };

class Line {
 public:
  Line(Channel channel, bool bound, zmq::socket_t socket);

  // Nothing when no message waits.
  std::optional<Received> Receive();
  // Sizes are checked here: one oversize message would take its neighbours with it.
  Sent Send(uint64_t to, const Frame& frame);
  // Lets a socket that is only sent on take note of who came and went meanwhile.
  void Touch();

  Channel channel() const { return channel_; }
  bool bound() const { return bound_; }
  bool receives() const { return receives_; }
  zmq::socket_type type() const { return type_; }
  void* handle() { return socket_.handle(); }

 private:
  bool Take(zmq::message_t& part);
  int Put(zmq::message_t part, bool more);

  Channel channel_;
  bool bound_;
  zmq::socket_type type_;
  bool receives_;
  zmq::socket_t socket_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_LINE_H_
