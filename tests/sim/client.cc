#include "tests/sim/client.h"

#include <algorithm>

namespace fanmill::sim {
namespace {

constexpr Duration kAskEvery = Millis(200);
constexpr Duration kSilence = Seconds(3);   // then all sockets anew
constexpr uint64_t kTasksPerAppend = 100;

}  // namespace

Client::Client(const BatchPlan& plan, Checker& checker, uint64_t epoch)
    : plan_(plan), checker_(checker), self_{pb::CLIENT, epoch, 0} {}

void Client::Start(Instant now, Outbox& outbox) {
  began_ = heard_ = now;
  Ask(now, outbox);
}

void Client::Tick(Instant now, Outbox& outbox) {
  if (now < next_) return;
  Ask(now, outbox);
}

void Client::Command(pb::Command::Verb verb, Outbox& outbox) {
  pb::Envelope envelope = NewEnvelope(self_);
  envelope.mutable_command()->set_verb(verb);
  envelope.mutable_command()->set_batch(batch_);
  outbox.Send(PeerId{Channel::kControl}, std::move(envelope));
}

void Client::Ask(Instant now, Outbox& outbox) {
  next_ = now + kAskEvery;
  if (now - heard_ > kSilence) {
    heard_ = now;
    intake_.clear();
    facts_.clear();
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kControl, "sim://0/control"});
  }
  if (intake_.empty() || facts_.empty()) return Command(pb::Command::ENDPOINTS, outbox);
  AskIntake(now, outbox);
  if (batch_ == 0) return;
  if (plan_.hold && !started_) Command(pb::Command::START, outbox);
  if (plan_.cancel_after.has_value() && now - began_ >= *plan_.cancel_after && !cancelled_) {
    checker_.OnCancelAsked(plan_.index);
    Command(pb::Command::CANCEL, outbox);
  }
  Read(outbox);
}

void Client::AskIntake(Instant, Outbox& outbox) {
  if (sealed_) return;
  if (batch_ != 0) return Append(outbox);
  pb::Envelope envelope = NewEnvelope(self_);
  pb::OpenBatch& open = *envelope.mutable_open_batch();
  open.set_token_high(plan_.seed);
  open.set_token_low(plan_.index + 1);
  pb::Spec& spec = *open.mutable_spec();
  spec.set_handler(plan_.plain ? "noop" : "exec");
  if (!plan_.plain) spec.add_argv("work");
  spec.set_name(plan_.name());
  spec.set_retries(plan_.retries);
  spec.set_min_workers(plan_.min_workers);
  spec.set_start_timeout_us(5'000'000);
  spec.set_hold(plan_.hold);
  outbox.Send(PeerId{Channel::kIntake}, std::move(envelope));
}

void Client::Append(Outbox& outbox) {
  pb::Envelope envelope = NewEnvelope(self_);
  if (appended_ == plan_.tasks) {
    envelope.mutable_seal()->set_batch(batch_);
    envelope.mutable_seal()->set_tasks(appended_);
    outbox.Send(PeerId{Channel::kIntake}, std::move(envelope));
    return;
  }
  pb::AppendTasks& append = *envelope.mutable_append();
  const uint64_t count = std::min(kTasksPerAppend, plan_.tasks - appended_);
  append.set_batch(batch_);
  append.set_first(appended_);
  append.set_count(count);
  if (plan_.range) {
    append.mutable_range()->set_start(100);
    append.mutable_range()->set_step(3);
  }
  for (uint64_t task = appended_; task < appended_ + count; ++task) {
    if (!plan_.range) {
      const std::string payload = plan_.Payload(task);
      append.add_payload_size(static_cast<uint32_t>(payload.size()));
      append.mutable_payloads()->append(payload);
    }
    if (plan_.costs) append.add_cost_us(static_cast<uint32_t>(plan_.Run(task).count()));
  }
  outbox.Send(PeerId{Channel::kIntake}, std::move(envelope));
}

void Client::Read(Outbox& outbox) {
  pb::Envelope envelope = NewEnvelope(self_);
  pb::ReadRequest& read = *envelope.mutable_read_request();
  read.set_batch(batch_);
  read.set_cursor(cursor_);
  read.set_max_bytes(100'000);
  read.set_wait_us(100'000);
  read.set_request(++request_);
  outbox.Send(PeerId{Channel::kFacts}, std::move(envelope));
}

void Client::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  const auto* wire = std::get_if<Wire>(&message);
  if (wire == nullptr) return;
  const pb::Envelope& envelope = *wire->envelope;
  heard_ = now;
  switch (envelope.body_case()) {
    case pb::Envelope::kCommandReply:
      return OnEndpoints(envelope.command_reply(), outbox);
    case pb::Envelope::kBatchOpened:
      if (envelope.batch_opened().batch() == 0) {
        checker_.Fail("a batch was refused: " + envelope.batch_opened().error());
        return;
      }
      batch_ = envelope.batch_opened().batch();
      checker_.OnBatchIs(batch_, plan_.index);
      return Append(outbox);
    case pb::Envelope::kAppended:
      return OnAppended(now, envelope.appended(), outbox);
    case pb::Envelope::kReadReply:
      return OnRead(now, envelope.read_reply(), outbox);
    default:
      ++counters_["unexpected"];
  }
}

void Client::OnEndpoints(const pb::CommandReply& reply, Outbox& outbox) {
  if (intake_.empty() && !reply.state().ventilator().intake().empty() &&
      !reply.state().sink().facts().empty()) {
    intake_ = reply.state().ventilator().intake();
    facts_ = reply.state().sink().facts();
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kIntake, intake_});
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kFacts, facts_});
    return;
  }
  if (!reply.done()) return;
  // Which command it answers is not said; both are idempotent, so both are repeated until the
  // state shows what was wished.
  for (const pb::BatchState& state : reply.states()) {
    if (state.batch() != batch_ || batch_ == 0) continue;
    started_ = started_ || state.started();
    cancelled_ = cancelled_ || state.generation() > 0;
  }
}

void Client::OnAppended(Instant, const pb::Appended& appended, Outbox& outbox) {
  if (appended.batch() != batch_) return;
  if (!appended.error().empty() && !cancelled_ && !plan_.cancel_after.has_value()) {
    checker_.Fail("append was refused: " + appended.error());
  }
  appended_ = appended.tasks();
  checker_.OnAppendAcked(plan_.index, appended_);
  sealed_ = sealed_ || appended.sealed();
  if (!sealed_ && appended.error().empty() && appended.room_bytes() > 0) Append(outbox);
}

void Client::OnRead(Instant, const pb::ReadReply& reply, Outbox& outbox) {
  if (reply.request() != request_ || reply.batch() != batch_) return;
  for (const pb::TerminalRow& row : reply.rows()) checker_.OnRow(plan_.index, row);
  cursor_ = reply.next() > cursor_ ? reply.next() : cursor_;
  if (reply.has_closed()) {
    checker_.OnClosed(plan_.index, reply.closed());
    closed_ = true;
    return;
  }
  if (reply.rows_size() > 0) Read(outbox);
}

}  // namespace fanmill::sim
