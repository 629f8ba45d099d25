#include "tests/sim/client.h"

#include <algorithm>
#include <utility>

#include "lib/core/names.h"
#include "lib/core/retry_on.h"

namespace fanmill::sim {
namespace {

constexpr Duration kAskEvery = Millis(200);
constexpr Duration kSilence = Seconds(3);      // then the socket anew
constexpr Duration kReportWait = Seconds(20);  // then a report without somebody's account will do
constexpr Duration kLostWait = Seconds(10);    // then its results will not come any more
constexpr uint64_t kTasksPerAppend = 100;
constexpr uint64_t kPlainTasksPerAppend = 2000;

}  // namespace

Client::Client(const ClientOptions& options)
    : plan_(options.plan),
      checker_(options.checker),
      controller_(options.controller),
      self_{pb::CLIENT, options.epoch, 0},
      random_(options.seed) {}

void Client::Start(Instant now, Outbox& outbox) {
  began_ = now;
  Reconnect(now, Channel::kControl, controller_, outbox);
  Ask(now, outbox);
}

void Client::Tick(Instant now, Outbox& outbox) {
  if (now >= next_) Ask(now, outbox);
}

void Client::Command(pb::Command::Verb verb, Outbox& outbox) {
  pb::Envelope envelope = NewEnvelope(self_);
  envelope.mutable_command()->set_verb(verb);
  envelope.mutable_command()->set_batch(batch_);
  envelope.mutable_command()->set_request(static_cast<uint64_t>(verb));
  outbox.Send(PeerId{Channel::kControl}, std::move(envelope));
}

void Client::Ask(Instant now, Outbox& outbox) {
  next_ = now + kAskEvery;
  if (pruning_) return Prune(now, outbox);
  MindSilence(now, Channel::kControl, controller_, outbox);
  if (intake_.empty() || facts_.empty()) return Command(pb::Command::ENDPOINTS, outbox);
  if (!sealed_) MindSilence(now, Channel::kIntake, intake_, outbox);
  AskIntake(outbox);
  if (batch_ == 0) return;
  AskController(now, outbox);
  if (read_again_) return;
  MindSilence(now, Channel::kFacts, facts_, outbox);
  Read(outbox);
}

void Client::Reconnect(Instant now, Channel channel, const std::string& endpoint, Outbox& outbox) {
  heard_[channel] = now;
  outbox.Send(PeerId{Channel::kNet}, Connect{channel, endpoint});
}

// Each conversation may die alone.
void Client::MindSilence(Instant now, Channel channel, const std::string& endpoint,
                         Outbox& outbox) {
  if (now - heard_[channel] > kSilence) Reconnect(now, channel, endpoint, outbox);
}

void Client::AskController(Instant now, Outbox& outbox) {
  if (plan_.hold && !started_) {
    checker_.OnStartAsked(plan_.index);
    Command(pb::Command::START, outbox);
  }
  if (plan_.cancel_after.has_value() && now - began_ >= *plan_.cancel_after && !cancelled_) {
    checker_.OnCancelAsked(plan_.index);
    Command(pb::Command::CANCEL, outbox);
  }
  Command(read_again_ ? pb::Command::REPORT : pb::Command::STATUS, outbox);
}

void Client::AskIntake(Outbox& outbox) {
  if (batch_ != 0 && !sealed_) Append(outbox);
  const bool again = plan_.clumsy && random_.Uniform(10) == 0;
  if (batch_ != 0 && !again) return;
  pb::Envelope envelope = NewEnvelope(self_);
  pb::OpenBatch& open = *envelope.mutable_open_batch();
  open.set_token_high(plan_.seed);
  open.set_token_low(plan_.index + 1);
  pb::Spec& spec = *open.mutable_spec();
  spec.set_handler(plan_.handler());
  if (!plan_.plain) spec.add_argv("work");
  spec.set_name(plan_.name());
  spec.set_retries(plan_.retries);
  spec.set_retry_delay_us(static_cast<uint64_t>(plan_.retry_delay.count()));
  spec.set_retry_delay_max_us(static_cast<uint64_t>(plan_.retry_delay_max.count()));
  if (plan_.hopeless) {
    RetryOn on;
    on.any = false;
    on.codes.Add(BatchPlan::kFlakyCode);
    on.PackInto(spec);
  }
  spec.set_min_workers(plan_.min_workers);
  spec.set_start_timeout_us(5'000'000);
  spec.set_hold(plan_.hold);
  outbox.Send(PeerId{Channel::kIntake}, std::move(envelope));
}

void Client::Append(Outbox& outbox) {
  if (plan_.clumsy && random_.Uniform(8) == 0) {
    AppendAt(appended_ - std::min<uint64_t>(appended_, 1 + random_.Uniform(50)), outbox);
  }
  if (plan_.clumsy && random_.Uniform(8) == 0) AppendAt(appended_ + 1, outbox);
  if (appended_ < plan_.tasks) return AppendAt(appended_, outbox);
  pb::Envelope envelope = NewEnvelope(self_);
  envelope.mutable_seal()->set_batch(batch_);
  envelope.mutable_seal()->set_tasks(appended_);
  outbox.Send(PeerId{Channel::kIntake}, std::move(envelope));
}

void Client::AppendAt(uint64_t first, Outbox& outbox) {
  if (first >= plan_.tasks) return;
  pb::Envelope envelope = NewEnvelope(self_);
  pb::AppendTasks& append = *envelope.mutable_append();
  const uint64_t count =
      std::min(plan_.plain ? kPlainTasksPerAppend : kTasksPerAppend, plan_.tasks - first);
  append.set_batch(batch_);
  append.set_first(first);
  append.set_count(count);
  if (plan_.range) {
    append.mutable_range()->set_start(100);
    append.mutable_range()->set_step(3);
  }
  for (uint64_t task = first; task < first + count; ++task) {
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
  read.set_request(request_);  // the same, as long as it was not answered. R79
  outbox.Send(PeerId{Channel::kFacts}, std::move(envelope));
}

void Client::Prune(Instant now, Outbox& outbox) {
  MindSilence(now, Channel::kFacts, facts_, outbox);
  pb::Envelope envelope = NewEnvelope(self_);
  envelope.mutable_prune_request()->set_batch(batch_);
  outbox.Send(PeerId{Channel::kFacts}, std::move(envelope));
}

void Client::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  const auto* wire = std::get_if<Wire>(&message);
  if (wire == nullptr) return;
  const pb::Envelope& envelope = *wire->envelope;
  heard_[from.channel] = now;
  switch (envelope.body_case()) {
    case pb::Envelope::kCommandReply:
      return OnCommandReply(now, envelope.command_reply(), outbox);
    case pb::Envelope::kBatchOpened:
      return OnBatchOpened(envelope.batch_opened(), outbox);
    case pb::Envelope::kAppended:
      return OnAppended(envelope.appended(), outbox);
    case pb::Envelope::kReadReply:
      return OnRead(now, envelope.read_reply(), outbox);
    case pb::Envelope::kPruneReply:
      pruning_ = false;
      return;
    default:
      ++counters_["client_unexpected"];
  }
}

void Client::OnCommandReply(Instant now, const pb::CommandReply& reply, Outbox& outbox) {
  if (intake_.empty() && !reply.state().ventilator().intake().empty() &&
      !reply.state().sink().facts().empty()) {
    intake_ = reply.state().ventilator().intake();
    facts_ = reply.state().sink().facts();
    Reconnect(now, Channel::kIntake, intake_, outbox);
    Reconnect(now, Channel::kFacts, facts_, outbox);
    return AskIntake(outbox);
  }
  for (const pb::BatchState& state : reply.states()) {
    if (state.batch() != batch_ || batch_ == 0) continue;
    checker_.OnState(plan_.index, state);
    started_ = started_ || state.started();
    cancelled_ = cancelled_ || state.generation() > 0;
    if (plan_.may_be_lost && IsEnd(state.phase())) OnEnded(now);
  }
  const bool nobodys = unknown_ && reply.states().empty() && !reply.error().empty();
  if (nobodys && reply.request() == pb::Command::STATUS) {
    checker_.OnLost(plan_.index);
    reported_ = true;
  }
  if (reply.has_report()) OnReport(now, reply.report());
}

// R96: the controller knows best whether a batch is over.
void Client::OnEnded(Instant now) {
  if (ended_at_ == kNever) ended_at_ = now;
  if (read_again_ || now - ended_at_ < kLostWait) return;
  closed_ = sealed_ = read_again_ = true;
  closed_at_ = now;
}

void Client::OnReport(Instant now, const pb::BatchReport& report) {
  if (report.batch() != batch_ || !read_again_ || reported_) return;
  if (!report.complete() && now - closed_at_ < kReportWait) return;
  const bool over = report.summary().closed() || (plan_.may_be_lost && report.final());
  if (!report.has_summary() || !over) return;
  checker_.OnReport(plan_.index, report);
  reported_ = true;
  pruning_ = random_.Uniform(4) == 0;
}

void Client::OnBatchOpened(const pb::BatchOpened& opened, Outbox& outbox) {
  if (opened.batch() == 0) {
    checker_.Fail("a batch was refused: " + opened.error());
    return;
  }
  if (plan_.may_be_lost && batch_ != 0) return;
  batch_ = opened.batch();
  ++counters_["client_opened"];
  checker_.OnBatchIs(batch_, plan_.index);
  if (!sealed_) Append(outbox);
}

void Client::OnAppended(const pb::Appended& appended, Outbox& outbox) {
  if (appended.batch() != batch_) return;
  if (!appended.error().empty()) {
    unknown_ = plan_.may_be_lost;
    if (unknown_) return;
    if (!plan_.cancel_after.has_value() && !plan_.clumsy) {
      checker_.Fail("append was refused: " + appended.error());
    }
    return;
  }
  checker_.OnAppendAcked(plan_.index, appended.tasks());
  const bool went_on = std::exchange(appended_, appended.tasks()) != appended.tasks();
  sealed_ = sealed_ || appended.sealed();
  if (went_on && !sealed_ && appended.room_bytes() > 0) Append(outbox);
}

void Client::OnRead(Instant now, const pb::ReadReply& reply, Outbox& outbox) {
  if (reply.request() != request_ || reply.batch() != batch_ || read_again_) return;
  ++request_;
  if (reply.error().find("dropped to make room") != std::string::npos) {  // R68
    checker_.OnForgotten(plan_.index);
    closed_ = sealed_ = read_again_ = true;
    closed_at_ = now;
    return Command(pb::Command::REPORT, outbox);
  }
  for (pb::TerminalRow row : reply.rows()) {
    for (uint64_t more = row.more() + 1; more > 0; --more, row.set_task(row.task() + 1)) {
      if (!closed_) {
        checker_.OnRow(plan_.index, row);
      } else if (!row.part()) {
        checker_.OnRowAgain(plan_.index, rows_again_++, row);
      }
    }
  }
  cursor_ = std::max<uint64_t>(reply.next(), cursor_);
  if (!reply.has_closed()) {
    if (reply.rows_size() > 0) Read(outbox);
    return;
  }
  checker_.OnClosed(plan_.index, reply.closed());
  if (closed_) {
    checker_.OnAllRowsAgain(plan_.index, rows_again_);
    read_again_ = true;
    return Command(pb::Command::REPORT, outbox);
  }
  closed_ = sealed_ = true;
  closed_at_ = now;
  cursor_ = 0;
  Read(outbox);
}

void Operator::Start(Instant now, Outbox& outbox) {
  outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kControl, controller_});
  next_ = now;
  Tick(now, outbox);
}

void Operator::Tick(Instant now, Outbox& outbox) {
  if (now < next_) return;
  next_ = now + kAskEvery;
  pb::Envelope envelope = NewEnvelope(self_);
  envelope.mutable_command()->set_verb(kill_ ? pb::Command::SHUTDOWN_NOW : pb::Command::SHUTDOWN);
  envelope.mutable_command()->set_request(1);
  outbox.Send(PeerId{Channel::kControl}, std::move(envelope));
}

void Operator::Handle(Instant, PeerId, const Message& message, Outbox&) {
  const auto* wire = std::get_if<Wire>(&message);
  if (wire == nullptr || !wire->envelope->has_command_reply()) return;
  ++counters_["operator_told"];
}

}  // namespace fanmill::sim
