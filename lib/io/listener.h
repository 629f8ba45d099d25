// Whether anybody listens at an address, as anybody may ask: by a connection that says nothing.
#ifndef FANMILL_LIB_IO_LISTENER_H_
#define FANMILL_LIB_IO_LISTENER_H_

#include "lib/io/address.h"

namespace fanmill {

// Of an address inside the process, false. May wait as long as the kernel tries to connect, which
// on one machine is no time at all.
bool SomebodyListens(const Address& address);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_LISTENER_H_
