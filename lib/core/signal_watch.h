// SignalWatch: whether a member's SUB hears the controller's PUB at all. A subscriber is not told
// that nobody is at the other end, or that a firewall lies between, so its heartbeats ask for a
// signal until one is heard. The control channel answers: only when it does and still nothing is
// heard is the silence the signal channel's own. Nothing depends on it but a warning. R18
#ifndef FANMILL_LIB_CORE_SIGNAL_WATCH_H_
#define FANMILL_LIB_CORE_SIGNAL_WATCH_H_

#include <cstdint>
#include <utility>

#include "lib/core/instant.h"

namespace fanmill {

class SignalWatch {
 public:
  static constexpr Duration kAskEvery =
      Millis(100);  // what was said before it was connected is lost

  // Its SUB was connected, for the first time or anew. `patience` 0: it is not watched.
  void Connected(Instant now, Duration patience) {
    waits_ = patience > Duration{0};
    until_ = After(now, patience);
    asked_ = 0;
  }
  void Heard() { waits_ = deaf_ = false; }
  void Excuse(Duration pause) { until_ = After(until_, pause); }

  // Before each heartbeat: whether it is to ask. `answered` is the newest that was answered.
  bool Ask(Instant now, uint64_t sequence, uint64_t answered) {
    if (!waits_) return false;
    if (now >= until_ && asked_ != 0 && answered >= asked_) {
      waits_ = false;
      deaf_ = true;
      return false;
    }
    asked_ = sequence;
    return true;
  }
  // How long after one heartbeat the next one leaves.
  Duration Every(Instant now, Duration otherwise) const {
    return waits_ && now < until_ ? kAskEvery : otherwise;
  }
  // Whether nothing was heard in all that time; told once.
  bool TakeDeaf() { return std::exchange(deaf_, false); }

 private:
  bool waits_ = false;
  bool deaf_ = false;
  Instant until_ = kNever;
  uint64_t asked_ = 0;  // the newest heartbeat that asked; 0: none did
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_SIGNAL_WATCH_H_
