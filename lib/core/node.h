// Node: one participant in the protocol. It decides; it never does. Messages and time come in, the
// messages it wants sent come out. No socket, clock, thread, file, log or randomness inside: the
// same inputs give the same outputs, always.
#ifndef FANMILL_LIB_CORE_NODE_H_
#define FANMILL_LIB_CORE_NODE_H_

#include <map>
#include <string>

#include "lib/core/instant.h"
#include "lib/core/message.h"

namespace fanmill {

class Node {
 public:
  virtual ~Node() = default;
  // Called once, before anything else.
  virtual void Start(Instant now, Outbox& outbox) = 0;
  // Applies one message. What is unexpected is counted and changes nothing.
  virtual void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) = 0;
  // Acts on every deadline at or before `now`. Early and repeated calls are harmless.
  virtual void Tick(Instant now, Outbox& outbox) = 0;
  // When Tick next has work; kNever if nothing is due.
  virtual Instant NextDeadline() const = 0;
  // True once this participant has nothing left to do and may exit.
  virtual bool Done() const = 0;
  // The exit code to leave with once Done.
  virtual int ExitCode() const { return 0; }
  // Aborts when an invariant does not hold. The simulator calls it after every step.
  virtual void CheckInvariants() const = 0;
  // Counters of what happened, by name, for status, logs and the simulator's coverage.
  virtual const std::map<std::string, uint64_t>& Counters() const = 0;
  // What a person should be told now, one sentence each, oldest first; taken once.
  virtual std::vector<std::string> TakeNotices() { return {}; }
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_NODE_H_
