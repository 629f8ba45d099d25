// The machine's clock, for shells alone: pure code is told the time.
#ifndef FANMILL_LIB_IO_CLOCK_H_
#define FANMILL_LIB_IO_CLOCK_H_

#include <time.h>

#include "lib/core/instant.h"

namespace fanmill {

// CLOCK_MONOTONIC: it neither jumps with the wall clock nor counts while the machine sleeps.
inline Instant Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Instant(Micros(int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000));
}

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_CLOCK_H_
