#include "tests/controller/fixture.h"

#include <algorithm>
#include <utility>

#include "lib/core/names.h"

namespace fanmill {
namespace {

std::string BodyName(const pb::Envelope& envelope) {
  const auto* body = envelope.GetDescriptor()->FindFieldByNumber(envelope.body_case());
  return body == nullptr ? "nothing" : body->message_type()->name();
}

std::string RowName(const std::string& bytes) {
  pb::BookRecord record;
  EXPECT_TRUE(record.ParseFromString(bytes));
  switch (record.fact_case()) {
    case pb::BookRecord::kBatch:
      if (record.batch().generation() != 0) return "kill";
      return record.batch().started() ? "start" : "release";
    case pb::BookRecord::kWhole:
      return "wish";
    case pb::BookRecord::kPinned:
      return "pin";
    case pb::BookRecord::kReport:
      return record.report().final() ? "report" : "end";
    case pb::BookRecord::kReceipt:
      return "receipt";
    case pb::BookRecord::kMember:
      return record.member().left() ? "left" : "member";
    default:
      return "unknown";
  }
}

}  // namespace

Lines ControllerTest::Boot() {
  disk_.resize(durable_);
  if (controller_ != nullptr) ++options_.epoch;
  options_.cluster = kCluster;
  options_.signal = "tcp://127.0.0.1:21001";
  controller_ = std::make_unique<Controller>(options_);
  Outbox outbox;
  controller_->Start(now_, outbox);
  EXPECT_TRUE(outbox.empty());
  const auto half = disk_.begin() + static_cast<int64_t>(disk_.size() / 2);
  Give(PeerId{Channel::kJournal}, JournalRecovered{{disk_.begin(), half}, false});
  return Give(PeerId{Channel::kJournal}, JournalRecovered{{half, disk_.end()}, true});
}

Lines ControllerTest::Give(uint64_t peer, const pb::Envelope& envelope) {
  const bool facts = envelope.has_summary_reply();
  return Give(PeerId{facts ? Channel::kFacts : Channel::kControl, peer},
              Wire{std::make_shared<const pb::Envelope>(envelope), {}});
}

Lines ControllerTest::Give(PeerId from, Message message) {
  Outbox outbox;
  controller_->Handle(now_, from, message, outbox);
  Lines lines = Take(outbox);
  if (slow_disk_) return lines;
  while (durable_ < disk_.size()) {
    for (std::string& line : Sync()) lines.push_back(std::move(line));
  }
  return lines;
}

Lines ControllerTest::Sync() {
  durable_ = disk_.size();
  Outbox outbox;
  controller_->Handle(now_, PeerId{Channel::kJournal}, JournalDurable{durable_}, outbox);
  return Take(outbox);
}

Lines ControllerTest::Wait(Duration span) {
  const Instant end = now_ + span;
  Lines lines;
  while (controller_->NextDeadline() <= end) {
    const Instant due = controller_->NextDeadline();
    now_ = std::max(now_, due);
    Outbox outbox;
    controller_->Tick(now_, outbox);
    EXPECT_GT(controller_->NextDeadline(), now_) << "a deadline that is never met";
    for (std::string& line : Take(outbox)) lines.push_back(std::move(line));
    while (!slow_disk_ && durable_ < disk_.size()) {
      for (std::string& line : Sync()) lines.push_back(std::move(line));
    }
    if (controller_->Done() || controller_->NextDeadline() <= now_) break;
  }
  now_ = end;
  return lines;
}

Lines ControllerTest::Take(Outbox& outbox) {
  controller_->CheckInvariants();
  Lines lines;
  for (const Outgoing& outgoing : outbox.Take()) lines.push_back(Line(outgoing));
  return lines;
}

std::string ControllerTest::Line(const Outgoing& outgoing) {
  if (const auto* write = std::get_if<JournalWrite>(&outgoing.message)) {
    EXPECT_EQ(write->sequence, disk_.size() + 1);
    disk_.push_back({write->sequence, write->batch, false, Frame::Own(write->record)});
    return "row " + RowName(write->record);
  }
  if (const auto* signal = std::get_if<Signal>(&outgoing.message)) {
    EXPECT_EQ(outgoing.to.channel, Channel::kSignal);
    return "signal " + EncodeSignal(*signal);
  }
  if (const auto* connect = std::get_if<Connect>(&outgoing.message)) {
    return "connect " + std::string(ChannelName(connect->channel)) + " " + connect->endpoint;
  }
  const pb::Envelope& envelope = *std::get<Wire>(outgoing.message).envelope;
  EXPECT_EQ(envelope.cluster(), kCluster);
  EXPECT_EQ(envelope.role(), pb::CONTROLLER);
  EXPECT_EQ(envelope.epoch(), options_.epoch);
  if (outgoing.to.channel == Channel::kFacts) return "facts " + BodyName(envelope);
  if (envelope.has_command_reply()) answer_ = envelope.command_reply();
  if (envelope.has_heartbeat_reply()) heard_ = envelope.heartbeat_reply();
  if (envelope.has_welcome()) welcome_ = envelope.welcome();
  if (envelope.has_refused()) refused_ = envelope.refused();
  return std::to_string(outgoing.to.id) + " " + BodyName(envelope);
}

pb::Envelope ControllerTest::From(pb::Role role, uint64_t epoch) {
  return NewEnvelope(Identity{role, epoch, kCluster});
}

pb::Envelope ControllerTest::Hello(pb::Role role, uint64_t epoch) {
  pb::Envelope envelope = From(role, epoch);
  envelope.set_cluster(0);
  pb::Hello& hello = *envelope.mutable_hello();
  hello.set_host("box");
  hello.set_pid(epoch);
  if (role == pb::CLIENT) return envelope;
  hello.set_directory(role == pb::SINK ? 500 : 400);
  pb::Endpoints& endpoints = *hello.mutable_endpoints();
  if (role == pb::SINK) {
    endpoints.set_results("tcp://127.0.0.1:21002");
    endpoints.set_facts("tcp://127.0.0.1:21005");
  } else {
    endpoints.set_lease("tcp://127.0.0.1:21004");
    endpoints.set_acks("tcp://127.0.0.1:21003");
    endpoints.set_intake("tcp://127.0.0.1:21006");
  }
  return envelope;
}

pb::Envelope ControllerTest::WorkerHello(uint64_t incarnation, uint32_t number) {
  pb::Envelope envelope = From(pb::WORKER, incarnation);
  pb::Hello& hello = *envelope.mutable_hello();
  hello.set_host("box");
  hello.set_pid(incarnation);
  hello.set_slots(4);
  hello.set_number(number);
  hello.add_handlers("noop");
  return envelope;
}

pb::Envelope ControllerTest::Beat(pb::Role role, uint64_t epoch) {
  pb::Envelope envelope = From(role, epoch);
  envelope.mutable_heartbeat();
  return envelope;
}

pb::BatchProgress ControllerTest::Progress(uint32_t batch, uint32_t min_workers) {
  pb::BatchProgress progress;
  progress.set_batch(batch);
  progress.set_handler("noop");
  progress.set_min_workers(min_workers);
  progress.set_tasks(10);
  progress.set_name("night");
  return progress;
}

pb::Envelope ControllerTest::Command(pb::Command::Verb verb, uint32_t batch, uint64_t request) {
  pb::Envelope envelope = From(pb::CLIENT, 9);
  envelope.mutable_command()->set_verb(verb);
  envelope.mutable_command()->set_batch(batch);
  envelope.mutable_command()->set_request(request);
  return envelope;
}

pb::CommandReply ControllerTest::Ask(pb::Command::Verb verb, uint32_t batch, uint64_t request) {
  answer_.Clear();
  Give(9, Command(verb, batch, request));
  EXPECT_EQ(answer_.request(), request);
  return answer_;
}

Lines ControllerTest::Tell(const pb::BatchProgress& progress) {
  told_[progress.batch()] = progress;
  return VentilatorBeats();
}

Lines ControllerTest::TellReady(std::vector<uint64_t> incarnations) {
  ready_ = std::move(incarnations);
  return VentilatorBeats();
}

Lines ControllerTest::VentilatorBeats() {
  pb::Envelope envelope = Beat(pb::VENTILATOR, 1);
  for (const auto& [batch, progress] : told_) {
    *envelope.mutable_heartbeat()->add_batches() = progress;
  }
  for (const uint64_t incarnation : ready_) {
    pb::ReadyWorker& ready = *envelope.mutable_heartbeat()->add_ready();
    ready.set_incarnation(incarnation);
    ready.set_slots(4);
    ready.add_handlers("noop");
  }
  return Give(1, envelope);
}

Lines ControllerTest::Summary(pb::BatchSummary summary) {
  pb::Envelope envelope = From(pb::SINK, 1);
  *envelope.mutable_summary_reply()->mutable_summary() = std::move(summary);
  return Give(0, envelope);
}

pb::BatchSummary ControllerTest::Closed(uint32_t batch, uint64_t ok, uint64_t failed) {
  pb::BatchSummary summary;
  summary.set_batch(batch);
  summary.set_known(true);
  summary.set_opened(true);
  summary.set_closed(true);
  summary.set_tasks(ok + failed);
  summary.set_ok(ok);
  summary.set_failed(failed);
  summary.set_elapsed_us(2'000'000);
  return summary;
}

pb::Envelope ControllerTest::Receipt(uint64_t incarnation, uint32_t batch, uint64_t generation) {
  pb::Envelope envelope = Beat(pb::WORKER, incarnation);
  pb::Receipt& receipt = *envelope.mutable_heartbeat()->add_receipts();
  receipt.set_batch(batch);
  receipt.set_generation(generation);
  return envelope;
}

pb::Envelope ControllerTest::Account(uint64_t incarnation, uint32_t batch) {
  pb::Envelope envelope = Beat(pb::WORKER, incarnation);
  pb::SlotAccount& account = *envelope.mutable_heartbeat()->add_accounts();
  account.set_batch(batch);
  account.set_slots(4);
  account.set_window_us(1000);
  return envelope;
}

pb::Envelope ControllerTest::Leaving(pb::Envelope beat) {
  beat.mutable_heartbeat()->set_leaving(true);
  return beat;
}

pb::Envelope ControllerTest::Death(uint64_t incarnation, bool nothing_left) {
  pb::Envelope death =
      Leaving(nothing_left ? Receipt(incarnation, 0, 0) : Beat(pb::WORKER, incarnation));
  death.set_role(pb::GUARDIAN);
  return death;
}

void ControllerTest::FallSilent(const std::vector<uint64_t>& workers, bool sink, bool ventilator) {
  for (int i = 0; i < 12; ++i) {
    Wait(Millis(500));
    if (!ventilator) VentilatorBeats();
    if (!sink) State();
    for (const uint64_t incarnation : ready_) {
      if (std::count(workers.begin(), workers.end(), incarnation) > 0) continue;
      Give(incarnation, Beat(pb::WORKER, incarnation));
    }
  }
}

void ControllerTest::Assemble(uint64_t workers) {
  Give(1, Hello(pb::VENTILATOR, 1));
  Give(2, Hello(pb::SINK, 1));
  for (uint64_t i = 1; i <= workers; ++i) {
    Give(100 + i, WorkerHello(100 + i));
    ready_.push_back(100 + i);
  }
  VentilatorBeats();
}

void ControllerTest::RunBatch(uint64_t workers) {
  Assemble(workers);
  Tell(Progress(1));
  ASSERT_EQ(PhaseOf(1), "running");
}

pb::ClusterState ControllerTest::State() {
  Give(2, Beat(pb::SINK, 1));
  return heard_.state();
}

std::string ControllerTest::PhaseOf(uint32_t batch) {
  const pb::ClusterState state = State();
  for (const pb::BatchState& shown : state.batches()) {
    if (shown.batch() == batch) return std::string(PhaseName(shown.phase()));
  }
  return "absent";
}

uint64_t ControllerTest::Counted(const std::string& what) const {
  const auto found = controller_->Counters().find(what);
  return found == controller_->Counters().end() ? 0 : found->second;
}

}  // namespace fanmill
