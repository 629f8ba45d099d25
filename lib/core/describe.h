// One line about a message, for logs, --trace-messages and the simulator's transcript.
#ifndef FANMILL_LIB_CORE_DESCRIBE_H_
#define FANMILL_LIB_CORE_DESCRIBE_H_

#include <string>

#include "lib/core/message.h"

namespace fanmill {

// Short, printable, without payloads: "TaskChunk chunk=1:7 batch=1 tasks=0..99". A chunk id is
// written as its epoch, a colon and its number.
std::string Describe(const Message& message);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_DESCRIBE_H_
