// Session: the worker's side of the protocol. It decides what its slots run, what it tells of it to
// whom, what it keeps until the sink has it, and when it may leave. It never runs a task: that is
// the executor's, a peer like any other. It does not promise that a task runs once, only that each
// result it ever told of is kept until it is durable or not wanted any more.
//
// This file is the table of contents; the ideas live in member.h (joining), lane.h (the talk with
// the ventilator), held_chunks.h, slot_schedule.h, slot_account.h, result_packer.h,
// output_transfer.h and leaving.h.
#ifndef FANMILL_WORKER_SESSION_H_
#define FANMILL_WORKER_SESSION_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/core/member.h"
#include "lib/core/node.h"
#include "worker/held_chunks.h"
#include "worker/lane.h"
#include "worker/leaving.h"
#include "worker/output_transfer.h"
#include "worker/slot_account.h"
#include "worker/slot_schedule.h"

namespace fanmill {

struct SessionOptions {
  uint64_t incarnation = 0;  // random, not 0
  uint64_t directory = 0;
  uint64_t seed = 0;
  std::string version, host, name;
  uint64_t pid = 0;
  std::string controller;  // numeric endpoint of its control ROUTER
  uint32_t slots = 1;
  std::vector<std::string> handlers;
  uint64_t spool_bytes = 128 << 20;  // above it no room is granted, and no chunk is begun
  uint32_t chunks_max = 4096;        // held at a time; what comes above is refused

  Duration hello_every = Millis(500);
  Duration lease = Seconds(5);
  Duration pause_after = Seconds(1);    // a tick that late was a pause
  Duration ask_every = Millis(500);     // for a spec
  Duration flush_every = Millis(2);     // results of a chunk that goes on wait at most so long
  Duration finished_every = Millis(1);  // likewise Finished words, unless a slot is idle
  Duration bite = Micros(1500);         // work that a slot is handed at a time
  Duration retry_after = Millis(20);    // a part of an output that found no room
  Duration leave_after = Seconds(1);
  Duration signal_patience = Millis(500);
};

class Session final : public Node {
 public:
  explicit Session(SessionOptions options);

  void Start(Instant now, Outbox& outbox) override;
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override;
  void Tick(Instant now, Outbox& outbox) override;
  Instant NextDeadline() const override;
  bool Done() const override;
  int ExitCode() const override;
  void CheckInvariants() const override;
  const std::map<std::string, uint64_t>& Counters() const override { return counters_; }
  std::vector<std::string> TakeNotices() override { return std::exchange(notices_, {}); }

  // For whoever must know it from outside, such as the guardian.
  uint64_t cluster() const { return member_.identity().cluster; }
  const std::string& lease_endpoint() const { return member_.state().ventilator().lease(); }
  uint32_t running() const { return schedule_.busy(); }

 private:
  struct SpecAsked {
    std::shared_ptr<const pb::Spec> spec;  // null: asked for
    Instant ask_due;
  };
  struct Word {  // of Finished, per batch
    std::vector<uint64_t> chunks;
    uint64_t tasks = 0;
    uint64_t run_us = 0;
  };
  struct FlushDue {
    Instant due;
    uint64_t chunk;
  };

  // session.cc: what every step has in common.
  void OnWire(Instant now, PeerId from, const Wire& wire, Outbox& outbox);
  void OnUndeliverable(Instant now, const Undeliverable& undeliverable);
  void NoticePause(Instant now);
  void Settle(Instant now, Outbox& outbox);
  void Count(const char* what) { ++counters_[what]; }

