#include "tests/sink/rig.h"

#include <utility>

#include "lib/core/check.h"
#include "lib/core/names.h"
#include "lib/core/range_set.h"
#include "lib/core/wire.h"

namespace fanmill {
namespace {

std::string Text(pb::Envelope envelope) {
  envelope.clear_protocol();
  envelope.clear_cluster();
  envelope.clear_role();
  envelope.clear_epoch();
  return envelope.ShortDebugString();
}

}  // namespace

Rig::Rig(LedgerOptions options) : options_(std::move(options)) {
  options_.controller = "tcp://127.0.0.1:21000";
  options_.endpoints.set_results("tcp://127.0.0.1:21002");
  options_.endpoints.set_facts("tcp://127.0.0.1:21005");
  options_.epoch = 0;
  state_.set_version(1);
  state_.set_ventilator_epoch(1);
  state_.mutable_ventilator()->set_acks("tcp://127.0.0.1:21003");
}

void Rig::Start() {
  ++options_.epoch;
  ledger_ = std::make_unique<Ledger>(options_);
  Outbox outbox;
  ledger_->Start(now_, outbox);
  Take(outbox);
  const auto half = rows_.begin() + static_cast<int64_t>(rows_.size() / 2);
  Give({Channel::kJournal}, JournalRecovered{{rows_.begin(), half}, false});
  Give({Channel::kJournal}, JournalRecovered{{half, rows_.end()}, true});
}

void Rig::Join() {
  Start();
  pb::Envelope welcome = NewEnvelope({pb::CONTROLLER, 1, kCluster});
  welcome.mutable_welcome()->set_cluster(kCluster);
  welcome.mutable_welcome()->set_heartbeat_us(1'000'000);
  welcome.mutable_welcome()->set_signal("tcp://127.0.0.1:21001");
  *welcome.mutable_welcome()->mutable_state() = state_;
  Say(Channel::kControl, welcome);
  sent_.clear();
}

void Rig::Restart() {
  rows_.resize(durable_);
  now_ += Seconds(10);
  Join();
}

void Rig::SayState() {
  state_.set_version(state_.version() + 1);
  pb::Envelope reply = NewEnvelope({pb::CONTROLLER, 1, kCluster});
  reply.mutable_heartbeat_reply()->set_sequence(heartbeat_);
  reply.mutable_heartbeat_reply()->set_state_version(state_.version());
  *reply.mutable_heartbeat_reply()->mutable_state() = state_;
  Say(Channel::kControl, reply);
}

void Rig::Heartbeat() {
  Tick(Seconds(1));
  pb::Envelope reply = NewEnvelope({pb::CONTROLLER, 1, kCluster});
  reply.mutable_heartbeat_reply()->set_sequence(heartbeat_);
  reply.mutable_heartbeat_reply()->set_state_version(state_.version());
  Say(Channel::kControl, reply);
}

void Rig::Say(Channel channel, pb::Envelope envelope, uint64_t connection) {
  const Frame frame = Encode(Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}});
  Give({channel, connection}, Decode(channel, frame));
}

void Rig::Give(PeerId from, const Message& message) {
  Outbox outbox;
  ledger_->Handle(now_, from, message, outbox);
  ledger_->CheckInvariants();
  Take(outbox);
}

void Rig::Tick(Duration later) {
  now_ += later;
  Outbox outbox;
  ledger_->Tick(now_, outbox);
  ledger_->CheckInvariants();
  Take(outbox);
}

void Rig::Sync() {
  durable_ = rows_.size();
  Give({Channel::kJournal}, JournalDurable{durable_});
}

