// Rig: a Dispatcher with everything around it played by the test: a journal that is durable at
// once (unless told otherwise), a net that opens every lane, and short words for what controller,
// workers, clients and the sink say. Checks invariants after every step.
#ifndef FANMILL_TESTS_VENTILATOR_RIG_H_
#define FANMILL_TESTS_VENTILATOR_RIG_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/task_set.h"
#include "ventilator/dispatcher.h"

namespace fanmill {

inline constexpr uint64_t kEpoch = 7;
inline constexpr uint64_t kCluster = 99;

inline DispatcherOptions RigOptions() {
  DispatcherOptions options;
  options.epoch = kEpoch;
  options.seed = 1;
  options.controller = "tcp://127.0.0.1:21000";
  return options;
}

class Rig {
 public:
  explicit Rig(DispatcherOptions options = RigOptions(), std::vector<JournalRow> rows = {})
      : dispatcher(std::make_unique<Dispatcher>(options)), journal(std::move(rows)) {
    Outbox outbox;
    dispatcher->Start(now, outbox);
    Keep(outbox);
    Handle(PeerId{Channel::kJournal}, JournalRecovered{journal, true});
  }

  // ---- steps ----------------------------------------------------------------------------------
  void Handle(PeerId from, const Message& message) {
    Outbox outbox;
    dispatcher->Handle(now, from, message, outbox);
    dispatcher->CheckInvariants();
    Keep(outbox);
  }
  void Say(PeerId from, pb::Role role, uint64_t epoch,
           const std::function<void(pb::Envelope&)>& fill) {
    pb::Envelope envelope;
    envelope.set_role(role);
    envelope.set_epoch(epoch);
    envelope.set_cluster(kCluster);
    fill(envelope);
    Handle(from, Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}});
  }
  // Lets time pass, with a tick at every deadline.
  void Pass(Duration span) {
    const Instant end = now + span;
    for (int ticks = 0; ticks < 100000 && dispatcher->NextDeadline() <= end; ++ticks) {
      now = std::max(now, dispatcher->NextDeadline());
      Outbox outbox;
      dispatcher->Tick(now, outbox);
      dispatcher->CheckInvariants();
      Keep(outbox);
      if (worker_answers) AnswerPings();
    }
    now = end;
  }
  void TickAt(Instant at) {
    now = at;
    Outbox outbox;
    dispatcher->Tick(now, outbox);
    dispatcher->CheckInvariants();
    Keep(outbox);
  }

  // ---- the controller -------------------------------------------------------------------------
  pb::ClusterState state;
  void Tell() {
    state.set_version(state.version() + 1);
    state.set_sink_epoch(1);
    state.mutable_sink()->set_results("tcp://127.0.0.1:21002");
    state.mutable_sink()->set_facts("tcp://127.0.0.1:21005");
    const bool first = !joined_;
    joined_ = true;
    Say(PeerId{Channel::kControl}, pb::CONTROLLER, 1, [&](pb::Envelope& e) {
      if (first) {
        e.mutable_welcome()->set_cluster(kCluster);
        e.mutable_welcome()->set_signal("tcp://127.0.0.1:21001");
        e.mutable_welcome()->set_heartbeat_us(1'000'000);
        *e.mutable_welcome()->mutable_state() = state;
      } else {
        e.mutable_heartbeat_reply()->set_state_version(state.version());
        e.mutable_heartbeat_reply()->set_sequence(heartbeats_);
        *e.mutable_heartbeat_reply()->mutable_state() = state;
      }
    });
  }
  void StartBatch(uint32_t batch) {
    StateOf(batch).set_started(true);
    Tell();
  }
  void CancelBatch(uint32_t batch) {
    StateOf(batch).set_generation(3);
    Tell();
  }

  // ---- a client -------------------------------------------------------------------------------
  PeerId client{Channel::kIntake, 5};
  uint32_t Open(const pb::Spec& spec, uint64_t token = 0) {
    if (!joined_) Tell();  // R17
    const uint64_t low = token != 0 ? token : ++tokens_;
    Say(client, pb::CLIENT, 1, [&](pb::Envelope& e) {
      e.mutable_open_batch()->set_token_high(1);
      e.mutable_open_batch()->set_token_low(low);
      *e.mutable_open_batch()->mutable_spec() = spec;
    });
    const auto answers = Sent(pb::Envelope::kBatchOpened);
    return answers.empty() ? 0 : answers.back().batch_opened().batch();
  }
  uint32_t Open(const std::string& handler = "noop", uint32_t retries = 0) {
    pb::Spec spec;
    spec.set_handler(handler);
    spec.set_retries(retries);
    return Open(spec);
  }
  void Append(uint32_t batch, uint64_t first, uint64_t count) {
    Say(client, pb::CLIENT, 1, [&](pb::Envelope& e) {
      e.mutable_append()->set_batch(batch);
      e.mutable_append()->set_first(first);
      e.mutable_append()->set_count(count);
    });
  }
  void AppendCosts(uint32_t batch, uint64_t first, const std::vector<uint32_t>& costs) {
    Say(client, pb::CLIENT, 1, [&](pb::Envelope& e) {
      e.mutable_append()->set_batch(batch);
      e.mutable_append()->set_first(first);
      e.mutable_append()->set_count(costs.size());
      for (const uint32_t cost : costs) e.mutable_append()->add_cost_us(cost);
    });
  }
  void AppendPayloads(uint32_t batch, uint64_t first, const std::vector<std::string>& payloads) {
    Say(client, pb::CLIENT, 1, [&](pb::Envelope& e) {
      e.mutable_append()->set_batch(batch);
      e.mutable_append()->set_first(first);
      e.mutable_append()->set_count(payloads.size());
      for (const std::string& payload : payloads) {
        e.mutable_append()->add_payload_size(static_cast<uint32_t>(payload.size()));
        e.mutable_append()->mutable_payloads()->append(payload);
      }
    });
  }
  void Seal(uint32_t batch, uint64_t tasks) {
    Say(client, pb::CLIENT, 1, [&](pb::Envelope& e) {
      e.mutable_seal()->set_batch(batch);
      e.mutable_seal()->set_tasks(tasks);
    });
  }
  // A started, sealed batch of so many tasks.
  uint32_t Batch(uint64_t tasks, const std::string& handler = "noop", uint32_t retries = 0) {
    const uint32_t batch = Open(handler, retries);
    if (tasks > 0) Append(batch, 0, tasks);
    Seal(batch, tasks);
    StartBatch(batch);
    return batch;
  }

  // ---- workers --------------------------------------------------------------------------------
  static PeerId LeaseOf(uint64_t worker) { return PeerId{Channel::kLease, 1000 + worker}; }
  void FromWorker(uint64_t worker, const std::function<void(pb::Envelope&)>& fill) {
    Say(LeaseOf(worker), pb::WORKER, worker, fill);
  }
  // Says LeaseHello; returns the grant (lane 0: none came).
  pb::LeaseGrant Hello(uint64_t worker, uint32_t slots = 2,
                       const std::vector<pb::HeldChunk>& held = {},
                       const std::vector<std::string>& handlers = {"noop", "exec", "sleep"}) {
    Sent(pb::Envelope::kLeaseGrant);
    FromWorker(worker, [&](pb::Envelope& e) {
      pb::LeaseHello& hello = *e.mutable_lease_hello();
      hello.set_number(static_cast<uint32_t>(worker));
      hello.set_name("w" + std::to_string(worker));
      hello.set_slots(slots);
      hello.set_spool_bytes(64 << 20);
      for (const std::string& handler : handlers) hello.add_handlers(handler);
      for (const pb::HeldChunk& chunk : held) *hello.add_held() = chunk;
    });
    const auto grants = Sent(pb::Envelope::kLeaseGrant);
    return grants.empty() ? pb::LeaseGrant() : grants.back().lease_grant();
  }
  // Lets the lane's probe come round. Returns the lane.
  uint64_t Ready(uint64_t worker, uint32_t slots = 2,
                 const std::vector<std::string>& handlers = {"noop", "exec", "sleep"}) {
    const uint64_t lane = Hello(worker, slots, {}, handlers).lane();
    Echo(lane);
    return lane;
  }
  void Echo(uint64_t lane) {
    Pass(Millis(0));
    pb::Ack ack;
    for (const pb::Envelope& e : Sent(pb::Envelope::kProbe)) {
      if (e.probe().lane() != lane) continue;
      ack.add_probes()->set_lane(lane);
      ack.mutable_probes(0)->set_nonce(e.probe().nonce());
    }
    Ack(ack);
  }
  void Report(uint64_t worker, const std::function<void(pb::LeaseReport&)>& fill) {
    FromWorker(worker, [&](pb::Envelope& e) {
      e.mutable_lease_report()->set_sequence(1);
      e.mutable_lease_report()->set_spool_room_bytes(1 << 20);
      fill(*e.mutable_lease_report());
    });
  }
  void Finish(uint64_t worker, const pb::TaskChunk& chunk, uint64_t us_per_task) {
    FromWorker(worker, [&](pb::Envelope& e) {
      PackDeltas({chunk.chunk()}, e.mutable_finished()->mutable_chunks());
      e.mutable_finished()->set_batch(chunk.batch());
      e.mutable_finished()->set_tasks(chunk.tasks().count());
      e.mutable_finished()->set_run_us(chunk.tasks().count() * us_per_task);
    });
  }

  // ---- the sink -------------------------------------------------------------------------------
  uint64_t sink_room = 1 << 30;
  std::string sink_full;
  void Ack(pb::Ack ack) {
    ack.set_room_bytes(sink_room);
    Say(PeerId{Channel::kAcks}, pb::SINK, 1, [&](pb::Envelope& e) { *e.mutable_ack() = ack; });
  }
  void AckWhole(const std::vector<uint64_t>& chunks) {
    pb::Ack ack;
    PackDeltas(chunks, ack.mutable_whole());
    Ack(ack);
  }
  void FailWhole(const pb::TaskChunk& chunk, pb::Status status = pb::FAILED) {
    pb::Ack ack;
    PackDeltas({chunk.chunk()}, ack.mutable_whole());
    uint64_t index = 0;
    for (const uint64_t task : Unpack(chunk.tasks())) {
      *ack.add_failed() = Failure(chunk, task, index++, status);
    }
    Ack(ack);
  }
  static pb::AttemptFailure Failure(const pb::TaskChunk& chunk, uint64_t task, uint64_t index,
                                    pb::Status status = pb::FAILED) {
    pb::AttemptFailure failure;
    failure.set_batch(chunk.batch());
    failure.set_task(task);
    failure.set_epoch(ChunkEpoch(chunk.chunk()));
    failure.set_attempt(chunk.attempt_size() == 0 ? 1 : chunk.attempt(static_cast<int>(index)));
    failure.set_status(status);
    failure.set_code(1);
    return failure;
  }
  void Facts(const pb::KnownFacts& known) {
    Say(PeerId{Channel::kFacts}, pb::SINK, 1, [&](pb::Envelope& e) {
      *e.mutable_facts_reply()->add_batches() = known;
      e.mutable_facts_reply()->set_room_bytes(sink_room);
      e.mutable_facts_reply()->set_full(sink_full);
    });
  }
  void Close(uint32_t batch, bool cancelled, uint64_t ok, uint64_t failed = 0) {
    pb::Ack ack;
    ack.add_closed()->set_batch(batch);
    ack.mutable_closed(0)->set_cancelled(cancelled);
    ack.mutable_closed(0)->set_ok(ok);
    ack.mutable_closed(0)->set_failed(failed);
    Ack(ack);
  }

  // ---- what was sent --------------------------------------------------------------------------
  // Takes the envelopes with that body out of what was sent, in order.
  std::vector<pb::Envelope> Sent(pb::Envelope::BodyCase body) {
    std::vector<pb::Envelope> found;
    std::vector<Outgoing> rest;
    for (Outgoing& outgoing : sent) {
      const auto* wire = std::get_if<Wire>(&outgoing.message);
      if (wire != nullptr && wire->envelope->body_case() == body) {
        found.push_back(*wire->envelope);
      } else {
        rest.push_back(std::move(outgoing));
      }
    }
    sent = std::move(rest);
    return found;
  }
  std::vector<pb::TaskChunk> Chunks() {
    std::vector<pb::TaskChunk> chunks;
    for (const pb::Envelope& e : Sent(pb::Envelope::kTasks)) chunks.push_back(e.tasks());
    return chunks;
  }
  pb::BatchFacts FactsOf(uint32_t batch) {  // as last requested
    const auto requests = Sent(pb::Envelope::kFactsRequest);
    if (requests.empty()) return {};
    for (const pb::BatchFacts& facts : requests.back().facts_request().batches()) {
      if (facts.batch() == batch) return facts;
    }
    return {};
  }
  pb::Heartbeat Heartbeat() {  // the last that was sent
    const auto heartbeats = Sent(pb::Envelope::kHeartbeat);
    return heartbeats.empty() ? pb::Heartbeat() : heartbeats.back().heartbeat();
  }
  pb::BatchProgress Progress(uint32_t batch) {
    Sent(pb::Envelope::kHeartbeat);
    Handle(PeerId{Channel::kSignal}, Signal{});
    Pass(Millis(0));
    const pb::Heartbeat heartbeat = Heartbeat();
    for (const pb::BatchProgress& progress : heartbeat.batches()) {
      if (progress.batch() == batch) return progress;
    }
    return {};
  }
  pb::LeaseReply Reply() {  // the last that was sent
    const auto replies = Sent(pb::Envelope::kLeaseReply);
    return replies.empty() ? pb::LeaseReply() : replies.back().lease_reply();
  }
  uint64_t Counted(const std::string& what) const {
    const auto found = dispatcher->Counters().find(what);
    return found == dispatcher->Counters().end() ? 0 : found->second;
  }
  static std::vector<uint64_t> Tasks(const std::vector<pb::TaskChunk>& chunks) {
    std::vector<uint64_t> tasks;
    for (const pb::TaskChunk& chunk : chunks) {
      for (const uint64_t task : Unpack(chunk.tasks())) tasks.push_back(task);
    }
    std::sort(tasks.begin(), tasks.end());
    return tasks;
  }

  std::unique_ptr<Dispatcher> dispatcher;
  Instant now = Instant(Seconds(1000));
  std::vector<Outgoing> sent;
  std::vector<JournalRow> journal;
  bool durable_at_once = true;
  bool worker_answers = false;  // every ping is answered with what the worker holds
  std::map<uint64_t, std::vector<uint64_t>> holds;  // worker -> chunks, for those answers
  void MakeDurable() { Handle(PeerId{Channel::kJournal}, JournalDurable{journal.size()}); }

 private:
  pb::BatchState& StateOf(uint32_t batch) {
    for (pb::BatchState& known : *state.mutable_batches()) {
      if (known.batch() == batch) return known;
    }
    state.add_batches()->set_batch(batch);
    return *state.mutable_batches(state.batches_size() - 1);
  }
  void AnswerPings() {
    std::vector<uint64_t> asked;
    for (const Outgoing& outgoing : sent) {
      const auto* wire = std::get_if<Wire>(&outgoing.message);
      if (wire != nullptr && wire->envelope->has_lease_reply() &&
          wire->envelope->lease_reply().ask()) {
        asked.push_back(outgoing.to.id - 1000);
      }
    }
    Sent(pb::Envelope::kLeaseReply);
    for (const uint64_t worker : asked) {
      Report(worker, [&](pb::LeaseReport& report) {
        for (const uint64_t chunk : holds[worker]) report.add_held()->set_chunk(chunk);
      });
    }
  }
  // Plays journal and net; everything else is kept for the test.
  void Keep(Outbox& outbox) {
    bool written = false;
    std::vector<Message> answers;
    for (Outgoing& outgoing : outbox.Take()) {
      if (const auto* write = std::get_if<JournalWrite>(&outgoing.message)) {
        EXPECT_EQ(write->sequence, journal.size() + 1);
        journal.push_back({write->sequence, write->batch, false, Frame::Own(write->record)});
        written = true;
      } else if (const auto* open = std::get_if<OpenLane>(&outgoing.message)) {
        answers.push_back(LaneOpened{open->lane, "tcp://127.0.0.1:21100"});
      } else if (const auto* wire = std::get_if<Wire>(&outgoing.message)) {
        heartbeats_ = std::max(heartbeats_, wire->envelope->heartbeat().sequence());
      }
      sent.push_back(std::move(outgoing));
    }
    for (const Message& answer : answers) Handle(PeerId{Channel::kNet}, answer);
    if (written && durable_at_once) MakeDurable();
  }

  bool joined_ = false;
  uint64_t heartbeats_ = 0;  // the sequence of the last one
  uint64_t tokens_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_TESTS_VENTILATOR_RIG_H_
