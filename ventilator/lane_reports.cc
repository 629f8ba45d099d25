// What workers report: both tables of section 3 of PROTOCOL.md, applied.
#include <algorithm>

#include "lib/core/limits.h"
#include "ventilator/lanes.h"

namespace fanmill::ventilator {
namespace {

constexpr Duration kDoubtAfter = Millis(300);

}  // namespace

ReconcileTimes Lanes::Times(Instant now) const {
  return {mill_.options.resend_after, mill_.options.lease, kDoubtAfter, mill_.SinkIsSilent(now)};
}

// ---- LeaseHello: a new lane ---------------------------------------------------------------------

Row Lanes::TakeOver(Instant now, Lane& lane, const pb::HeldChunk& held, Chunks& before) {
  BatchTasks* batch = mill_.Find(held.batch());
  if (batch == nullptr || !batch->live() || lane_of_chunk_.contains(held.chunk())) {
    return Row::kDropDone;
  }
  const auto old = before.find(held.chunk());
  const bool known = old != before.end();
  if (known && old->second.batch != held.batch()) return Row::kDropDone;  // it contradicts itself
  Chunk chunk;
  if (known) {
    chunk = std::move(old->second);
    before.erase(old);
  } else {
    chunk.id = held.chunk();
    chunk.batch = held.batch();
    chunk.tasks = TaskList(held.tasks());
    chunk.attempts.assign(held.attempt().begin(), held.attempt().end());
    chunk.bytes = kResultBytesReckoned * chunk.tasks.size();
  }
  const Row row = JudgeHello(AllTerminal(chunk), held.finished());
  if (row == Row::kDropDone) return row;
  AdoptTasks(*batch, chunk, known);
  chunk.finished = chunk.resent = row == Row::kResume;
  chunk.sent = chunk.finished_at = chunk.resent_at = now;
  chunk.unfinished = chunk.finished ? 0 : chunk.live();
  lane_of_chunk_[chunk.id] = lane.token;
  Chunk& here = lane.Add(std::move(chunk));
  TakeReturned(now, lane, here, held);
  RemoveIfEmpty(lane, lane.chunks.find(held.chunk()));
  return row;
}

void Lanes::AdoptTasks(BatchTasks& batch, Chunk& chunk, bool known) {
  for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
    if (known && !chunk.gone.Contains(index)) {
      if (batch.IsTerminal(chunk.tasks[index])) chunk.gone.Add(index);
    } else if (batch.Adopt(chunk.tasks[index])) {
      chunk.gone.Remove(index);
    } else {
      chunk.gone.Add(index);
    }
  }
  chunk.late = chunk.live() == 0;  // others do them by now; still these results would count
}

// ---- LeaseReport: the same lane -----------------------------------------------------------------

void Lanes::OnReport(Instant now, PeerId from, uint64_t incarnation, const pb::LeaseReport& report,
                     Outbox& outbox) {
  Lane* lane = ByIncarnation(incarnation);
  if (lane == nullptr) {
    pb::Envelope envelope = mill_.NewEnvelope();
    envelope.mutable_lease_reply()->set_unknown(true);
    outbox.Send(from, std::move(envelope));
    return mill_.Count("unknown_lane");
  }
  Heard(now, from, *lane);
  lane->draining = report.draining();
  lane->spool_full = report.spool_room_bytes() == 0;
  lane->running.clear();
  for (const pb::RunningTask& task : report.running()) {
    lane->running.push_back({task.chunk(), task.index()});
  }
  const ReconcileTimes times = Times(now);
  pb::Envelope envelope = Reply(*lane);
  pb::LeaseReply& reply = *envelope.mutable_lease_reply();
  for (const pb::HeldChunk& held : report.held()) {
    const Row row = JudgeReported(now, *lane, held, times);
    mill_.Count(RuleOf(row));
    if (row != Row::kDropUnknown && row != Row::kResend) continue;
    pb::Verdict& verdict = *reply.add_verdicts();
    verdict.set_chunk(held.chunk());
    verdict.set_kind(row == Row::kResend ? pb::RESEND : pb::DROP);
  }
  JudgeUnreported(now, *lane, report, times);
  hungry_.push_back(lane->token);
  if (reply.verdicts_size() == 0 && !report.paused() && report.sequence() != 0) return;
  reply.set_durable_through(lane->DurableThrough());
  reply.set_sequence(report.sequence());
  outbox.Send(from, std::move(envelope));
}

Row Lanes::JudgeReported(Instant now, Lane& lane, const pb::HeldChunk& held,
                         const ReconcileTimes& times) {
  auto found = lane.chunks.find(held.chunk());
  if (found == lane.chunks.end()) return JudgeHeld(now, nullptr, times);
  Chunk& chunk = found->second;
  RangeSet unfinished;
  if (held.finished()) {
    lane.Finish(chunk, now);
  } else if (!held.has_unfinished()) {
    lane.SetUnfinished(chunk, chunk.tasks.size());
  } else if (RangeSet::Unpack(held.unfinished(), chunk.tasks.size(), &unfinished)) {
    lane.SetUnfinished(chunk, unfinished.size());
  }
  // Large outputs on their way out: the time to miss them begins when they are through.
  if (!held.finished()) chunk.finished_at = chunk.resent_at = now;
  TakeReturned(now, lane, chunk, held);
  RemoveIfEmpty(lane, found);
  found = lane.chunks.find(held.chunk());
  Chunk* here = found == lane.chunks.end() ? nullptr : &found->second;
  const Row row = JudgeHeld(now, here, times);
  if (row == Row::kResend) {
    if (!here->resent) here->resent_at = now;
    here->resent = true;
    here->finished_at = now;
  } else if (row == Row::kStuck) {
    StopFeeding(now, lane, *here);
  }
  return row;
}

