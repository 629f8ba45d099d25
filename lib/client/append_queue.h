// AppendQueue: the tasks of one batch on their way to the ventilator. Decides how they are cut into
// messages, how much may be unanswered, and what is said again. Pure: the writer owns the socket.
//
//   Add -> [filling] -> closed -> sent -> answered as durable, and forgotten
//                          ^-------'  Rewind: said again
#ifndef FANMILL_LIB_CLIENT_APPEND_QUEUE_H_
#define FANMILL_LIB_CLIENT_APPEND_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "lib/core/instant.h"
#include "proto/fanmill.pb.h"

namespace fanmill::client {

inline constexpr size_t kAppendBytesAim = 256 << 10;  // a message is closed at the one or the other
inline constexpr int kAppendTasksAim = 4096;

class AppendQueue {
 public:
  AppendQueue(uint32_t batch, uint64_t room_bytes) : batch_(batch), room_(room_bytes) {}

  // REQUIRES: the payload is at most kTaskPayloadBytesMax.
  void Add(std::string_view payload, std::optional<Duration> cost);
  // One message for all of them, however many.
  void AddRange(int64_t start, int64_t step, uint64_t count);
  // Lets go what is being filled.
  void Close();

  // The next message that may be sent now, as an envelope without a header; null when all closed
  // ones were sent, or there is no room. It counts as sent.  R82
  v1::Envelope* TakeNext();
  // Takes over the durable count and the room. Room after none: what came while there was none was
  // not taken, so it is sent again.  R81, R82
  void Apply(const v1::Appended& appended);
  // What was sent and not answered is sent again, the first of it even without room: whoever has
  // none says so in its answer.
  void Rewind();

  uint64_t added() const { return added_; }
  uint64_t durable() const { return durable_; }
  bool filling() const { return open_.append().count() > 0; }
  size_t unsent() const { return pending_.size() - sent_; }  // closed messages
  bool all_durable() const { return pending_.empty() && !filling(); }

 private:
  struct Pending {
    v1::Envelope envelope;
    uint64_t end;  // one past its last task
    uint64_t bytes;
  };

  uint32_t batch_;
  uint64_t room_;
  uint64_t added_ = 0;
  uint64_t durable_ = 0;
  v1::Envelope open_;            // being filled
  std::deque<Pending> pending_;  // closed and not durable; the first sent_ of them were sent
  size_t sent_ = 0;
  uint64_t sent_bytes_ = 0;
  bool asking_ = false;   // the next one goes whatever the room
  bool no_room_ = false;  // the last answer said so
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_APPEND_QUEUE_H_
