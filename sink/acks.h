// Acks: gathers what the ventilator should hear, and says it in as few messages as will hold it.
// All of it is durable when it comes here (R60).
#ifndef FANMILL_SINK_ACKS_H_
#define FANMILL_SINK_ACKS_H_

#include <cstdint>
#include <vector>

#include "lib/core/message.h"
#include "lib/core/wire.h"

namespace fanmill {

class Acks {
 public:
  // `failed`: the tasks of the chunk that are not ok.
  void Chunk(const pb::ResultChunk& chunk, std::vector<pb::AttemptFailure> failed);
  void Probe(const pb::ProbeEcho& echo) { *ack_.add_probes() = echo, owed_ = true; }
  void Closed(const pb::BatchClosed& closed) { *ack_.add_closed() = closed, owed_ = true; }

  // Sends what is owed, if anything.
  void Flush(const Identity& self, uint64_t sequence, uint64_t room_bytes, Outbox& outbox);

 private:
  void Cut();

  pb::Ack ack_;
  std::vector<uint64_t> whole_;
  size_t bytes_ = 0;  // about how large the ack is by now
  bool owed_ = false;
  std::vector<pb::Ack> full_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_ACKS_H_
