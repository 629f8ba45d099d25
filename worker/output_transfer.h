// Large outputs on their way: each is read part by part from the executor's spill and sent, then
// its result. One part is under way at a time, whatever the size of the outputs and however many.
#ifndef FANMILL_WORKER_OUTPUT_TRANSFER_H_
#define FANMILL_WORKER_OUTPUT_TRANSFER_H_

#include <cstdint>
#include <deque>
#include <optional>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "lib/core/message.h"
#include "lib/core/wire.h"
#include "worker/result_packer.h"

namespace fanmill::worker {

class OutputTransfer {
 public:
  explicit OutputTransfer(Duration retry_after) : retry_after_(retry_after) {}

  // REQUIRES: the packet has large outputs; their handles stay good until it is through or
  // forgotten.
  void Queue(uint64_t chunk, const ResultPacket& packet);
  bool Has(uint64_t chunk) const;
  void Forget(uint64_t chunk);

  // Asks for the part that is due, unless one was asked for already.
  void Ask(Instant now, Outbox& outbox);
  // Sends the part, and the result behind the last one: an output that could not be read to its
  // end is cut there, or the result would never count (R64). Returns the chunk whose packet is
  // through.
  std::optional<uint64_t> OnRead(const Identity& identity, const OutputRead& read, Outbox& outbox);
  // The socket had no room: the last part goes again, a little later.
  void GoBack(Instant now);

  bool idle() const { return queue_.empty(); }
  uint64_t parts_sent() const { return parts_sent_; }  // those that the socket took
  Instant NextDeadline() const;

 private:
  struct Place {
    size_t output = 0;  // index into the packet's large outputs
    uint64_t offset = 0;
    uint32_t part = 0;
  };
  struct Item {
    uint64_t chunk;
    ResultPacket packet;
    Place next;
    std::optional<Place> last;  // what was sent last
  };
  void SendPart(const Identity& identity, const OutputRead& read, Outbox& outbox);
  static void EndOutput(Item& item);

  const Duration retry_after_;
  std::deque<Item> queue_;  // bounded by the chunks held
  uint64_t parts_sent_ = 0;
  bool asked_ = false;
  Instant not_before_{};
};

}  // namespace fanmill::worker

#endif  // FANMILL_WORKER_OUTPUT_TRANSFER_H_
