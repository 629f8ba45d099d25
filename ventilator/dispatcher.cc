#include "ventilator/dispatcher.h"

#include <algorithm>
#include <set>

#include "lib/core/check.h"
#include "ventilator/progress.h"

namespace fanmill {

using ventilator::BatchTasks;

void Dispatcher::Start(Instant now, Outbox& outbox) { mill_.member.Start(now, outbox); }

void Dispatcher::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  NotePause(now);
  Take(now, from, message, outbox);
  Settle(now, outbox);
}

void Dispatcher::Take(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  if (const auto* page = std::get_if<JournalRecovered>(&message)) {
    return OnRecovered(now, *page, outbox);
  }
  if (const auto* wire = std::get_if<Wire>(&message)) {
    return OnWire(now, from, *wire->envelope, outbox);
  }
  if (std::holds_alternative<StopAsked>(message)) return OnStopAsked();
  if (std::holds_alternative<BadFrame>(message)) return mill_.Count("bad_frame");  // R1
  if (!intake_.recovered()) return;
  if (std::holds_alternative<Signal>(message)) return mill_.member.News(now);  // R13
  if (const auto* durable = std::get_if<JournalDurable>(&message)) {
    intake_.OnDurable(now, *durable, outbox);
  } else if (const auto* opened = std::get_if<LaneOpened>(&message)) {
    lanes_.OnOpened(now, *opened, outbox);
  } else if (const auto* failed = std::get_if<LaneFailed>(&message)) {
    lanes_.OnFailed(now, *failed);
  } else if (const auto* lost = std::get_if<Undeliverable>(&message)) {
    lanes_.OnUndeliverable(now, *lost);
  } else {
    mill_.Count("unexpected");
  }
}

void Dispatcher::OnWire(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox) {
  // The controller alone may be believed before the manifest was read: it says who we are.
  if (from.channel == Channel::kControl) return OnControl(now, envelope, outbox);
  if (!intake_.recovered()) return;
  if (!mill_.member.IsOurs(envelope.cluster())) return mill_.Count("R3");
  if (from.channel == Channel::kLease) return OnLease(now, from, envelope, outbox);
  if (from.channel == Channel::kIntake) return OnIntake(now, from, envelope, outbox);
  if (from.channel == Channel::kAcks && envelope.has_ack()) {
    return OnAck(now, envelope.ack(), outbox);
  }
  if (from.channel == Channel::kFacts && envelope.has_facts_reply()) {
    for (const pb::BatchClosed& closed : facts_.OnReply(now, envelope.facts_reply(), outbox)) {
      CloseBatch(now, closed, outbox);
    }
    return WakeResting(now);
  }
  mill_.Count("unexpected");
}

// ---- the controller -----------------------------------------------------------------------------

void Dispatcher::OnControl(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  switch (mill_.member.Handle(now, envelope, outbox)) {
    case Member::Event::kNothing:
      break;
    case Member::Event::kWelcomed:
    case Member::Event::kNewState:
      if (intake_.recovered()) OnState(now, outbox);
      break;
    case Member::Event::kRefused:  // R14
      mill_.notices.push_back("the controller refuses this ventilator: " + mill_.member.refused());
      done_ = true;
      break;
  }
  if (mill_.member.FarewellAnswered()) done_ = true;  // R102
}

void Dispatcher::OnState(Instant now, Outbox& outbox) {
  const pb::ClusterState& state = mill_.member.state();
  facts_.OnState(now, outbox);
  for (const pb::BatchState& wanted : state.batches()) {
    BatchTasks* batch = mill_.Find(wanted.batch());
    if (batch == nullptr || batch->closed()) continue;
    if (wanted.generation() > 0) {
      CancelBatch(now, *batch);
    } else if (wanted.started()) {
      StartBatch(now, *batch, outbox);
    }
  }
  ForgetSettled(outbox);
  mill_.feed_all = true;  // a wish may have been made or unmade
  if (state.wish() == pb::RUN || state.leave_stage() < 2 || leave_at_ != kNever) return;
  mill_.Count("R102");
  leave_at_ = now + mill_.options.leave_after;
  mill_.member.News(now);
}

void Dispatcher::StartBatch(Instant now, BatchTasks& batch, Outbox& outbox) {  // R91
  if (batch.started()) return;
  mill_.Count("R91");
  batch.Start();
  intake_.WriteStarted(batch.id(), outbox);
  facts_.OpenBatch(batch.id(), outbox);
  mill_.facts_news = true;
  mill_.member.News(now);
}

