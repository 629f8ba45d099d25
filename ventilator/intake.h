// Intake: takes batches and their tasks from clients. What it acknowledges is durable in the
// manifest first. It is the only part of the dispatcher that writes the journal.
#ifndef FANMILL_VENTILATOR_INTAKE_H_
#define FANMILL_VENTILATOR_INTAKE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "proto/records.pb.h"
#include "ventilator/mill.h"

namespace fanmill::ventilator {

class Intake {
 public:
  explicit Intake(Mill& mill) : mill_(mill) {}

  // ---- clients --------------------------------------------------------------------------------
  void OnOpen(Instant now, PeerId from, const pb::OpenBatch& open, Outbox& outbox);
  void OnAppend(PeerId from, const pb::AppendTasks& append, Outbox& outbox);
  void OnSeal(PeerId from, const pb::Seal& seal, Outbox& outbox);

  // ---- the journal ----------------------------------------------------------------------------
  void OnRecovered(Instant now, const JournalRecovered& page);
  bool recovered() const { return recovered_; }
  void OnDurable(Instant now, const JournalDurable& durable, Outbox& outbox);
  void WriteStarted(uint32_t batch, Outbox& outbox);
  void WriteClosed(const pb::BatchClosed& closed, Outbox& outbox);
  // The batch ended, and others know how: its rows may go.
  void ForgetRows(BatchTasks& batch, Outbox& outbox);
  // Nothing is known of the batch any more: its token is free too.
  void ForgetToken(uint32_t batch);
  // Keeps the durable frontier ahead of what is handed out. R56
  void MoveFrontiers(Outbox& outbox);

  // After anything that may have freed memory: clients that wait for room hear of it. R82
  void TellRoom(Outbox& outbox);
  void CheckInvariants() const;

 private:
  using Token = std::pair<uint64_t, uint64_t>;
  // What takes effect, and who is told, once the row is durable.
  struct Pending {
    uint64_t sequence;
    pb::ManifestRecord::FactCase fact;
    uint32_t batch;
    uint64_t value;  // tasks, or the frontier
    PeerId reply_to;
  };

  void Write(pb::ManifestRecord record, uint64_t value, PeerId reply_to, Outbox& outbox);
  void Apply(Instant now, const Pending& pending, Outbox& outbox);
  void Recover(Instant now, const pb::ManifestRecord& record);
  void DropBroken();
  void AnswerOpen(PeerId to, const pb::OpenBatch& open, uint32_t batch, const std::string& error,
                  Outbox& outbox) const;
  void Answer(PeerId to, uint32_t batch, const std::string& error, Outbox& outbox);
  std::string Refusal(const pb::OpenBatch& open) const;
  bool IsPending(uint32_t batch, pb::ManifestRecord::FactCase fact) const;

  Mill& mill_;
  bool recovered_ = false;
  uint64_t sequence_ = 0;  // of the row that was written last
  uint64_t durable_ = 0;
  uint32_t last_batch_ = 0;
  std::map<Token, uint32_t> tokens_;
  std::map<uint32_t, Token> token_of_;
  std::set<uint32_t> broken_;               // while recovering: what lacks rows
  std::map<uint32_t, uint64_t> frontiers_;  // asked for, durable or not
  std::deque<Pending> pending_;
  std::deque<std::pair<PeerId, uint32_t>> waiting_;  // were told that there is no room
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_INTAKE_H_
