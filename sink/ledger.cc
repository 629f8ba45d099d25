#include "sink/ledger.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"

namespace fanmill {
namespace {

// A tick this much too late means that the process stood still, not that the others fell silent.
constexpr Duration kPauseMin = Seconds(1);

MemberOptions MemberOptionsOf(const LedgerOptions& options) {
  MemberOptions member(pb::SINK, options.epoch, options);
  *member.hello.mutable_endpoints() = options.endpoints;
  member.hello.set_durability(options.durability);
  return member;
}

}  // namespace

Ledger::Ledger(LedgerOptions options)
    : options_(std::move(options)),
      member_(MemberOptionsOf(options_)),
      ack_link_(options_.lease),
      batches_(options_.batches_max),
      reads_(options_.reads) {}

void Ledger::Start(Instant now, Outbox& outbox) { member_.Start(now, outbox); }

void Ledger::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  std::visit(
      Overloaded{
          [&](const Wire& wire) { OnWire(now, from, wire, outbox); },
          [&](const Signal&) { member_.News(now); },  // R13
          [&](const BadFrame&) { counts_.Add("bad_frame"), counts_.Add("R1"); },
          [&](const Undeliverable& lost) { OnUndeliverable(now, lost, outbox); },
          [&](const JournalRecovered& page) { OnRecovered(now, page, outbox); },
          [&](const JournalDurable& durable) { OnDurable(now, durable.through, outbox); },
          [&](const JournalRows& rows) { reads_.OnRows(rows, SceneNow(now, outbox)); },
          [&](const JournalRoom& room) { OnJournalRoom(room.bytes, outbox); },
          [&](const StopAsked&) {
            done_ = true;
            notices_.push_back(
                "the sink stops: batches wait until it is started again with the same --state; "
                "workers keep what was not acknowledged");
          },
          [&](const auto&) { counts_.Add("unexpected"); },
      },
      message);
}

void Ledger::OnWire(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Envelope& envelope = *wire.envelope;
  if (from.channel == Channel::kControl) return OnControl(now, envelope, outbox);
  if (phase_ == Phase::kRecovering) return counts_.Add("too_early");
  if (!member_.IsOurs(envelope.cluster())) return counts_.Add("R3");
  switch (envelope.body_case()) {
    case pb::Envelope::kResults:
      return OnResults(now, wire, outbox);
    case pb::Envelope::kOutput:
      return OnPart(now, wire, outbox);
    case pb::Envelope::kProbeEcho:
      return OnProbe(now, envelope.probe_echo(), outbox);
    case pb::Envelope::kBatchOpen:
      if (Admits(envelope, now, outbox)) Open(envelope.batch_open().batch(), now, outbox);
      return;
    case pb::Envelope::kFactsRequest:
      return OnFacts(now, from, envelope, outbox);
    case pb::Envelope::kSummaryRequest:
      return OnSummary(now, from, envelope.summary_request(), outbox);
    case pb::Envelope::kReadRequest:
      return reads_.Ask(from, envelope.read_request(), SceneNow(now, outbox));
    case pb::Envelope::kPruneRequest:
      return OnPrune(from, envelope.prune_request(), outbox);
    default:
      counts_.Add("unexpected");
  }
}

void Ledger::OnControl(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  switch (member_.Handle(now, envelope, outbox)) {
    case Member::Event::kWelcomed:
    case Member::Event::kNewState:
      OnState(now, outbox);
      break;
    case Member::Event::kRefused:
      done_ = true;
      notices_.push_back("the controller at " + options_.controller +
                         " refused this sink: " + member_.refused());
      break;
    case Member::Event::kNothing:
      break;
  }
  JudgeBegun(now, outbox);
  if (member_.FarewellAnswered()) done_ = true;  // R102
}

void Ledger::OnState(Instant now, Outbox& outbox) {
  const pb::ClusterState& state = member_.state();
  ack_link_.Follow(state, now, outbox);
  CloseGone(now, outbox);
  for (const pb::BatchState& known : state.batches()) {
    Batch* batch = BatchFor(known.batch(), outbox);
    if (batch == nullptr || !batch->recovered || !known.started()) continue;
    const auto ago = [&](uint64_t age_us) { return now - Micros(static_cast<int64_t>(age_us)); };
    batch->fold.ClockIs(ago(known.start_age_us()), known.ended() ? ago(known.end_age_us()) : now);
  }
  if (state.wish() == pb::RUN || state.leave_stage() < 3 || phase_ == Phase::kLeaving) return;
  counts_.Add("R102");
  phase_ = Phase::kLeaving;
  leave_by_ = now + options_.leave_wait;
  member_.News(now);
}

