// SendOnce: one message to somebody who will not answer, from a process that is about to end.
#ifndef FANMILL_LIB_IO_SEND_ONCE_H_
#define FANMILL_LIB_IO_SEND_ONCE_H_

#include <string>

#include "absl/status/status.h"
#include "lib/core/instant.h"
#include "lib/core/peer.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

struct KeyPair;

// Connects, sends, and waits until the message left this machine, `patience` at most: nobody can
// tell whether it arrived. `endpoint` is numeric; `key` is null without CURVE.
absl::Status SendOnce(Channel channel, const std::string& endpoint, const KeyPair* key,
                      const v1::Envelope& envelope, Duration patience);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_SEND_ONCE_H_
