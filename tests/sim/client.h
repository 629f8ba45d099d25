// A simulated submitter: opens its batch, appends, seals, starts or cancels it, reads its results
// to the end; repeats whatever is not answered, on a new socket when nothing answers at all.
#ifndef FANMILL_TESTS_SIM_CLIENT_H_
#define FANMILL_TESTS_SIM_CLIENT_H_

#include <map>
#include <string>

#include "lib/core/node.h"
#include "lib/core/wire.h"
#include "tests/sim/checker.h"
#include "tests/sim/plan.h"

namespace fanmill::sim {

class Client : public Node {
 public:
  Client(const BatchPlan& plan, Checker& checker, uint64_t epoch);

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override { return next_; }
  bool Done() const override { return closed_; }
  void CheckInvariants() const override {}
  const std::map<std::string, uint64_t>& Counters() const override { return counters_; }

 private:
  void Ask(Instant now, Outbox& outbox);
  void AskIntake(Instant now, Outbox& outbox);
  void Append(Outbox& outbox);
  void Command(pb::Command::Verb verb, Outbox& outbox);
  void OnEndpoints(const pb::CommandReply& reply, Outbox& outbox);
  void OnAppended(Instant now, const pb::Appended& appended, Outbox& outbox);
  void OnRead(Instant now, const pb::ReadReply& reply, Outbox& outbox);
  void Read(Outbox& outbox);

  const BatchPlan& plan_;
  Checker& checker_;
  Identity self_;
  Instant began_{};
  Instant next_{};
  Instant heard_{};
  std::string intake_;
  std::string facts_;
  uint32_t batch_ = 0;
  uint64_t appended_ = 0;
  bool sealed_ = false;
  bool started_ = false;
  bool cancelled_ = false;
  bool closed_ = false;
  uint64_t cursor_ = 0;
  uint64_t request_ = 0;
  std::map<std::string, uint64_t> counters_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_CLIENT_H_
