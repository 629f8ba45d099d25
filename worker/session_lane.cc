// The session's talk with the ventilator: probes and chunks over the lane; hello, reports,
// verdicts, recalls, specs over the lease.
#include <algorithm>

#include "lib/core/limits.h"
#include "lib/core/task_set.h"
#include "worker/session.h"

namespace fanmill {

void Session::OnLane(Instant now, std::shared_ptr<const pb::Envelope> envelope, Outbox& outbox) {
  const uint64_t lane = envelope->has_probe() ? envelope->probe().lane() : envelope->tasks().lane();
  const bool ours = envelope->role() == pb::VENTILATOR && lane_.IsOfLane(envelope->epoch()) &&
                    lane == lane_.token();
  if (!ours) return Count("R22");
  lane_.HeardLane(now);
  if (envelope->has_probe()) return OnProbe(now, envelope->probe(), outbox);
  if (envelope->has_tasks()) return OnChunk(now, std::move(envelope), outbox);
  Count("stray");
}

void Session::OnProbe(Instant now, const pb::Probe& probe, Outbox& outbox) {  // R23
  Count("R23");
  // Where results wait, R42 minds the socket.
  if (lane_.EchoesAreLost(now) && !held_.HasResults() && !sink_endpoint_.empty()) {
    Count("results_socket_anew");
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kResults, sink_endpoint_});
  }
  pb::Envelope envelope = NewEnvelope(member_.identity());
  envelope.mutable_probe_echo()->set_lane(probe.lane());
  envelope.mutable_probe_echo()->set_nonce(probe.nonce());
  outbox.Send(PeerId{Channel::kResults}, std::move(envelope));
}

void Session::OnChunk(Instant now, std::shared_ptr<const pb::Envelope> envelope, Outbox& outbox) {
  const pb::TaskChunk& chunk = envelope->tasks();
  Hint(now, chunk.state_version());
  if (chunk.chunk() <= lane_.durable()) return Count("R22");
  lane_.CameThrough(chunk.chunk());
  OnDurable(now, chunk.durable_through(), outbox);
  if (dead_.IsDead(chunk.batch())) return Count("R93");
  if (leaving_.leaving()) return Count("chunk_while_leaving");
  if (held_.Find(chunk.chunk()) != nullptr) return Count("chunk_again");
  if (held_.chunks().size() >= options_.chunks_max) return Count("chunks_full");
  HoldChunk(now, std::move(envelope), outbox);
}

void Session::HoldChunk(Instant now, std::shared_ptr<const pb::Envelope> envelope, Outbox& outbox) {
  const uint32_t batch = envelope->tasks().batch();
  worker::HeldChunk& chunk =
      *held_.Add(std::make_shared<const worker::TaskSource>(std::move(envelope)), lane_.token());
  accounts_.TasksCame(now, batch);
  if (leaving_.wish() != pb::RUN) {  // R100
    chunk.GiveBack(chunk.waiting());
    report_due_ = true;
  } else if (const auto [asked, fresh] = specs_.try_emplace(batch, SpecAsked{nullptr, now});
             asked->second.spec != nullptr) {
    schedule_.Enqueue(chunk);
  } else if (fresh) {  // R25
    Count("R25");
    AskSpecs(now, outbox);
  }
  Changed(now, chunk);
}

void Session::OnLease(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  if (envelope.role() != pb::VENTILATOR) return Count("stray");
  if (!lane_.IsCurrent(envelope.epoch())) return Count("stale_epoch");
  lane_.Heard(now);
  switch (envelope.body_case()) {
    case pb::Envelope::kLeaseGrant:
      return OnGrant(now, envelope, outbox);
    case pb::Envelope::kLeaseReply:
      return OnReply(now, envelope, outbox);
    case pb::Envelope::kRecall:
      if (!lane_.IsOfLane(envelope.epoch())) return Count("stale_epoch");
      return OnRecall(now, envelope.recall());
    case pb::Envelope::kSpecReply:
      return OnSpec(now, envelope.spec_reply(), outbox);
    default:
      return Count("stray");
  }
}

void Session::OnGrant(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  const pb::LeaseGrant& grant = envelope.lease_grant();
  if (!lane_.Grant(now, envelope.epoch(), grant, outbox)) Count("R21");
  OnVerdicts(now, grant.verdicts(), outbox);
}

void Session::OnReply(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  const pb::LeaseReply& reply = envelope.lease_reply();
  Hint(now, reply.state_version());
  if (reply.unknown()) {  // R20
    if (!lane_.granted()) return;
    Count("R20");
    return lane_.Lose(now);
  }
  if (!lane_.IsOfLane(envelope.epoch())) return Count("stale_epoch");
  if (!reply.ask()) lane_.Answered();
  lane_.SetReady(now, reply.ready());
  if (reply.ready()) accounts_.BecomeReady(now);
  RangeSet dry;
  RangeSet backing_off;
  if (RangeSet::Unpack(reply.dry(), UINT32_MAX, &dry) &&
      RangeSet::Unpack(reply.backing_off(), UINT32_MAX, &backing_off)) {
    accounts_.SetWhyIdle(now, dry, backing_off);
  }
  OnDurable(now, reply.durable_through(), outbox);
  OnVerdicts(now, reply.verdicts(), outbox);
  if (reply.ask()) Report(now, reply.sequence(), outbox);
}

