// Controller: who is in the cluster, what is wished of it, and the life of every batch.
//
// It decides when a batch starts (R90, R91), makes cancels and shutdowns certain by receipts (R92,
// R100 to R103), gathers the reports (R95), and answers people. It holds no task and no result, and
// nothing that runs needs it: after a restart it is told all it forgot, or reads it in its book.
//
// A wish goes: command -> row in the book -> durable -> state -> signal -> receipts. A request that
// must outlive a crash before it is answered waits for its row, and is then handled a second time;
// requests may be repeated, so that is all there is to it.
#ifndef FANMILL_CONTROLLER_CONTROLLER_H_
#define FANMILL_CONTROLLER_CONTROLLER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "controller/batch_life.h"
#include "controller/book.h"
#include "controller/confirmation.h"
#include "controller/membership.h"
#include "controller/reports.h"
#include "controller/state_view.h"
#include "controller/wishes.h"
#include "lib/core/node.h"
#include "lib/core/wire.h"

namespace fanmill {

struct ControllerOptions {
  uint64_t epoch = 1;
  uint64_t directory = 0;
  uint64_t seed = 0;
  uint64_t cluster = 1;  // not 0
  std::string version;
  std::string host;
  std::string name;
  uint64_t pid = 0;
  pb::Durability durability = pb::DURABILITY_UNKNOWN;  // of the journal
  std::string signal;                                  // endpoint of the PUB

  Duration heartbeat_every = Millis(500);
  Duration lease = Seconds(5);
  Duration pause = Seconds(1);          // a tick later than this: we were stopped ourselves
  Duration ask_every = Millis(500);     // of the sink, until it answers
  Duration report_wait = Seconds(1);    // for the sink, before a report is told without it
  Duration account_wait = Seconds(10);  // for accounts of an ended batch
  Duration untold = Seconds(2);         // from the end of a shutdown to leaving, if nobody asks
  Duration farewell = Millis(200);      // from telling a person to leaving: the reply must get out
  Duration gone_shown = Seconds(600);

  size_t workers_max = 4096;
  size_t gone_max = 1024;
  size_t batches_max = 1024;
  size_t waiting_max = 8192;  // requests that wait for a row
  size_t report_waiters_max = 256;
  size_t reports_max = 1000;
  size_t report_bytes_max = 64 << 20;
};

class Controller final : public Node {
 public:
  explicit Controller(ControllerOptions options);

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override;
  bool Done() const override { return done_; }
  void CheckInvariants() const override;
  const std::map<std::string, uint64_t>& Counters() const override { return counters_; }
  std::vector<std::string> TakeNotices() override;

 private:
  using Batch = control::Batch;
  using Member = control::Member;

  struct Waiting {
    uint64_t row;
    PeerId from;
    Wire request;
  };
  struct ReportWaiter {
    PeerId from;
    uint64_t request;
    uint32_t batch;
    Instant deadline;
  };

