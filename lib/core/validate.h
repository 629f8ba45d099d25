// What must hold in a decoded body before a machine sees it: counts agree with columns, sums of
// sizes with the bytes, enums are known, ranges ascend, limits are kept. Only what one message can
// say about itself; whether it fits the receiver's state is the machine's to judge.
#ifndef FANMILL_LIB_CORE_VALIDATE_H_
#define FANMILL_LIB_CORE_VALIDATE_H_

#include "lib/core/peer.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

// Why the envelope is no message of the channel, or null when it is one. Its protocol version is
// ours already.
const char* WhyInvalid(Channel channel, const v1::Envelope& envelope);

// The bodies with columns, on the path of every task. All in validate_chunks.cc.
const char* WhyInvalid(const v1::TaskChunk& chunk);
const char* WhyInvalid(const v1::ResultChunk& chunk);
const char* WhyInvalid(const v1::OutputPart& part);
const char* WhyInvalid(const v1::Ack& ack);
const char* WhyInvalid(const v1::AppendTasks& append);
const char* WhyInvalid(const v1::HeldChunk& held);
const char* WhyInvalid(const v1::AttemptFailure& failure);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_VALIDATE_H_
