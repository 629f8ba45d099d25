#include "ventilator/lanes.h"

#include <algorithm>
#include <bit>

#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "lib/core/printable.h"

namespace fanmill::ventilator {
namespace {

constexpr size_t kDeadKept = 64;
constexpr size_t kCauseBytesMax = 64;
constexpr size_t kManyLanes = 4;           // R52
constexpr size_t kManyVanishPercent = 30;  // R52

}  // namespace

// ---- opening ------------------------------------------------------------------------------------

Lane* Lanes::ByIncarnation(uint64_t incarnation) {
  const auto found = by_incarnation_.find(incarnation);
  return found == by_incarnation_.end() ? nullptr : &lanes_.at(found->second);
}

void Lanes::OnHello(Instant now, PeerId from, uint64_t incarnation, const pb::LeaseHello& hello,
                    Outbox& outbox) {
  if (hello.slots() == 0 || hello.slots() > kSlotsPerWorkerMax || incarnation == 0 ||
      std::ranges::find(dead_, incarnation) != dead_.end()) {
    return mill_.Count("bad_hello");
  }
  Lane* lane = ByIncarnation(incarnation);
  if (lane == nullptr && lanes_.size() >= mill_.options.lanes_max) {
    return RefuseLane(hello);
  }
  Chunks before;
  if (lane != nullptr) before = TakeChunks(*lane);
  if (lane != nullptr && lane->sent_through != 0) {  // R21
    mill_.Count("R21");
    Close(now, lane->token, {}, outbox);
    lane = nullptr;
  }
  if (lane == nullptr) lane = &NewLane(incarnation, outbox);
  Introduce(now, from, hello, *lane);
  lane->grant.clear_verdicts();
  for (const pb::HeldChunk& held : hello.held()) {
    const Row row = TakeOver(now, *lane, held, before);
    mill_.Count(RuleOf(row));
    pb::Verdict& verdict = *lane->grant.add_verdicts();
    verdict.set_chunk(held.chunk());
    verdict.set_kind(row == Row::kDropDone ? pb::DROP
                     : row == Row::kResume ? pb::RESEND
                                           : pb::ADOPT);
  }
  for (auto& [id, chunk] : before) LoseAll(now, *lane, chunk, Loss::kLost);  // not even there
  if (!lane->endpoint.empty()) Grant(*lane, outbox);
}

// At the first, and then ever more rarely: it asks again and again.
void Lanes::RefuseLane(const pb::LeaseHello& hello) {
  mill_.Count("too_many_lanes");
  if (!std::has_single_bit(mill_.counters.at("too_many_lanes"))) return;
  mill_.notices.push_back("worker " + Printable(hello.name(), 64) +
                          " gets no lane: " + std::to_string(lanes_.size()) +
                          " workers are connected, as many as the limit of open files and the "
                          "lane ports allow; raise ulimit -n or widen --lane-ports");
}

Lane& Lanes::NewLane(uint64_t incarnation, Outbox& outbox) {
  uint64_t token = random_.Next();
  while (token == 0 || lanes_.contains(token)) token = random_.Next();
  Lane& lane = lanes_[token];
  lane.token = token;
  lane.incarnation = incarnation;
  lane.nonce = random_.Next();
  by_incarnation_[incarnation] = token;
  outbox.Send(PeerId{Channel::kNet}, OpenLane{token});
  return lane;
}

void Lanes::Introduce(Instant now, PeerId from, const pb::LeaseHello& hello, Lane& lane) {
  if (lane.ready) mill_.member.News(now);
  lane.ready = false;
  lane.draining = lane.stuck = lane.spool_full = false;
  lane.running.clear();
  lane.number = hello.number();
  lane.name = hello.name();
  lane.host = hello.host();
  lane.slots = hello.slots();
  lane.handlers.assign(hello.handlers().begin(), hello.handlers().end());
  lane.spool_bytes = hello.spool_bytes();
  Heard(now, from, lane);
  lane.ping_due = now + mill_.options.ping_busy;
  ProbeFrom(now, lane);
}

// The lane's chunks, which are outstanding on it no more; who holds their tasks is for the caller.
Lanes::Chunks Lanes::TakeChunks(Lane& lane) {
  for (const auto& [id, chunk] : lane.chunks) lane_of_chunk_.erase(id);
  lane.unfinished = lane.undurable_bytes = 0;
  return std::exchange(lane.chunks, {});
}

void Lanes::Heard(Instant now, PeerId from, Lane& lane) {
  if (lane.lease != from) {
    const auto old = lane_of_peer_.find(lane.lease.id);
    if (old != lane_of_peer_.end() && old->second == lane.token) lane_of_peer_.erase(old);
    lane.lease = from;
    lane_of_peer_[from.id] = lane.token;
  }
  lane.heard = now;
  lane.grace = Duration{0};
  lane.asked = kNever;
  lane.unreachable = kNever;
  lane.stripped = false;
}

void Lanes::OnOpened(Instant now, const LaneOpened& opened, Outbox& outbox) {
  const auto found = lanes_.find(opened.lane);
  if (found == lanes_.end()) return;
  found->second.endpoint = opened.endpoint;
  ProbeFrom(now, found->second);
  Grant(found->second, outbox);
}

void Lanes::OnFailed(Instant now, const LaneFailed& failed) {
  const auto found = lanes_.find(failed.lane);
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  mill_.Count("lane_failed");
  mill_.notices.push_back(
      "worker " + Printable(lane.name, 64) + " gets no lane: " + failed.reason +
      "; it will ask again. Free a port of the lanes' range, or stop a worker.");
  Chunks before = TakeChunks(lane);
  for (auto& [id, chunk] : before) LoseAll(now, lane, chunk, Loss::kLost);
  by_incarnation_.erase(lane.incarnation);
  lane_of_peer_.erase(lane.lease.id);
  lanes_.erase(found);
}

void Lanes::Grant(Lane& lane, Outbox& outbox) {
  pb::Envelope envelope = mill_.NewEnvelope();
  lane.grant.set_lane(lane.token);
  lane.grant.set_endpoint(lane.endpoint);
  lane.grant.set_lease_us(static_cast<uint64_t>(mill_.options.lease.count()));
  *envelope.mutable_lease_grant() = lane.grant;
  outbox.Send(lane.lease, std::move(envelope));
}

void Lanes::OnAnyWord(Instant now, PeerId from, uint64_t incarnation) {
  if (Lane* lane = ByIncarnation(incarnation)) Heard(now, from, *lane);
}

// ---- ready --------------------------------------------------------------------------------------

// The first is most often lost, since the worker is only just connecting.
void Lanes::ProbeFrom(Instant now, Lane& lane) {
  lane.probe_due = now;
  lane.probe_wait = mill_.options.probe_soon;
  Wake(now);
}

void Lanes::Probe(Instant now, Lane& lane, Outbox& outbox) {  // R23
  pb::Envelope envelope = mill_.NewEnvelope();
  envelope.mutable_probe()->set_lane(lane.token);
  envelope.mutable_probe()->set_nonce(lane.nonce);
  outbox.Send(PeerId{Channel::kLane, lane.token}, std::move(envelope));
  lane.probe_due = now + lane.probe_wait;
  lane.probe_wait = std::min(lane.probe_wait * 2, mill_.options.probe_every);
}

void Lanes::OnEcho(Instant now, const pb::ProbeEcho& echo, Outbox& outbox) {
  const auto found = lanes_.find(echo.lane());
  if (found == lanes_.end() || found->second.nonce != echo.nonce())
    return mill_.Count("stray_echo");
  Lane& lane = found->second;
  if (lane.ready) return;
  mill_.Count("R23");
  lane.ready = true;
  lane.probe_due = kNever;
  mill_.member.News(now);
  hungry_.push_back(lane.token);
  outbox.Send(lane.lease, Reply(lane));
}

// R23: the lane lost something; nothing more is put on it before a probe came round again.
void Lanes::Doubt(Instant now, Lane& lane) {
  if (!lane.ready) return;
  mill_.Count("lane_doubted");
  lane.ready = false;
  mill_.member.News(now);
  ProbeFrom(now, lane);
}

void Lanes::FillReady(pb::Heartbeat& heartbeat) const {
  for (const auto& [token, lane] : lanes_) {
    if (!lane.ready) continue;
    pb::ReadyWorker& worker = *heartbeat.add_ready();
    worker.set_incarnation(lane.incarnation);
    worker.set_slots(lane.slots);
    for (const std::string& handler : lane.handlers) worker.add_handlers(handler);
  }
}

pb::Envelope Lanes::Reply(const Lane& lane) const {
  pb::Envelope envelope = mill_.NewEnvelope();
  pb::LeaseReply& reply = *envelope.mutable_lease_reply();
  reply.set_durable_through(lane.DurableThrough());
  reply.set_ready(lane.ready);
  if (!dry_.empty()) *reply.mutable_dry() = dry_.Pack();
  if (!backing_off_.empty()) *reply.mutable_backing_off() = backing_off_.Pack();
  reply.set_state_version(mill_.member.state().version());
  return envelope;
}

// ---- leases -------------------------------------------------------------------------------------

void Lanes::Ping(Instant now, Lane& lane, Outbox& outbox) {
  pb::Envelope envelope = Reply(lane);
  envelope.mutable_lease_reply()->set_ask(true);
  envelope.mutable_lease_reply()->set_sequence(++lane.asks);
  outbox.Send(lane.lease, std::move(envelope));
  lane.asked = std::min(lane.asked, now);
  const bool busy = !lane.chunks.empty() || lane.unreachable != kNever;
  lane.ping_due = now + (busy ? mill_.options.ping_busy : mill_.options.ping_idle);
}

void Lanes::OnUndeliverable(Instant now, const Undeliverable& failed) {
  if (failed.to.channel == Channel::kLane) {
    const auto found = lanes_.find(failed.to.id);
    if (found == lanes_.end() || !found->second.ready) return;  // its probe: repeated anyway
    mill_.Count("lane_full");
    for (auto& [id, chunk] : found->second.chunks) chunk.doubted = true;
    return Doubt(now, found->second);
  }
  const auto found = lane_of_peer_.find(failed.to.id);
  if (failed.to.channel != Channel::kLease || !failed.unreachable || found == lane_of_peer_.end()) {
    return;
  }
  Lane& lane = lanes_.at(found->second);
  lane.unreachable = std::min(lane.unreachable, now);
  lane.ping_due = std::min(lane.ping_due, now + mill_.options.ping_busy);
  Wake(std::min(lane.ping_due, now + mill_.options.unreachable_after));
}

void Lanes::OnDeath(Instant now, uint64_t incarnation, const pb::DeathReport& report,
                    Outbox& outbox) {
  dead_.push_back(incarnation);
  if (dead_.size() > kDeadKept) dead_.pop_front();
  Lane* lane = ByIncarnation(incarnation);
  if (lane == nullptr) return mill_.Count("stray_death");
  mill_.Count("R53");
  lane->death =
      report.cause().empty() ? "an unknown cause" : Printable(report.cause(), kCauseBytesMax);
  mill_.notices.push_back("worker " + Printable(lane->name, 64) + " on " +
                          Printable(lane->host, 64) + " died (" + lane->death +
                          "); its tasks are handed out again");
  Close(
      now, lane->token,
      [&report](const Chunk& chunk, uint64_t index) {
        for (const pb::StartedAttempt& started : report.started()) {
          if (started.chunk() == chunk.id && started.task() == chunk.tasks[index])
            return Loss::kBlamed;
        }
        return Loss::kLost;
      },
      outbox);
}

void Lanes::Tick(Instant now, Outbox& outbox) {
  if (now < due_) return;
  LeaseTick(now, outbox);
  due_ = kNever;
  for (auto& [token, lane] : lanes_) {
    if (now >= lane.ping_due) Ping(now, lane, outbox);
    if (!lane.endpoint.empty() && now >= lane.probe_due) Probe(now, lane, outbox);
    if (lane.unreachable != kNever && !lane.stripped) {
      Wake(After(lane.unreachable, mill_.options.unreachable_after));
    }
    if (!lane.endpoint.empty()) Wake(lane.probe_due);
    Wake(std::min(lane.ping_due, lane.LeaseEnd(mill_.options.lease)));
  }
}

void Lanes::LeaseTick(Instant now, Outbox& outbox) {
  std::vector<uint64_t> silent;
  for (auto& [token, lane] : lanes_) {
    if (now >= lane.LeaseEnd(mill_.options.lease)) silent.push_back(token);
    if (!lane.stripped && now >= After(lane.unreachable, mill_.options.unreachable_after)) {
      Strip(now, lane);
    }
  }
  if (silent.empty()) return;
  GiveGraceIfManyVanish(now);
  for (const uint64_t token : silent) {
    const Lane& lane = lanes_.at(token);
    if (now < lane.LeaseEnd(mill_.options.lease)) continue;
    mill_.Count("R50");
    mill_.notices.push_back("worker " + Printable(lane.name, 64) + " on " +
                            Printable(lane.host, 64) + " has been silent for " +
                            std::to_string((mill_.options.lease + lane.grace).count() / 1'000'000) +
                            " s; its tasks are handed out again");
    Close(
        now, token,
        [&lane](const Chunk& chunk, uint64_t index) {
          return lane.Runs(chunk.id, index) ? Loss::kSilent : Loss::kLost;
        },
        outbox);
  }
}

void Lanes::GiveGraceIfManyVanish(Instant now) {  // R52
  std::vector<Lane*> vanishing;
  for (auto& [token, lane] : lanes_) {
    const bool ends = now >= lane.LeaseEnd(mill_.options.lease);
    const bool unanswered = now >= After(lane.asked, mill_.options.suspect_after);
    if (ends || unanswered) vanishing.push_back(&lane);
  }
  if (lanes_.size() < kManyLanes || vanishing.size() * 100 <= lanes_.size() * kManyVanishPercent) {
    return;
  }
  bool news = false;
  for (Lane* lane : vanishing) {
    if (lane->grace != Duration{0}) continue;
    lane->grace = mill_.options.lease;
    news = true;
  }
  if (!news) return;
  mill_.Count("R52");
  mill_.notices.push_back(std::to_string(vanishing.size()) + " of " +
                          std::to_string(lanes_.size()) +
                          " workers fell silent together: the network of this host may be down; "
                          "they are waited for one lease more");
}

// R51: what is not known to run there goes to others at once.
void Lanes::Strip(Instant now, Lane& lane) {
  lane.stripped = true;
  mill_.Count("R51");
  for (auto it = lane.chunks.begin(); it != lane.chunks.end();) {
    Chunk& chunk = it->second;
    for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
      if (!lane.Runs(chunk.id, index)) LoseIndex(now, lane, chunk, index, Loss::kLost);
    }
    it = RemoveIfEmpty(lane, it);
  }
}