void Session::OnVerdicts(Instant now,
                         const google::protobuf::RepeatedPtrField<pb::Verdict>& verdicts,
                         Outbox& outbox) {
  bool socket_is_new = false;
  for (const pb::Verdict& verdict : verdicts) {
    worker::HeldChunk* const chunk = held_.Find(verdict.chunk());
    if (chunk == nullptr) continue;
    if (verdict.kind() == pb::DROP) {
      Count("R40");
      Drop(now, *chunk, outbox);
    } else if (verdict.kind() == pb::RESEND) {
      Resend(*chunk, &socket_is_new, outbox);
    }
  }
}

void Session::OnDurable(Instant now, uint64_t through, Outbox& outbox) {  // R41
  if (through <= lane_.durable()) return;
  lane_.Durable(through);
  for (auto next = held_.chunks().begin(); next != held_.chunks().end();) {
    worker::HeldChunk& chunk = (next++)->second;
    if (chunk.id() > through) return;
    if (chunk.lane != lane_.token()) continue;
    Count("R41");
    Drop(now, chunk, outbox);
  }
}

void Session::OnRecall(Instant now, const pb::Recall& recall) {  // R43
  Count("R43");
  uint64_t left = recall.tasks();
  for (auto last = held_.chunks().rbegin(); last != held_.chunks().rend() && left > 0; ++last) {
    worker::HeldChunk& chunk = last->second;
    if (chunk.batch() != recall.batch() || chunk.waiting() == 0) continue;
    left -= chunk.GiveBack(static_cast<uint32_t>(std::min<uint64_t>(left, chunk.waiting())));
    Changed(now, chunk);
  }
  report_due_ = true;
}

void Session::OnSpec(Instant now, const pb::SpecReply& reply, Outbox& outbox) {
  const auto asked = specs_.find(reply.batch());
  if (asked == specs_.end() || asked->second.spec != nullptr) return Count("spec_again");
  const std::vector<uint64_t> chunks = held_.OfBatch(reply.batch());
  if (reply.unknown()) {  // R25
    specs_.erase(asked);
    for (const uint64_t id : chunks) Drop(now, *held_.Find(id), outbox);
    return;
  }
  asked->second.spec = std::make_shared<const pb::Spec>(reply.spec());
  for (const uint64_t id : chunks) schedule_.Enqueue(*held_.Find(id));
}

void Session::AskSpecs(Instant now, Outbox& outbox) {
  specs_due_ = kNever;
  for (auto& [batch, asked] : specs_) {
    if (asked.spec != nullptr) continue;
    if (now >= asked.ask_due && lane_.granted()) {
      pb::Envelope envelope = NewEnvelope(member_.identity());
      envelope.mutable_spec_request()->set_batch(batch);
      outbox.Send(PeerId{Channel::kLease}, std::move(envelope));
    }
    if (now >= asked.ask_due) asked.ask_due = now + options_.ask_every;
    specs_due_ = std::min(specs_due_, asked.ask_due);
  }
}

void Session::SayHello(Outbox& outbox) {  // R20
  if (leaving_.leaving()) return;
  pb::Envelope envelope = NewEnvelope(member_.identity());
  pb::LeaseHello& hello = *envelope.mutable_lease_hello();
  hello.set_number(member_.number());
  hello.set_name(options_.name);
  hello.set_host(options_.host);
  hello.set_slots(options_.slots);
  for (const std::string& handler : options_.handlers) hello.add_handlers(handler);
  if (held_.Describe(true, transfer_, hello.mutable_held()) != 0) Count("held_cut");
  hello.set_spool_bytes(options_.spool_bytes);
  outbox.Send(PeerId{Channel::kLease}, std::move(envelope));
}

void Session::Report(Instant now, uint64_t sequence, Outbox& outbox) {
  pb::Envelope envelope = NewEnvelope(member_.identity());
  pb::LeaseReport& report = *envelope.mutable_lease_report();
  report.set_sequence(sequence);
  report.set_named_through(held_.Describe(false, transfer_, report.mutable_held()));
  if (report.named_through() != 0) Count("held_cut");
  for (const std::optional<worker::Bite>& bite : schedule_.bites()) {
    if (!bite.has_value() || bite->next == bite->end) continue;
    pb::RunningTask& running = *report.add_running();
    running.set_chunk(bite->chunk);
    running.set_index(bite->next);
    running.set_age_us(static_cast<uint64_t>(std::max<int64_t>(0, (now - bite->since).count())));
  }
  report.set_lane_through(lane_.through());
  report.set_draining(leaving_.wish() != pb::RUN);
  report.set_spool_room_bytes(SpoolRoom());
  report.set_paused(lane_.paused());
  told_full_ = SpoolRoom() == 0;
  outbox.Send(PeerId{Channel::kLease}, std::move(envelope));
}

void Session::SayFinished(Instant now, Outbox& outbox) {
  if (now < words_due_) return;
  words_due_ = kNever;
  for (const auto& [batch, word] : std::exchange(words_, {})) {
    if (!lane_.granted()) continue;
    pb::Envelope envelope = NewEnvelope(member_.identity());
    pb::Finished& finished = *envelope.mutable_finished();
    finished.set_batch(batch);
    PackDeltas(word.chunks, finished.mutable_chunks());
    finished.set_tasks(word.tasks);
    finished.set_run_us(word.run_us);
    finished.set_idle_slots(schedule_.idle());
    outbox.Send(PeerId{Channel::kLease}, std::move(envelope));
  }
}

}  // namespace fanmill
