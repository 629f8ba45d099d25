// Envelopes to frames and back. Decoding trusts nothing: sizes before parsing, then the version,
// then every count and enum that later code relies on, so that machines may index columns freely.
#ifndef FANMILL_LIB_CORE_WIRE_H_
#define FANMILL_LIB_CORE_WIRE_H_

#include <cstdint>
#include <string>

#include "lib/core/message.h"
#include "lib/core/peer.h"

namespace fanmill {

// Who a process is, in every envelope it sends.
struct Identity {
  pb::Role role = pb::ROLE_UNKNOWN;
  uint64_t epoch = 0;
  uint64_t cluster = 0;  // 0 until the controller told it
};

// An envelope with its header filled and no body yet.
pb::Envelope NewEnvelope(const Identity& identity);

// The largest frame that may be sent or accepted on the channel, in bytes.
size_t FrameBytesMax(Channel channel);

// A Wire message or a Signal, as bytes. Aborts on local messages: they have no bytes.
Frame Encode(const Message& message);

// The bytes as a Wire (or on kSignal a Signal), or a BadFrame that says why not. The message shares
// the frame. Unknown fields are discarded.
Message Decode(Channel channel, Frame frame);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_WIRE_H_