void Dispatcher::CancelBatch(Instant now, BatchTasks& batch) {  // R92
  if (batch.cancelled()) return;
  mill_.Count("R92");
  batch.Cancel();
  lanes_.Forget(batch.id());
  mill_.facts_news = true;
  mill_.member.News(now);
}

void Dispatcher::CloseBatch(Instant now, const pb::BatchClosed& closed, Outbox& outbox) {
  BatchTasks* batch = mill_.Find(closed.batch());
  if (batch == nullptr || batch->closed()) return;
  mill_.Count(closed.cancelled() ? "R74" : "R73");
  batch->Close(closed);
  lanes_.Forget(closed.batch());
  facts_.Forget(closed.batch());
  intake_.WriteClosed(closed, outbox);
  mill_.member.News(now);
  mill_.feed_all = true;
  ForgetOldest(outbox);
}

// R95: a batch that ended and is in the state no more has its report with the controller. Before
// that a restarted ventilator must still be able to tell how it ended.
void Dispatcher::ForgetSettled(Outbox& outbox) {
  std::set<uint32_t> wanted;
  for (const pb::BatchState& batch : mill_.member.state().batches()) wanted.insert(batch.batch());
  for (const auto& [id, batch] : mill_.batches) {
    if (batch->closed() && !wanted.contains(id)) intake_.ForgetRows(*batch, outbox);
  }
}

void Dispatcher::ForgetOldest(Outbox& outbox) {
  auto closed = std::ranges::count_if(mill_.batches,
                                      [](const auto& entry) { return entry.second->closed(); });
  for (auto it = mill_.batches.begin(); it != mill_.batches.end();) {
    const bool old = closed > static_cast<int64_t>(mill_.options.closed_kept_max);
    if (!old) return;
    if (!it->second->closed()) {
      ++it;
      continue;
    }
    intake_.ForgetRows(*it->second, outbox);
    intake_.ForgetToken(it->first);
    it = mill_.batches.erase(it);
    --closed;
  }
}

void Dispatcher::FillHeartbeat(Instant now, pb::Heartbeat& heartbeat) const {
  const ventilator::Room room(mill_);
  for (const auto& [id, batch] : mill_.batches) {
    *heartbeat.add_batches() = ventilator::Progress(now, mill_, lanes_, room, *batch);
  }
  lanes_.FillReady(heartbeat);
  heartbeat.set_leaving(leave_at_ != kNever);
}

// ---- workers, clients, the sink -----------------------------------------------------------------

void Dispatcher::OnLease(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox) {
  const uint64_t incarnation = envelope.epoch();
  switch (envelope.body_case()) {
    case pb::Envelope::kLeaseHello:
      if (!facts_.AllAnswered()) return mill_.Count("R56");  // the worker asks again
      return lanes_.OnHello(now, from, incarnation, envelope.lease_hello(), outbox);
    case pb::Envelope::kLeaseReport:
      if (!facts_.AllAnswered()) return mill_.Count("R56");
      return lanes_.OnReport(now, from, incarnation, envelope.lease_report(), outbox);
    case pb::Envelope::kFinished:
      return lanes_.OnFinished(now, from, incarnation, envelope.finished());
    case pb::Envelope::kSpecRequest:
      lanes_.OnAnyWord(now, from, incarnation);
      return AnswerSpec(from, envelope.spec_request().batch(), outbox);
    case pb::Envelope::kDeathReport:
      return lanes_.OnDeath(now, incarnation, envelope.death_report(), outbox);
    default:
      return mill_.Count("unexpected");
  }
}

void Dispatcher::AnswerSpec(PeerId to, uint32_t batch, Outbox& outbox) {  // R25
  const BatchTasks* known = mill_.Find(batch);
  pb::Envelope envelope = mill_.NewEnvelope();
  pb::SpecReply& reply = *envelope.mutable_spec_reply();
  reply.set_batch(batch);
  if (known != nullptr && known->live()) {
    *reply.mutable_spec() = known->spec();
  } else {
    reply.set_unknown(true);
  }
  outbox.Send(to, std::move(envelope));
}

