// Facts: the ventilator's side of the reconciliation with the sink. Level-triggered: every request
// says all that is wanted, and asks for what cannot be known otherwise; replies may be lost, late
// or repeated. After a restart it first reads what is done, page by page (R56, R75).
#ifndef FANMILL_VENTILATOR_FACTS_H_
#define FANMILL_VENTILATOR_FACTS_H_

#include <functional>
#include <map>

#include "ventilator/lanes.h"
#include "ventilator/mill.h"

namespace fanmill::ventilator {

class Facts {
 public:
  Facts(Mill& mill, Lanes& lanes) : mill_(mill), lanes_(lanes) {}

  // The manifest was read: these batches must be asked for before a lane is granted.
  void AskAll();
  bool AllAnswered() const { return asking_from_.empty(); }   // R56
  void Forget(uint32_t batch) { asking_from_.erase(batch); }  // closed: all is known
  // The sink's endpoints or epoch may have changed.
  void OnState(Instant now, Outbox& outbox);
  // The batches that the sink says are closed are for the caller to close.
  std::vector<pb::BatchClosed> OnReply(Instant now, const pb::FactsReply& reply, Outbox& outbox);
  void OpenBatch(uint32_t batch, Outbox& outbox) const;  // the Guide's first message "0"

  void NoteNews(Instant now);  // after every step: ask sooner when the sink should hear something
  void Tick(Instant now, Outbox& outbox);
  Instant NextDeadline() const;
  void Excuse(Duration pause) { heard_ = After(heard_, pause); }

 private:
  void Connect(Outbox& outbox) const;
  void Request(Instant now, Outbox& outbox);
  bool Wants(const BatchTasks& batch) const;
  void Fill(Instant now, const BatchTasks& batch, int64_t& budget, pb::BatchFacts& facts) const;
  void Learn(Instant now, BatchTasks& batch, const pb::KnownFacts& known);
  Duration Every() const;

  Mill& mill_;
  Lanes& lanes_;
  pb::Endpoints sink_;
  uint64_t sink_epoch_ = 0;
  std::map<uint32_t, uint64_t> asking_from_;  // batch -> where the next page begins; R75
  uint64_t sequence_ = 0;
  Instant due_ = kNever;
  Instant asked_{};
  Instant heard_ = kNever;
  Duration soon_{0};  // how soon the next repetition is due while the sink owes something
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_FACTS_H_
