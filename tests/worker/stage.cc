#include "tests/worker/stage.h"

#include "lib/core/describe.h"

namespace fanmill {

SessionOptions StageOptions(uint32_t slots) {
  SessionOptions options;
  options.incarnation = 99;
  options.version = "1";
  options.host = "host";
  options.name = "host:1";
  options.controller = "tcp://127.0.0.1:21000";
  options.slots = slots;
  options.handlers = {"noop"};
  return options;
}

Stage::Stage(SessionOptions options) : session(std::move(options)) {
  state_.set_version(1);
  state_.set_ventilator_epoch(kEpoch);
  state_.mutable_ventilator()->set_lease("tcp://v:21004");
  state_.set_sink_epoch(3);
  state_.mutable_sink()->set_results("tcp://s:21002");
}

Lines Stage::Step(const std::function<void(Outbox&)>& step) {
  Outbox outbox;
  step(outbox);
  session.CheckInvariants();
  said_ = outbox.Take();
  Lines lines;
  for (const Outgoing& outgoing : said_) lines.push_back(Describe(outgoing.message));
  return lines;
}

Lines Stage::Begin() {
  return Step([&](Outbox& outbox) { session.Start(now, outbox); });
}

Lines Stage::Hear(Channel channel, pb::Envelope envelope) {
  return Hear(channel, Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}});
}

Lines Stage::Hear(Channel channel, const Message& message) {
  return Step([&](Outbox& outbox) { session.Handle(now, PeerId{channel}, message, outbox); });
}

Lines Stage::Tick() {
  return Step([&](Outbox& outbox) { session.Tick(now, outbox); });
}

Lines Stage::Wait(Duration span) {
  const Instant end = now + span;
  Lines lines;
  std::vector<Outgoing> all;
  while (session.NextDeadline() <= end) {
    now = std::max(now, session.NextDeadline());
    for (std::string& line : Tick()) lines.push_back(std::move(line));
    all.insert(all.end(), said_.begin(), said_.end());
  }
  now = end;
  said_ = std::move(all);
  return lines;
}

void Stage::BeWelcomed() {
  Begin();
  pb::Envelope envelope = From(pb::CONTROLLER, 1);
  envelope.mutable_welcome()->set_cluster(kCluster);
  envelope.mutable_welcome()->set_number(4);
  envelope.mutable_welcome()->set_signal("tcp://c:21001");
  envelope.mutable_welcome()->set_heartbeat_us(1000000);
  *envelope.mutable_welcome()->mutable_state() = state_;
  Hear(Channel::kControl, std::move(envelope));
  Tick();
}

void Stage::Join() {
  BeWelcomed();
  Hear(Channel::kSignal, Signal{Signal::Topic::kWorker, 4, Signal::Verb::kAsk, 0});
  Tick();
  HearGrant();
  HearReply([](pb::LeaseReply& reply) { reply.set_ready(true); });
}

pb::Envelope Stage::From(pb::Role role, uint64_t epoch) const {
  return NewEnvelope(Identity{role, epoch, kCluster});
}

Lines Stage::HearState() {
  state_.set_version(state_.version() + 1);
  pb::Envelope envelope = From(pb::CONTROLLER, 1);
  envelope.mutable_heartbeat_reply()->set_state_version(state_.version());
  *envelope.mutable_heartbeat_reply()->mutable_state() = state_;
  return Hear(Channel::kControl, std::move(envelope));
}

Lines Stage::HearGrant(uint64_t lane, std::vector<pb::Verdict> verdicts) {
  pb::Envelope envelope = From(pb::VENTILATOR, kEpoch);
  envelope.mutable_lease_grant()->set_lane(lane);
  envelope.mutable_lease_grant()->set_endpoint("tcp://v:" + std::to_string(21100 + lane));
  envelope.mutable_lease_grant()->set_lease_us(5000000);
  for (pb::Verdict& verdict : verdicts) {
    *envelope.mutable_lease_grant()->add_verdicts() = std::move(verdict);
  }
  return Hear(Channel::kLease, std::move(envelope));
}

Lines Stage::HearReply(const std::function<void(pb::LeaseReply&)>& fill) {
  pb::Envelope envelope = From(pb::VENTILATOR, kEpoch);
  envelope.mutable_lease_reply()->set_sequence(++sequence_);
  envelope.mutable_lease_reply()->set_ready(true);
  fill(*envelope.mutable_lease_reply());
  return Hear(Channel::kLease, std::move(envelope));
}