  // session_joining.cc: the controller's word, signals, a person's word, leaving.
  void OnControl(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnState(Instant now, Outbox& outbox);
  void OnBatchState(Instant now, const pb::BatchState& state, Outbox& outbox);
  void ForgetBatches();
  void KnowSink(Outbox& outbox);
  void OnSignal(Instant now, const Signal& signal, Outbox& outbox);
  void OnStopAsked(Instant now, const StopAsked& asked, Outbox& outbox);
  void Obey(Instant now, pb::Wish wish, bool cluster, uint64_t generation, Outbox& outbox);
  void OnStopped(const TasksStopped& stopped);
  void KillBatch(Instant now, uint32_t batch, uint64_t generation, Outbox& outbox);
  void Fill(Instant now, pb::Heartbeat& heartbeat);
  void NewsOfReceipts(Instant now);
  void MaybeLeave(Instant now, Outbox& outbox);
  void Hint(Instant now, uint64_t state_version);

  // session_lane.cc: the ventilator's word, and what is said to it.
  void OnLane(Instant now, std::shared_ptr<const pb::Envelope> envelope, Outbox& outbox);
  void OnProbe(Instant now, const pb::Probe& probe, Outbox& outbox);
  void OnChunk(Instant now, std::shared_ptr<const pb::Envelope> envelope, Outbox& outbox);
  void HoldChunk(Instant now, std::shared_ptr<const pb::Envelope> envelope, Outbox& outbox);
  void OnLease(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnGrant(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnReply(Instant now, const pb::Envelope& envelope, Outbox& outbox);
  void OnVerdicts(Instant now, const google::protobuf::RepeatedPtrField<pb::Verdict>& verdicts,
                  Outbox& outbox);
  void OnDurable(Instant now, uint64_t through, Outbox& outbox);
  void OnRecall(Instant now, const pb::Recall& recall);
  void OnSpec(Instant now, const pb::SpecReply& reply, Outbox& outbox);
  void AskSpecs(Instant now, Outbox& outbox);
  void SayHello(Outbox& outbox);
  void Report(Instant now, uint64_t sequence, Outbox& outbox);
  void SayFinished(Instant now, Outbox& outbox);

  // session_tasks.cc: what the slots run and what became of it.
  void Feed(Instant now, Outbox& outbox);
  void Hand(Instant now, const worker::SlotSchedule::Start& start, Outbox& outbox);
  void OnRan(Instant now, const TasksRan& ran, Outbox& outbox);
  void TakePlain(worker::HeldChunk& chunk, const TasksRan& ran);
  // Whether it was stopped before it ended.
  bool TakeOutcome(worker::HeldChunk& chunk, const TaskOutcome& outcome, Outbox& outbox);
  void AddWord(Instant now, const worker::HeldChunk& chunk, uint32_t tasks, Duration run);
  void GiveBackAll(Instant now);
  void Changed(Instant now, worker::HeldChunk& chunk);  // what waits of it

  // session_results.cc: results on their way, and until they are not needed any more.
  void Flush(worker::HeldChunk& chunk, Outbox& outbox);
  void FlushDueChunks(Instant now, Outbox& outbox);
  void Resend(worker::HeldChunk& chunk, bool* socket_is_new, Outbox& outbox);
  void Drop(Instant now, worker::HeldChunk& chunk, Outbox& outbox);
  void DropResults(worker::HeldChunk& chunk, Outbox& outbox);
  void EraseIfOver(worker::HeldChunk& chunk, Outbox& outbox);
  void OnOutputRead(const OutputRead& read, Outbox& outbox);
  uint64_t SpoolRoom() const;

  const SessionOptions options_;
  Member member_;
  worker::Lane lane_;
  worker::HeldChunks held_;
  worker::SlotSchedule schedule_;
  worker::SlotAccounts accounts_;
  worker::OutputTransfer transfer_;
  uint64_t parts_at_resend_ = 0;  // of transfer_.parts_sent()
  worker::Leaving leaving_;
  worker::DeadBatches dead_;
  std::map<uint32_t, SpecAsked> specs_;
  std::map<uint32_t, Word> words_;
  std::deque<FlushDue> flush_due_;  // in the order of their time
  std::set<uint32_t> listed_;       // batches of the newest state
  std::set<uint32_t> ran_;          // batches of which something was handed to a slot
  std::set<uint32_t> receipted_;    // batches whose receipts were told as news
  Instant words_due_ = kNever;
  Instant specs_due_ = kNever;
  bool report_due_ = false;  // unasked, at the end of this step
  bool told_full_ = false;   // the last report granted no room
  uint64_t hinted_version_ = 0;
  uint64_t sink_epoch_ = 0;
  std::string sink_endpoint_;
  std::map<std::string, uint64_t> counters_;
  std::vector<std::string> notices_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_SESSION_H_
