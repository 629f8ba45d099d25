// Dispatcher: the ventilator. It takes batches from clients, hands their tasks to workers over one
// lane each, and stays responsible for every task until the sink says that its end is durable.
// This class is the table of contents; each part decides one thing:
//
//   Intake   what is accepted, durable before it is acknowledged        R80-R83
//   Lanes    who is there, what is outstanding with whom, leases        R20-R24, R30-R44, R50-R55
//   Facts    what the sink knows, and what it must be told              R70-R76
//   Feeder   who gets the next chunk, and of which batch                R91, R94, R44
//
// It does not decide when a batch starts or is cancelled (the controller), nor when it is over (the
// sink).
#ifndef FANMILL_VENTILATOR_DISPATCHER_H_
#define FANMILL_VENTILATOR_DISPATCHER_H_

#include <map>
#include <string>
#include <vector>

#include "lib/core/node.h"
#include "ventilator/facts.h"
#include "ventilator/intake.h"
#include "ventilator/lanes.h"
#include "ventilator/mill.h"
#include "ventilator/options.h"
#include "ventilator/schedule/feeder.h"

namespace fanmill {

class Dispatcher final : public Node {
 public:
  explicit Dispatcher(const DispatcherOptions& options) : mill_(options) {}

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override;
  bool Done() const override { return done_; }
  int ExitCode() const override { return mill_.member.refused().empty() ? 0 : 5; }
  void CheckInvariants() const override;
  const std::map<std::string, uint64_t>& Counters() const override { return mill_.counters; }
  std::vector<std::string> TakeNotices() override { return std::exchange(mill_.notices, {}); }

 private:
  void Take(Instant now, PeerId from, const Message& message, Outbox& outbox);
  void OnWire(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox);
  void OnControl(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnLease(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox);
  void OnIntake(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox);
  void OnAck(Instant now, const pb::Ack& ack, Outbox& outbox);
  void OnRecovered(Instant now, const JournalRecovered& page, Outbox& outbox);
  void OnState(Instant now, Outbox& outbox);
  void OnStopAsked();
  void StartBatch(Instant now, ventilator::BatchTasks& batch, Outbox& outbox);
  void CancelBatch(Instant now, ventilator::BatchTasks& batch);
  void CloseBatch(Instant now, const pb::BatchClosed& closed, Outbox& outbox);
  void AnswerSpec(PeerId to, uint32_t batch, Outbox& outbox);
  void ForgetSettled(Outbox& outbox);
  void ForgetOldest(Outbox& outbox);
  void Settle(Instant now, Outbox& outbox);
  void NotePause(Instant now);
  void WakeResting(Instant now);
  void FillHeartbeat(Instant now, pb::Heartbeat& heartbeat) const;

  ventilator::Mill mill_;
  ventilator::Lanes lanes_{mill_};
  ventilator::Intake intake_{mill_};
  ventilator::Facts facts_{mill_, lanes_};
  ventilator::Feeder feeder_{mill_, lanes_};

  bool done_ = false;
  Instant leave_at_ = kNever;    // at the latest. R102
  Instant rest_until_ = kNever;  // R56
  Instant due_ = kNever;         // what NextDeadline said after the last step. R55
};

}  // namespace fanmill

#endif  // FANMILL_VENTILATOR_DISPATCHER_H_
