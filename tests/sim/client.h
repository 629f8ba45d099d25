// A simulated submitter: opens its batch, appends, seals, starts or cancels it, reads its results
// to the end, and once more from the beginning, then its report; repeats whatever is not answered,
// on new sockets when nothing answers at all. A clumsy one repeats itself without need, and at
// wrong offsets.
//
//   opening --> appending --> sealed --> closed --> read again --> reported --> pruned: done
#ifndef FANMILL_TESTS_SIM_CLIENT_H_
#define FANMILL_TESTS_SIM_CLIENT_H_

#include <map>
#include <string>

#include "lib/core/node.h"
#include "lib/core/random.h"
#include "lib/core/wire.h"
#include "tests/sim/checker.h"
#include "tests/sim/plan.h"

namespace fanmill::sim {

struct ClientOptions {
  const BatchPlan& plan;
  Checker& checker;
  uint64_t epoch;
  uint64_t seed;
  std::string controller;
};

class Client final : public Node {
 public:
  explicit Client(const ClientOptions& options);

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override { return next_; }
  bool Done() const override { return reported_ && !pruning_; }
  void CheckInvariants() const override {}
  const std::map<std::string, uint64_t>& Counters() const override { return counters_; }

 private:
  void Ask(Instant now, Outbox& outbox);
  void Reconnect(Instant now, Channel channel, const std::string& endpoint, Outbox& outbox);
  void MindSilence(Instant now, Channel channel, const std::string& endpoint, Outbox& outbox);
  void AskIntake(Outbox& outbox);
  void AskController(Instant now, Outbox& outbox);
  void Append(Outbox& outbox);
  void AppendAt(uint64_t first, Outbox& outbox);
  void Command(pb::Command::Verb verb, Outbox& outbox);
  void Read(Outbox& outbox);
  void Prune(Instant now, Outbox& outbox);
  void OnCommandReply(Instant now, const pb::CommandReply& reply, Outbox& outbox);
  void OnEnded(Instant now);
  void OnBatchOpened(const pb::BatchOpened& opened, Outbox& outbox);
  void OnAppended(const pb::Appended& appended, Outbox& outbox);
  void OnRead(Instant now, const pb::ReadReply& reply, Outbox& outbox);
  void OnReport(Instant now, const pb::BatchReport& report);

  const BatchPlan& plan_;
  Checker& checker_;
  const std::string controller_;
  Identity self_;
  Random random_;
  Instant began_{};
  Instant next_{};
  Instant closed_at_{};
  Instant ended_at_ = kNever;  // the controller said so; of a batch that may be lost
  bool unknown_ = false;       // to the ventilator; likewise
  std::map<Channel, Instant> heard_;
  std::string intake_;
  std::string facts_;
  uint32_t batch_ = 0;
  uint64_t appended_ = 0;
  bool sealed_ = false;
  bool started_ = false;
  bool cancelled_ = false;
  bool closed_ = false;
  bool read_again_ = false;
  bool reported_ = false;
  bool pruning_ = false;  // R109
  uint64_t cursor_ = 0;
  uint64_t request_ = 0;
  size_t rows_again_ = 0;
  std::map<std::string, uint64_t> counters_;
};

// A person who shuts the cluster down and asks until everybody has gone.
class Operator final : public Node {
 public:
  Operator(bool kill, uint64_t epoch, std::string controller)
      : kill_(kill), controller_(std::move(controller)), self_{pb::CLIENT, epoch, 0} {}

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override { return next_; }
  bool Done() const override { return false; }
  void CheckInvariants() const override {}
  const std::map<std::string, uint64_t>& Counters() const override { return counters_; }

 private:
  const bool kill_;
  const std::string controller_;
  const Identity self_;
  Instant next_{};
  std::map<std::string, uint64_t> counters_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_CLIENT_H_
