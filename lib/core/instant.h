// Time as pure code sees it: a point somebody else measured, and spans in whole microseconds.
#ifndef FANMILL_LIB_CORE_INSTANT_H_
#define FANMILL_LIB_CORE_INSTANT_H_

#include <chrono>
#include <cstdint>

namespace fanmill {

using Duration = std::chrono::duration<int64_t, std::micro>;

// A clock that nobody can read: shells convert CLOCK_MONOTONIC to it, the simulator counts it.
struct ProtocolClock {
  using rep = int64_t;
  using period = std::micro;
  using duration = Duration;
  using time_point = std::chrono::time_point<ProtocolClock, Duration>;
};

using Instant = ProtocolClock::time_point;

inline constexpr Instant kNever = Instant::max();

constexpr Duration Micros(int64_t n) { return Duration(n); }
constexpr Duration Millis(int64_t n) { return Duration(n * 1000); }
constexpr Duration Seconds(int64_t n) { return Duration(n * 1000 * 1000); }

// now + span, or kNever where that would overflow. A span below zero is a time that has passed.
constexpr Instant After(Instant now, Duration span) {
  return span > Duration{0} && now >= kNever - span ? kNever : now + span;
}

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_INSTANT_H_