Lines Stage::HearVerdict(uint64_t n, pb::VerdictKind kind) {
  return HearReply([&](pb::LeaseReply& reply) {
    reply.add_verdicts()->set_chunk(Chunk(n));
    reply.mutable_verdicts(0)->set_kind(kind);
  });
}

Lines Stage::HearSpec(uint32_t batch) {
  pb::Envelope envelope = From(pb::VENTILATOR, kEpoch);
  envelope.mutable_spec_reply()->set_batch(batch);
  envelope.mutable_spec_reply()->mutable_spec()->set_handler("noop");
  return Hear(Channel::kLease, std::move(envelope));
}

Lines Stage::HearChunk(uint64_t n, uint64_t first, uint64_t count,
                       const std::function<void(pb::TaskChunk&)>& fill) {
  pb::Envelope envelope = From(pb::VENTILATOR, kEpoch);
  pb::TaskChunk& chunk = *envelope.mutable_tasks();
  chunk.set_chunk(Chunk(n));
  chunk.set_lane(kLaneToken);
  chunk.set_batch(1);
  *chunk.mutable_tasks() = PackRange(first, count);
  if (fill) fill(chunk);
  return Hear(Channel::kLane, std::move(envelope));
}

Lines Stage::HearRan(uint32_t slot, uint64_t n, uint32_t first, uint32_t count, Duration run,
                     bool idle) {
  TasksRan ran;
  ran.slot = slot;
  ran.idle = idle;
  ran.chunk = Chunk(n);
  ran.ok_first = first;
  ran.ok_count = count;
  ran.ok_run = run;
  ran.began = ran.ended = now;
  return Hear(Channel::kExecutor, ran);
}

Lines Stage::HearOutcome(uint32_t slot, TaskOutcome outcome, bool idle) {
  TasksRan ran;
  ran.slot = slot;
  ran.idle = idle;
  ran.outcomes.push_back(std::move(outcome));
  ran.began = ran.ended = now;
  return Hear(Channel::kExecutor, ran);
}

pb::Envelope Stage::Said(pb::Envelope::BodyCase body) const {
  pb::Envelope found;
  for (const Outgoing& outgoing : said_) {
    const Wire* wire = std::get_if<Wire>(&outgoing.message);
    if (wire != nullptr && wire->envelope->body_case() == body) found = *wire->envelope;
  }
  return found;
}

std::string Stage::AskReport() {
  HearReply([](pb::LeaseReply& reply) { reply.set_ask(true); });
  return Text(Said(pb::Envelope::kLeaseReport).lease_report());
}

std::string Stage::Text(const pb::LeaseReport& report) {
  const auto ranges = [](const pb::Ranges& packed) {
    RangeSet set;
    EXPECT_TRUE(RangeSet::Unpack(packed, UINT64_MAX, &set));
    std::string text;
    for (const auto& [begin, end] : set.ranges()) {
      text += "[" + std::to_string(begin) + "," + std::to_string(end) + ")";
    }
    return text;
  };
  std::string text;
  for (const pb::HeldChunk& held : report.held()) {
    text += "held " + std::to_string(held.chunk() - Chunk(0));
    if (held.finished()) text += " finished";
    if (held.has_unfinished()) text += " unfinished " + ranges(held.unfinished());
    if (held.has_returned()) text += " returned " + ranges(held.returned());
    if (held.has_stopped()) text += " stopped " + ranges(held.stopped());
    text += "; ";
  }
  for (const pb::RunningTask& running : report.running()) {
    text += "runs " + std::to_string(running.chunk() - Chunk(0)) + "/" +
            std::to_string(running.index()) + " for " + std::to_string(running.age_us()) + "; ";
  }
  if (report.lane_through() != 0) {
    text += "through " + std::to_string(report.lane_through() - Chunk(0));
  }
  if (report.draining()) text += " draining";
  if (report.paused()) text += " paused";
  return text;
}

uint64_t Stage::Counted(const std::string& what) const {
  const auto found = session.Counters().find(what);
  return found == session.Counters().end() ? 0 : found->second;
}

TaskOutcome Outcome(uint64_t n, uint32_t index, pb::Status status, std::string out) {
  TaskOutcome outcome;
  outcome.chunk = Chunk(n);
  outcome.index = index;
  outcome.status = status;
  outcome.out = std::move(out);
  outcome.run = Millis(3);
  return outcome;
}

}  // namespace fanmill
