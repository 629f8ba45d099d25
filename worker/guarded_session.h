// GuardedSession: the session, whose guardian learns from the slot table whom to tell of its death.
#ifndef FANMILL_WORKER_GUARDED_SESSION_H_
#define FANMILL_WORKER_GUARDED_SESSION_H_

#include "lib/core/wrapped_node.h"
#include "worker/session.h"
#include "worker/slot_table.h"

namespace fanmill {

class GuardedSession final : public WrappedNode {
 public:
  // Both outlive it.
  GuardedSession(Session& session, SlotTable& table, const SessionOptions& options);

  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;

 private:
  const Session& session_;
  SlotTable& table_;
  WorkerIdentity told_{};
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_GUARDED_SESSION_H_
