// Routes: which body travels on which channel, and who may send it. The table of PROTOCOL.md,
// section 1. R1
#ifndef FANMILL_LIB_CORE_ROUTES_H_
#define FANMILL_LIB_CORE_ROUTES_H_

#include "lib/core/peer.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

// Why an envelope with this body and of this sender does not belong on the channel, or null when it
// does.
const char* WhyAstray(Channel channel, const v1::Envelope& envelope);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_ROUTES_H_