void Lanes::Close(Instant now, uint64_t token, const LossOf& loss_of, Outbox& outbox) {
  Lane& lane = lanes_.at(token);
  if (lane.ready) mill_.member.News(now);
  for (auto& [id, chunk] : lane.chunks) {
    lane_of_chunk_.erase(id);
    for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
      if (!chunk.gone.Contains(index)) LoseIndex(now, lane, chunk, index, loss_of(chunk, index));
    }
  }
  const auto peer = lane_of_peer_.find(lane.lease.id);
  if (peer != lane_of_peer_.end() && peer->second == token) lane_of_peer_.erase(peer);
  by_incarnation_.erase(lane.incarnation);
  outbox.Send(PeerId{Channel::kNet}, CloseLane{token});
  lanes_.erase(token);
}

void Lanes::Excuse(Duration pause) {  // R55
  for (auto& [token, lane] : lanes_) {
    lane.heard += pause;
    lane.unreachable = After(lane.unreachable, pause);
    lane.asked = After(lane.asked, pause);
    for (auto& [id, chunk] : lane.chunks) {
      chunk.sent += pause;
      chunk.finished_at += pause;
      chunk.resent_at += pause;
    }
  }
}

void Lanes::CheckInvariants() const {
  uint64_t chunks = 0;
  for (const auto& [token, lane] : lanes_) {
    FANMILL_CHECK(lane.token == token && by_incarnation_.at(lane.incarnation) == token);
    lane.CheckInvariants();
    chunks += lane.chunks.size();
    for (const auto& [id, chunk] : lane.chunks) {
      FANMILL_CHECK(lane_of_chunk_.at(id) == token, "a chunk is outstanding on one lane");
      const BatchTasks* batch = mill_.Find(chunk.batch);
      FANMILL_CHECK(batch != nullptr && batch->live(), "nothing of a dead batch is outstanding");
    }
  }
  FANMILL_CHECK(chunks == lane_of_chunk_.size() && lanes_.size() == by_incarnation_.size());
}

}  // namespace fanmill::ventilator
