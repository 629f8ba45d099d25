// What --trace-messages prints: each message with the pair of sockets that it crosses.
#ifndef FANMILL_LIB_IO_TRACE_H_
#define FANMILL_LIB_IO_TRACE_H_

#include <string>
#include <string_view>

#include "lib/core/message.h"

namespace fanmill {

enum class Direction { kIn, kOut };

// "DEALER->ROUTER control <- Heartbeat ...": the pair from sender to receiver, then the channel, an
// arrow out of or into this process, and the message. No payloads.
std::string TraceLine(Direction direction, PeerId peer, bool bound, const Message& message);

// Text of others as the value of key=value: in quotes, in one line, cut.
std::string Quoted(std::string_view text);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_TRACE_H_