void Dispatcher::OnIntake(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox) {
  switch (envelope.body_case()) {
    case pb::Envelope::kOpenBatch:
      return intake_.OnOpen(now, from, envelope.open_batch(), outbox);
    case pb::Envelope::kAppend:
      return intake_.OnAppend(from, envelope.append(), outbox);
    case pb::Envelope::kSeal:
      return intake_.OnSeal(from, envelope.seal(), outbox);
    default:
      return mill_.Count("unexpected");
  }
}

void Dispatcher::OnAck(Instant now, const pb::Ack& ack, Outbox& outbox) {
  mill_.sink_heard = now;
  if (mill_.sink_room == 0 && ack.room_bytes() > 0) mill_.feed_all = true;  // R65
  mill_.sink_room = ack.room_bytes();
  lanes_.OnAck(now, ack, outbox);
  for (const pb::BatchClosed& closed : ack.closed()) CloseBatch(now, closed, outbox);
}

// ---- start, stop, time --------------------------------------------------------------------------

void Dispatcher::OnRecovered(Instant now, const JournalRecovered& page, Outbox& outbox) {
  intake_.OnRecovered(now, page);
  if (!page.last) return;
  ForgetOldest(outbox);
  facts_.AskAll();
  if (!facts_.AllAnswered()) {
    mill_.notices.push_back("read " + std::to_string(mill_.batches.size()) +
                            " batches from the manifest; asking the sink what of them is done");
  }
  OnState(now, outbox);  // what was heard meanwhile
}

void Dispatcher::OnStopAsked() {
  const auto live =
      std::ranges::count_if(mill_.batches, [](const auto& entry) { return entry.second->live(); });
  mill_.notices.push_back(
      "the ventilator stops: live batches wait until it is started again with the same --state "
      "(there are " +
      std::to_string(live) + "); workers finish what they hold meanwhile");
  done_ = true;
}

// What every step ends with.
void Dispatcher::Settle(Instant now, Outbox& outbox) {
  if (intake_.recovered()) {
    if (feeder_.Feed(now, outbox)) {
      intake_.MoveFrontiers(outbox);
      intake_.TellRoom(outbox);
    }
  }
  facts_.NoteNews(now);
  due_ = std::max(now, NextDeadline());  // what is overdue already is so for a pause noted
}

void Dispatcher::Tick(Instant now, Outbox& outbox) {
  NotePause(now);
  if (intake_.recovered()) {
    mill_.member.Tick(now, outbox,
                      [&](pb::Heartbeat& heartbeat) { FillHeartbeat(now, heartbeat); });
    facts_.Tick(now, outbox);
    lanes_.Tick(now, outbox);
    WakeResting(now);
    if (now >= leave_at_) done_ = true;
  }
  Settle(now, outbox);
}

void Dispatcher::WakeResting(Instant now) {  // R56
  if (!facts_.AllAnswered()) return;
  const bool resting = std::ranges::any_of(
      mill_.batches, [](const auto& entry) { return entry.second->resting() > 0; });
  if (!resting) {
    rest_until_ = kNever;
  } else if (rest_until_ == kNever) {
    rest_until_ = now + mill_.options.lease;
  } else if (now >= rest_until_) {
    rest_until_ = kNever;
    for (auto& [id, batch] : mill_.batches) {
      if (batch->resting() == 0) continue;
      mill_.Count("redelivered", batch->resting());
      batch->WakeResting();
    }
    mill_.feed_all = mill_.facts_news = true;
  }
}

void Dispatcher::NotePause(Instant now) {  // R55
  if (due_ == kNever || now - due_ <= mill_.options.pause_min) return;
  const Duration pause = now - due_;
  mill_.Count("R55");
  mill_.notices.push_back("this process was stopped for " + std::to_string(pause.count() / 1000) +
                          " ms; nobody's silence meanwhile counts");
  mill_.member.Excuse(pause);
  mill_.sink_heard = After(mill_.sink_heard, pause);
  lanes_.Excuse(pause);
  facts_.Excuse(pause);
  rest_until_ = After(rest_until_, pause);
  due_ = now;
}

Instant Dispatcher::NextDeadline() const {
  if (!intake_.recovered() || done_) return kNever;
  return std::min({mill_.member.NextDeadline(), facts_.NextDeadline(), lanes_.NextDeadline(),
                   feeder_.NextDeadline(), rest_until_, leave_at_});
}

void Dispatcher::CheckInvariants() const {
  for (const auto& [id, batch] : mill_.batches) batch->CheckInvariants();
  lanes_.CheckInvariants();
  intake_.CheckInvariants();
}

}  // namespace fanmill
