// GuardedSession: the session, whose guardian learns from the slot table whom to tell of its death.
#ifndef FANMILL_WORKER_GUARDED_SESSION_H_
#define FANMILL_WORKER_GUARDED_SESSION_H_

#include <map>
#include <string>
#include <vector>

#include "lib/core/node.h"
#include "worker/session.h"
#include "worker/slot_table.h"

namespace fanmill {

class GuardedSession final : public Node {
 public:
  // Both outlive it.
  GuardedSession(Session& session, SlotTable& table, const SessionOptions& options);

  void Start(Instant now, Outbox& outbox) override { session_.Start(now, outbox); }
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override { session_.Tick(now, outbox); }
  Instant NextDeadline() const override { return session_.NextDeadline(); }
  bool Done() const override { return session_.Done(); }
  int ExitCode() const override { return session_.ExitCode(); }
  void CheckInvariants() const override { session_.CheckInvariants(); }
  const std::map<std::string, uint64_t>& Counters() const override { return session_.Counters(); }
  std::vector<std::string> TakeNotices() override { return session_.TakeNotices(); }

 private:
  Session& session_;
  SlotTable& table_;
  WorkerIdentity told_{};
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_GUARDED_SESSION_H_
