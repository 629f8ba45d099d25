// The PUB frame: "TOPIC VERB GENERATION" in at most 32 bytes, e.g. "b/17 KILL 3". It is only a
// hint that comes early; the same stands as state in every heartbeat reply.
#ifndef FANMILL_LIB_CORE_SIGNAL_H_
#define FANMILL_LIB_CORE_SIGNAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanmill {

struct Signal {
  enum class Topic : uint8_t { kAll, kWorker, kBatch };
  // kAsk: the state changed in some other way, ask for it (a heartbeat at once).
  enum class Verb : uint8_t { kKill, kDrain, kStart, kAsk };
  Topic topic = Topic::kAll;
  uint32_t id = 0;  // worker number or batch; 0 for kAll
  Verb verb = Verb::kAsk;
  uint64_t generation = 0;

  friend bool operator==(const Signal&, const Signal&) = default;
};

// At most kSignalFrameBytesMax bytes: REQUIRES generation < 10^12.
std::string EncodeSignal(const Signal& signal);
// Nothing when the text is not a signal in its canonical form.
std::optional<Signal> DecodeSignal(std::string_view text);
// What a SUB subscribes to; the space at its end keeps "b/1 " from matching "b/17 ".
std::string SignalPrefix(Signal::Topic topic, uint32_t id);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_SIGNAL_H_