void Rig::Take(Outbox& outbox) {
  for (const Outgoing& outgoing : outbox.Take()) {
    if (const auto* write = std::get_if<JournalWrite>(&outgoing.message)) {
      FANMILL_CHECK(write->sequence == rows_.size() + 1, "sequences are contiguous");
      const bool is_frame = write->frame.owner != nullptr;
      rows_.push_back({write->sequence, write->batch, is_frame,
                       is_frame ? write->frame : Frame::Own(write->record)});
    } else if (const auto* read = std::get_if<JournalRead>(&outgoing.message)) {
      holds_reads_ ? held_reads_.push_back(*read) : AnswerRead(*read);
    } else if (const auto* forget = std::get_if<JournalForget>(&outgoing.message)) {
      std::string text = "forget " + std::to_string(forget->batch);
      for (const uint64_t row : forget->rows) {
        text += " " + std::to_string(row);
        rows_[row - 1].batch = 0;  // nobody reads it any more
      }
      sent_.push_back(text);
    } else if (const auto* connect = std::get_if<Connect>(&outgoing.message)) {
      sent_.push_back("connect " + std::string(ChannelName(connect->channel)) + " " +
                      connect->endpoint);
    } else {
      const pb::Envelope& envelope = *std::get<Wire>(outgoing.message).envelope;
      const std::string to = outgoing.to.id == 0 ? "" : "/" + std::to_string(outgoing.to.id);
      sent_.push_back(std::string(ChannelName(outgoing.to.channel)) + to + " " + Text(envelope));
      if (envelope.has_heartbeat()) heartbeat_ = envelope.heartbeat().sequence();
      if (envelope.has_read_reply()) replies_.push_back(envelope.read_reply());
    }
  }
}

void Rig::AnswerHeldRead() {
  const JournalRead read = held_reads_.front();
  held_reads_.pop_front();
  AnswerRead(read);
}

void Rig::AnswerRead(const JournalRead& read) {
  JournalRows answer{read.token, {}, read.from};
  uint64_t bytes = 0;
  for (uint64_t i = std::max<uint64_t>(read.from, 1); i <= durable_; ++i) {
    const JournalRow& row = rows_[i - 1];
    if (row.batch == read.batch) {
      if (!answer.rows.empty() && bytes + row.bytes.bytes.size() > read.max_bytes) break;
      bytes += row.bytes.bytes.size();
      answer.rows.push_back(row);
    }
    answer.next = i + 1;
  }
  Give({Channel::kJournal}, answer);
}

std::vector<std::string> Rig::Sent() {
  replies_.clear();
  return std::exchange(sent_, {});
}

std::vector<pb::ReadReply> Rig::Replies() {
  sent_.clear();
  return std::exchange(replies_, {});
}

pb::BatchSummary Rig::Summary(uint32_t batch) {
  pb::Envelope request = NewEnvelope({pb::CONTROLLER, 1, kCluster});
  request.mutable_summary_request()->set_batch(batch);
  Outbox outbox;
  const Frame frame = Encode(Wire{std::make_shared<const pb::Envelope>(request), {}});
  ledger_->Handle(now_, {Channel::kFacts, 99}, Decode(Channel::kFacts, frame), outbox);
  return std::get<Wire>(outbox.sent().at(0).message).envelope->summary_reply().summary();
}

uint64_t Rig::Count(const std::string& what) const {
  const auto found = ledger_->Counters().find(what);
  return found == ledger_->Counters().end() ? 0 : found->second;
}

pb::Envelope FromWorker() { return NewEnvelope({pb::WORKER, 0xabc, kCluster}); }
pb::Envelope FromVentilator(uint64_t epoch) {
  return NewEnvelope({pb::VENTILATOR, epoch, kCluster});
}
pb::Envelope FromClient() { return NewEnvelope({pb::CLIENT, 5, kCluster}); }

pb::Envelope Oks(uint64_t first, uint64_t count, uint64_t chunk) {
  pb::Envelope envelope = FromWorker();
  pb::ResultChunk& results = *envelope.mutable_results();
  results.set_chunk(chunk);
  results.set_batch(kBatch);
  results.set_worker(1);
  *results.mutable_tasks() = PackRange(first, count);
  results.set_whole(true);
  results.add_run_us(100);
  return envelope;
}

pb::Envelope Failed(uint64_t task, uint32_t attempt, uint64_t chunk) {
  pb::Envelope envelope = Oks(task, 1, chunk);
  envelope.mutable_results()->add_status(pb::FAILED);
  envelope.mutable_results()->add_code(9);
  envelope.mutable_results()->add_attempt(attempt);
  envelope.mutable_results()->add_stderr_size(5);
  envelope.mutable_results()->set_bytes("alas!");
  return envelope;
}