void Ledger::OnProbe(Instant now, const pb::ProbeEcho& echo, Outbox& outbox) {
  ack_link_.OnProbe(echo.lane(), now, outbox);
  if (!ack_link_.connected()) return counts_.Add("probe_without_ventilator");
  acks_.Probe(echo);
  acks_.Flush(member_.identity(), commit_.durable(), RoomBytes(), outbox);
}

void Ledger::OnFacts(Instant now, PeerId from, const pb::Envelope& envelope, Outbox& outbox) {
  if (!Admits(envelope, now, outbox)) return;
  const uint64_t written_before = commit_.written();
  for (const pb::BatchFacts& facts : envelope.facts_request().batches()) {
    WriteFacts(facts, now, outbox);
  }
  MakeRoomFor(envelope.facts_request(), outbox);
  const bool wrote = commit_.written() > written_before;
  if (!wrote && ventilator_epoch_row_ <= commit_.durable()) {
    return AnswerAsker(from.id, envelope.facts_request(), outbox);
  }
  // Told when it is durable; whoever finds no place here asks again.
  if (askers_.size() >= options_.askers_max && !askers_.contains(from.id)) {
    return counts_.Add("asker_refused");
  }
  askers_[from.id] = Asker{commit_.written(), envelope.facts_request()};
}

void Ledger::AnswerAskers(Outbox& outbox) {
  for (auto asker = askers_.begin(); asker != askers_.end();) {
    if (asker->second.sequence > commit_.durable()) {
      ++asker;
      continue;
    }
    AnswerAsker(asker->first, asker->second.request, outbox);
    asker = askers_.erase(asker);
  }
}

void Ledger::AnswerAsker(uint64_t connection, const pb::FactsRequest& request,
                         Outbox& outbox) const {
  pb::Envelope envelope = NewEnvelope(member_.identity());
  pb::FactsReply& reply = *envelope.mutable_facts_reply();
  reply = AnswerFacts(request, batches_, options_.facts);
  reply.set_ledger_sequence(commit_.durable());
  reply.set_room_bytes(RoomBytes());
  if (reply.room_bytes() == 0) reply.set_full(WhyFull());
  outbox.Send(PeerId{Channel::kFacts, connection}, std::move(envelope));
}

void Ledger::OnSummary(Instant now, PeerId from, const pb::SummaryRequest& request,
                       Outbox& outbox) {
  pb::Envelope envelope = NewEnvelope(member_.identity());
  pb::BatchSummary& summary = *envelope.mutable_summary_reply()->mutable_summary();
  if (const Batch* batch = batches_.Find(request.batch())) {
    summary = batch->fold.Summary(now);
  } else {
    summary.set_batch(request.batch());
  }
  outbox.Send(PeerId{Channel::kFacts, from.id}, std::move(envelope));
}

void Ledger::OnUndeliverable(Instant now, const Undeliverable& undeliverable, Outbox& outbox) {
  counts_.Add("undeliverable");
  if (undeliverable.to.channel == Channel::kAcks) ack_link_.OnUndeliverable(now, outbox);
  if (undeliverable.to.channel != Channel::kFacts) return;
  reads_.Forget(undeliverable.to);
  askers_.erase(undeliverable.to.id);
}

Reads::Scene Ledger::SceneNow(Instant now, Outbox& outbox) {
  return {now, batches_, commit_.durable(), member_.identity(), counts_, outbox};
}

void Ledger::Tick(Instant now, Outbox& outbox) {
  const Instant due = NextDeadline();
  if (due != kNever && now - due > kPauseMin) member_.Excuse(now - due);  // R55
  member_.Tick(now, outbox, [this](pb::Heartbeat& heartbeat) {
    heartbeat.set_leaving(phase_ == Phase::kLeaving);
  });
  if (now >= leave_by_) done_ = true;
  if (phase_ != Phase::kRecovering) reads_.Advance(SceneNow(now, outbox));
}

Instant Ledger::NextDeadline() const {
  return std::min({member_.NextDeadline(), reads_.NextDeadline(), leave_by_});
}

void Ledger::CheckInvariants() const {
  FANMILL_CHECK(commit_.durable() <= commit_.written(), "durable is only what was written");
  FANMILL_CHECK(reads_.open() <= options_.reads.readers, "readers are limited");
  FANMILL_CHECK(askers_.size() <= options_.askers_max, "askers are limited");
  for (const auto& [number, batch] : batches_.all()) {
    batch.fold.CheckInvariants();
    FANMILL_CHECK(!(batch.closing && batch.fold.closed()), "a batch is closed once");
    FANMILL_CHECK(!batch.forgotten || batch.fold.closed(), "no live batch is forgotten");
  }
}

}  // namespace fanmill