  // controller.cc: what comes in, and time.
  void OnWire(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  void OnBadFrame(PeerId from, const BadFrame& bad, Outbox& outbox);
  void OnStopAsked();
  void NoticePause(Instant now);
  void Sweep(Instant now, Outbox& outbox);
  void Reply(PeerId to, pb::Envelope envelope, Outbox& outbox);
  pb::Envelope NewReply() const { return NewEnvelope(self_); }
  void Send(Signal signal, Outbox& outbox);
  // The state changed in a way that others act on. R13
  void ChangedForAll(Outbox& outbox);
  void WaitForBook(PeerId from, const Wire& request);
  void Count(const char* what) { ++counters_[what]; }
  void Notice(std::string text);
  const pb::ClusterState& State(Instant now);

  // recovery.cc: the book, read and written.
  void OnRecovered(Instant now, const JournalRecovered& page, Outbox& outbox);
  void Recover(Instant now, const pb::BookRecord& record, Outbox& outbox);
  Batch& RecoverBatch(uint32_t id);
  void RecoverReport(Instant now, const pb::BookRecord& record, Outbox& outbox);
  void RecoverReceipt(const pb::ReceiptFact& fact);
  void RecoverMember(Instant now, const pb::MemberFact& fact);
  void OnDurable(Instant now, uint64_t through, Outbox& outbox);
  void WriteMember(const Member& member, Outbox& outbox);

  // joining.cc: Hello and Heartbeat.
  void OnHello(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  void OnRoleHello(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  void OnWorkerHello(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox);
  Member& Join(Instant now, const pb::Envelope& envelope, pb::Hello hello, Outbox& outbox);
  void NoticeJoin(const Member& member);
  void Welcome(Instant now, PeerId to, uint32_t number, Outbox& outbox);
  void Refuse(PeerId to, std::string reason, Outbox& outbox);
  void OnHeartbeat(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  void AnswerHeartbeat(Instant now, PeerId to, const pb::Heartbeat& heartbeat, Outbox& outbox);
  void OnDeath(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnLeaving(Instant now, Member& member, Outbox& outbox);
  void OnReceipts(Instant now, Member& worker, const pb::Heartbeat& heartbeat, Outbox& outbox);
  void OnReceipt(Instant now, Member& worker, const pb::Receipt& receipt, bool leaving,
                 Outbox& outbox);
  void OnLateReceipt(const Member& worker, const pb::Receipt& receipt, Outbox& outbox);
  void Confirm(Member& worker);
  void ReviewOwed(const Member& member);
  void OnAccount(Member& worker, const pb::SlotAccount& account, bool leaving);
  void OnReady(const pb::Heartbeat& heartbeat);
  void OnAway(Instant now, Outbox& outbox);
  void ConnectFacts(Instant now, Outbox& outbox);

  // batches.cc: from the ventilator's progress to the report.
  void OnProgress(Instant now, const pb::Heartbeat& heartbeat, Outbox& outbox);
  Batch* BatchFor(const pb::BatchProgress& progress);
  void CheckBatch(Instant now, Batch& batch, Outbox& outbox);
  void CheckBatches(Instant now, Outbox& outbox);
  bool MayStart(const Batch& batch) const;
  void TryStart(Instant now, Batch& batch, Outbox& outbox);
  void TryEnd(Instant now, Batch& batch, Outbox& outbox);
  void WriteEnd(Batch& batch, Outbox& outbox);
  void ApplyReport(Instant now, const pb::BookRecord& record, Outbox& outbox);
  void TryReport(Instant now, Batch& batch, Outbox& outbox);
  void GiveUpIfLost(Instant now, Batch& batch, Outbox& outbox);
  void TakeEndFromProgress(Batch& batch) const;
  void GiveUp(Batch& batch, const char* why, Outbox& outbox);
  void WriteKill(Batch& batch, Outbox& outbox);
  void CheckLedger(Instant now, Batch& batch, Outbox& outbox);
  void Serve(Batch& batch, Member& worker);
  void ApplyWish(Instant now, const pb::BatchWish& wish, Outbox& outbox);
  void AskSummary(Instant now, Batch& batch, Outbox& outbox);
  void OnSummary(Instant now, const pb::BatchSummary& summary, Outbox& outbox);
  void Retire(const pb::BookRecord& reported);
  uint32_t Offering(const Batch& batch) const;

  // commands.cc: what a person asks.
  void OnCommand(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  pb::CommandReply Status(Instant now, uint32_t batch);
  // The next four return false when the request waits and is answered later.
  bool StartBatch(Instant now, PeerId from, const Wire& wire, pb::CommandReply& reply, Outbox& out);
  bool CancelBatch(Instant now, PeerId from, const Wire& wire, pb::CommandReply& reply,
                   Outbox& out);
  bool ShutDown(Instant now, PeerId from, const Wire& wire, pb::CommandReply& reply, Outbox& out);
  bool Report(Instant now, PeerId from, const pb::Command& command, pb::CommandReply& reply,
              Outbox& outbox);
  void TellReports(Instant now, uint32_t batch, Outbox& outbox);
  bool MayComeYet(uint32_t batch) const;
  void SayNoSuchBatch(uint32_t batch, pb::CommandReply& reply) const;
  void Show(Instant now, const Batch& batch, pb::CommandReply& reply) const;
  void ShowEnded(Instant now, const control::Reports::Ended& ended, pb::CommandReply& reply) const;
  std::string WhyItWaits(Instant now, const Batch& batch) const;

  // shutdown.cc: wishes for the whole cluster. R102
  void ApplyClusterWish(Instant now, const pb::ClusterWish& wish, Outbox& outbox);
  void AdvanceShutdown(Instant now, Outbox& outbox);
  void Leave(Instant now);

  const ControllerOptions options_;
  const Identity self_;
  control::Book book_;
  control::Membership members_;
  control::Wishes wishes_;
  control::Reports reports_;
  control::StateView view_;
  std::map<uint32_t, Batch> batches_;         // not ended, or their report not durable yet
  std::map<std::string, uint32_t> offering_;  // ready workers by handler
  bool recovered_ = false;
  bool listed_ = false;  // a ventilator has told of all its batches since this start
  Instant last_step_;
  std::deque<Waiting> waiting_;               // by row
  std::vector<ReportWaiter> report_waiters_;  // by deadline
  std::string facts_;                         // the sink's endpoint that we connected to
  Instant facts_asked_ = kNever;              // since when an answer is owed
  Instant over_since_ = kNever;
  Instant told_ = kNever;
  bool over_durable_ = false;
  bool done_ = false;
  std::map<std::string, uint64_t> counters_;
  std::vector<std::string> notices_;
};

}  // namespace fanmill

#endif  // FANMILL_CONTROLLER_CONTROLLER_H_