pb::Envelope Part(uint64_t task, uint32_t part, const std::string& bytes, uint64_t chunk) {
  pb::Envelope envelope = FromWorker();
  pb::OutputPart& output = *envelope.mutable_output();
  output.set_chunk(chunk);
  output.set_batch(kBatch);
  output.set_task(task);
  output.set_attempt(1);
  output.set_stream(1);
  output.set_part(part);
  output.set_bytes(bytes);
  return envelope;
}

pb::Envelope WithLarge(uint64_t task, uint32_t parts, uint64_t chunk) {
  pb::Envelope envelope = Oks(task, 1, chunk);
  pb::LargeOutput& large = *envelope.mutable_results()->add_large();
  large.set_task(task);
  large.set_stream(1);
  large.set_parts(parts);
  large.set_size(parts * 1000);
  return envelope;
}

pb::Envelope Opens(uint32_t batch, uint64_t epoch) {
  pb::Envelope envelope = FromVentilator(epoch);
  envelope.mutable_batch_open()->set_batch(batch);
  return envelope;
}

pb::Envelope Facts(const pb::BatchFacts& facts, uint64_t epoch) {
  pb::Envelope envelope = FromVentilator(epoch);
  envelope.mutable_facts_request()->set_sequence(1);
  *envelope.mutable_facts_request()->add_batches() = facts;
  return envelope;
}

pb::BatchFacts About(uint32_t batch) {
  pb::BatchFacts facts;
  facts.set_batch(batch);
  return facts;
}

pb::BatchFacts Sealed(uint64_t tasks, uint32_t batch) {
  pb::BatchFacts facts = About(batch);
  facts.set_sealed(true);
  facts.set_tasks(tasks);
  return facts;
}

pb::BatchFacts Finalise(uint64_t task, uint32_t attempt, pb::Status status) {
  pb::BatchFacts facts = About();
  pb::AttemptFailure& failure = *facts.add_finalise();
  failure.set_batch(kBatch);
  failure.set_task(task);
  failure.set_epoch(1);
  failure.set_attempt(attempt);
  failure.set_status(status);
  return facts;
}

pb::BatchFacts Ask(uint64_t begin, uint64_t end) {
  pb::BatchFacts facts = About();
  RangeSet ask;
  ask.Add(begin, end);
  *facts.mutable_ask() = ask.Pack();
  return facts;
}

pb::Envelope Releasing(pb::Envelope read) {
  read.mutable_read_request()->set_release(true);
  return read;
}

pb::Envelope Read(uint64_t cursor, uint64_t wait_us, uint64_t max_bytes, uint32_t batch) {
  pb::Envelope envelope = FromClient();
  pb::ReadRequest& read = *envelope.mutable_read_request();
  read.set_batch(batch);
  read.set_cursor(cursor);
  read.set_wait_us(wait_us);
  read.set_max_bytes(max_bytes);
  read.set_request(1);
  return envelope;
}

std::vector<std::string> Jot(const pb::ReadReply& reply) {
  std::vector<std::string> jotted;
  for (const pb::TerminalRow& row : reply.rows()) {
    const std::string task = std::to_string(row.task());
    if (row.part()) {
      jotted.push_back("part " + task + " " + row.bytes());
      continue;
    }
    for (uint64_t i = 0; i < row.more(); ++i) {
      jotted.push_back("task " + std::to_string(row.task() + i) + " ok");
    }
    std::string line = "task " + std::to_string(row.task() + row.more()) + " " +
                       std::string(StatusName(row.status()));
    if (row.code() != 0) line += " " + std::to_string(row.code());
    if (!row.stdout_bytes().empty()) line += " out=" + row.stdout_bytes();
    if (!row.stderr_bytes().empty()) line += " err=" + row.stderr_bytes();
    jotted.push_back(std::move(line));
  }
  return jotted;
}

}  // namespace fanmill