void Lanes::TakeReturned(Instant now, Lane& lane, Chunk& chunk, const pb::HeldChunk& held) {  // R35
  RangeSet returned;
  RangeSet stopped;
  if (!held.has_returned()) return;
  if (!RangeSet::Unpack(held.returned(), chunk.tasks.size(), &returned) ||
      !RangeSet::Unpack(held.stopped(), chunk.tasks.size(), &stopped)) {
    return mill_.Count("bad_ranges");
  }
  const uint64_t before = chunk.live();
  for (const auto& [begin, end] : returned.ranges()) {
    for (uint64_t index = begin; index < end; ++index) {
      LoseIndex(now, lane, chunk, index,
                stopped.Contains(index) ? Loss::kStopped : Loss::kReturned);
    }
  }
  if (chunk.live() != before) mill_.Count("R35");
}

void Lanes::JudgeUnreported(Instant now, Lane& lane, const pb::LeaseReport& report,
                            const ReconcileTimes& times) {
  std::vector<uint64_t> held;
  held.reserve(static_cast<size_t>(report.held_size()));
  for (const pb::HeldChunk& chunk : report.held()) held.push_back(chunk.chunk());
  std::ranges::sort(held);
  const uint64_t named_through = report.named_through() == 0 ? UINT64_MAX : report.named_through();
  for (auto it = lane.chunks.begin(); it != lane.chunks.end() && it->first <= named_through;) {
    Chunk& chunk = it->second;
    if (std::ranges::binary_search(held, chunk.id)) {
      ++it;
      continue;
    }
    const Row row = JudgeMissing(now, chunk, report.lane_through(), times);
    if (row == Row::kKeep) {
      ++it;
      continue;
    }
    mill_.Count(RuleOf(row));
    if (row == Row::kLostWithConnection) Doubt(now, lane);
    LoseAll(now, lane, chunk, Loss::kLost);
    it = Remove(lane, it);
  }
}

// R32: its results go nowhere. Others do these tasks; should they come after all, they count.
void Lanes::StopFeeding(Instant now, Lane& lane, Chunk& chunk) {
  lane.stuck = true;
  chunk.late = true;
  LoseAll(now, lane, chunk, Loss::kLost);
}

void Lanes::OnFinished(Instant now, PeerId from, uint64_t incarnation,
                       const pb::Finished& finished) {
  Lane* lane = ByIncarnation(incarnation);
  if (lane == nullptr) return mill_.Count("unknown_lane");
  Heard(now, from, *lane);
  for (const uint64_t id : UnpackDeltas(finished.chunks())) {
    const auto found = lane->chunks.find(id);
    if (found != lane->chunks.end()) lane->Finish(found->second, now);
  }
  if (BatchTasks* batch = mill_.Find(finished.batch())) {
    batch->Learn(finished.tasks(), finished.run_us());
  }
  hungry_.push_back(lane->token);
}

// ---- losing -------------------------------------------------------------------------------------

bool Lanes::AllTerminal(const Chunk& chunk) {
  const BatchTasks* batch = mill_.Find(chunk.batch);
  if (batch == nullptr) return true;
  for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
    // What does not exist needs nobody either.
    const uint64_t task = chunk.tasks[index];
    if (task < batch->durable() && !batch->IsTerminal(task)) return false;
  }
  return true;
}

void Lanes::LoseAll(Instant now, Lane& lane, Chunk& chunk, Loss loss) {
  for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
    LoseIndex(now, lane, chunk, index, loss);
  }
}

void Lanes::LoseIndex(Instant now, Lane& lane, Chunk& chunk, uint64_t index, Loss loss) {
  if (chunk.gone.Contains(index)) return;
  chunk.gone.Add(index);
  BatchTasks* batch = mill_.Find(chunk.batch);
  const uint32_t attempt = mill_.IsOwnChunk(chunk.id) ? chunk.attempt(index) : 0;
  if (batch == nullptr || !batch->Lose(now, chunk.tasks[index], attempt, loss, lane.death)) return;
  mill_.feed_all = true;
  if (!batch->finalising().empty()) mill_.facts_news = true;
  NoteLoss(*batch, chunk.tasks[index], loss);
}

void Lanes::NoteLoss(const BatchTasks& batch, uint64_t task, Loss loss) {
  const std::string* quarantine = batch.QuarantineOf(task);
  if (batch.RunsAlone(task) || quarantine != nullptr) mill_.Count("R54");
  if (quarantine != nullptr) {
    mill_.notices.push_back("task " + std::to_string(task + 1) + " of batch " +
                            std::to_string(batch.id()) + " is given up: " + *quarantine);
  }
  if (loss == Loss::kFailed && batch.IsHopeless(task)) mill_.Count("R107");
  if (batch.back_off().Contains(task)) mill_.Count("R108");
  const bool told = loss == Loss::kReturned || loss == Loss::kStopped || loss == Loss::kFailed;
  if (!told) mill_.Count("redelivered");
}

Lanes::Chunks::iterator Lanes::Remove(Lane& lane, Chunks::iterator chunk) {
  lane_of_chunk_.erase(chunk->first);
  hungry_.push_back(lane.token);
  return lane.Remove(chunk);
}

Lanes::Chunks::iterator Lanes::RemoveIfEmpty(Lane& lane, Chunks::iterator chunk) {
  if (chunk == lane.chunks.end()) return chunk;
  Chunk& here = chunk->second;
  if (here.live() == 0 && !(here.late && !AllTerminal(here))) return Remove(lane, chunk);
  if (here.unfinished > here.live() && !here.late) lane.SetUnfinished(here, here.live());
  return std::next(chunk);
}

}  // namespace fanmill::ventilator
