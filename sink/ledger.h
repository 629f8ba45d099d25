// Ledger: the sink. It writes down what became of every task, says so only when that is durable,
// and answers from what is written: acks and facts to the ventilator, summaries to the controller,
// results to whoever reads. This class is the table of contents: it routes.
//
//   results ---> Commit (journal) ---durable---> BatchFold ---> Acks ---> ventilator
//   facts   ---> records through the same Commit; AnswerFacts once they are durable
//   reads   ---> Reads (rows again from the journal, judged by the fold)
//
//   recovering --last page--> serving --stage 3 of a cluster wish--> leaving --> done
#ifndef FANMILL_SINK_LEDGER_H_
#define FANMILL_SINK_LEDGER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "lib/core/member.h"
#include "lib/core/node.h"
#include "sink/ack_link.h"
#include "sink/acks.h"
#include "sink/batches.h"
#include "sink/commit.h"
#include "sink/counts.h"
#include "sink/facts.h"
#include "sink/reads.h"

namespace fanmill {

struct LedgerOptions {
  uint64_t epoch = 0;
  uint64_t directory = 0;
  uint64_t seed = 0;
  std::string version;
  std::string host;
  std::string name;
  uint64_t pid = 0;
  pb::Durability durability = pb::DURABILITY_UNKNOWN;  // of the journal
  std::string controller;                              // numeric endpoint of its control ROUTER
  pb::Endpoints endpoints;                             // results and facts, as others reach them

  uint64_t memory_bytes = 256 << 20;   // of rows that wait to be durable
  uint64_t batches_max = 100'000;      // known at all; then the oldest ends are let go
  uint64_t keep_batches = UINT64_MAX;  // whose results stay once they ended. R109
  uint64_t askers_max = 64;            // whose facts wait for the disk
  Duration hello_every = Millis(500);
  Duration lease = Seconds(5);
  Duration leave_wait = Seconds(1);
  FactsLimits facts;
  ReadLimits reads;
};

// R68: batches are forgotten when the journal has less room than this part of the most it had.
inline constexpr uint64_t kLowRoomPart = 4;

class Ledger final : public Node {
 public:
  explicit Ledger(LedgerOptions options);

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override;
  bool Done() const override { return done_; }
  int ExitCode() const override { return member_.refused().empty() ? 0 : 5; }
  void CheckInvariants() const override;
  const std::map<std::string, uint64_t>& Counters() const override { return counts_.all(); }
  std::vector<std::string> TakeNotices() override { return std::exchange(notices_, {}); }

 private:
  enum class Phase { kRecovering, kServing, kLeaving };
  struct Asker {
    uint64_t sequence;  // its answer waits until this is durable
    pb::FactsRequest request;
  };

  // ledger.cc: who speaks, and what that is about
  void OnWire(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  void OnControl(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnState(Instant now, Outbox& outbox);
  void OnFacts(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox);
  void OnSummary(Instant now, PeerId from, const pb::SummaryRequest& request, Outbox& outbox);
  void OnProbe(Instant now, const pb::ProbeEcho& echo, Outbox& outbox);
  void OnUndeliverable(Instant now, const Undeliverable& undeliverable, Outbox& outbox);
  void AnswerAsker(uint64_t connection, const pb::FactsRequest& request, Outbox& outbox) const;
  void AnswerAskers(Outbox& outbox);
  Reads::Scene SceneNow(Instant now, Outbox& outbox);

  // known.cc: which batches there are, and which are over
  Batch* BatchFor(uint32_t number, Outbox& outbox);
  void MakePlace(Outbox& outbox);
  bool IsGone(const Batch& batch) const;
  void CloseIfGone(Batch& batch, Instant now, Outbox& outbox);
  void CloseGone(Instant now, Outbox& outbox);
  void JudgeBegun(Instant now, Outbox& outbox);

  // room.cc: what may still be taken, and how room is made
  uint64_t FreeBytes() const;
  uint64_t RoomBytes() const;  // as others are told
  bool HasRoomFor(uint64_t bytes, Outbox& outbox);
  void OnJournalRoom(uint64_t bytes, Outbox& outbox);
  void MakeRoomFor(const pb::FactsRequest& request, Outbox& outbox);
  void MakeRoom(uint64_t wanted, size_t kept, Outbox& outbox);
  void ForgetOldest(const std::string& why, Outbox& outbox);
  void Forget(uint32_t number, Outbox& outbox);
  void KeepNewest(Outbox& outbox);
  void OnPrune(PeerId from, const pb::PruneRequest& request, Outbox& outbox);
  std::string WhyFull() const;

  // rows.cc: what is written, and what is done when it is durable
  void OnResults(Instant now, const Wire& wire, Outbox& outbox);
  void OnPart(Instant now, const Wire& wire, Outbox& outbox);
  bool Admits(const pb::Envelope& envelope, Instant now, Outbox& outbox);
  void Open(uint32_t number, Instant now, Outbox& outbox);
  void WriteFacts(const pb::BatchFacts& facts, Instant now, Outbox& outbox);
  void Finalise(Batch& batch, const pb::AttemptFailure& failure, Instant now, Outbox& outbox);
  void Close(Batch& batch, bool cancelled, uint64_t tasks, Instant now, Outbox& outbox);
  void OnRecovered(Instant now, const JournalRecovered& page, Outbox& outbox);
  void OnDurable(Instant now, uint64_t through, Outbox& outbox);
  void Apply(const LedgerRow& row, Instant now);
  void ApplyPart(Batch& batch, const LedgerRow& row);
  void ApplyResults(Batch& batch, const LedgerRow& row, Instant now);
  void ApplyRecord(Batch& batch, const LedgerRow& row, Instant now);
  void CloseComplete(Instant now, Outbox& outbox);

  LedgerOptions options_;
  Counts counts_;
  Member member_;
  AckLink ack_link_;
  Phase phase_ = Phase::kRecovering;
  Batches batches_;
  Commit commit_;
  Acks acks_;
  Reads reads_;
  uint64_t ventilator_epoch_ = 0;            // the newest seen
  uint64_t ventilator_epoch_row_ = 0;        // the row that makes it durable
  uint64_t journal_room_ = UINT64_MAX;       // as it last said, and what was freed since
  uint64_t journal_room_max_ = 0;            // the most it ever had
  uint64_t lacked_ = 0;                      // bytes of the row that last found no room
  absl::btree_set<uint32_t> listed_;         // batches in the controller's state
  std::deque<uint32_t> ended_;               // batches that may be forgotten, oldest end first
  std::deque<uint32_t> forgotten_;           // R68; only their ends are known, oldest first
  absl::btree_map<uint64_t, Asker> askers_;  // by connection
  absl::btree_set<uint32_t> touched_;        // batches that rows were just applied to
  absl::btree_set<uint32_t> begun_;          // batches that the state may be too old to list
  bool told_of_full_ = false;
  bool told_of_no_place_ = false;
  Instant leave_by_ = kNever;
  bool done_ = false;
  std::vector<std::string> notices_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_LEDGER_H_
