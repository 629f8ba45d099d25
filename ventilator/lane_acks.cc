// What the sink says of chunks: acks, and facts that heal lost ones.
#include <algorithm>
#include <set>
#include <tuple>

#include "ventilator/lanes.h"

namespace fanmill::ventilator {

// The attempts that an ack names as not OK.
struct Lanes::Failing {
  std::set<std::tuple<uint32_t, uint64_t, uint64_t, uint32_t>> attempts;  // epoch as chunks have it

  void Add(const pb::AttemptFailure& f) {
    attempts.emplace(f.batch(), f.task(), ChunkEpoch(ChunkId(f.epoch(), 0)), f.attempt());
  }
  bool Has(const Chunk& chunk, uint64_t index) const {
    if (attempts.empty()) return false;
    return attempts.contains(
        {chunk.batch, chunk.tasks[index], ChunkEpoch(chunk.id), chunk.attempt(index)});
  }
};

Lane* Lanes::HolderOf(uint64_t chunk) {
  const auto found = lane_of_chunk_.find(chunk);
  return found == lane_of_chunk_.end() ? nullptr : &lanes_.at(found->second);
}

void Lanes::OnAck(Instant now, const pb::Ack& ack, Outbox& outbox) {
  Failing failing;
  for (const pb::AttemptFailure& failure : ack.failed()) {
    failing.Add(failure);
    BatchTasks* batch = mill_.Find(failure.batch());
    if (batch == nullptr) continue;
    batch->AttemptFailed(failure);
    if (!batch->finalising().empty()) mill_.facts_news = true;
  }
  for (const uint64_t id : UnpackDeltas(ack.whole())) {
    Lane* lane = HolderOf(id);
    if (lane == nullptr) {
      mill_.Count("stray_ack");  // the facts tell of its tasks
      continue;
    }
    lane->stuck = false;
    EndWhole(now, *lane, lane->chunks.find(id), failing);
  }
  for (const pb::PartialAck& partial : ack.partial()) {
    Lane* lane = HolderOf(partial.chunk());
    if (lane == nullptr) {
      mill_.Count("stray_ack");
      continue;
    }
    lane->stuck = false;
    EndPart(now, *lane, lane->chunks.find(partial.chunk()), partial.tasks(), failing);
  }
  for (const pb::ProbeEcho& echo : ack.probes()) OnEcho(now, echo, outbox);
}

void Lanes::EndWhole(Instant now, Lane& lane, Chunks::iterator at, const Failing& failing) {
  Chunk& chunk = at->second;
  BatchTasks& batch = *mill_.Find(chunk.batch);
  if (failing.attempts.empty() && chunk.tasks.contiguous()) {
    batch.EndOk(chunk.tasks[0], chunk.tasks[0] + chunk.tasks.size());
  } else {
    for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
      EndIndex(now, lane, chunk, index, failing);
    }
  }
  Remove(lane, at);
}

void Lanes::EndPart(Instant now, Lane& lane, Chunks::iterator at, const pb::TaskSet& tasks,
                    const Failing& failing) {
  Chunk& chunk = at->second;
  uint64_t index = 0;  // results come mostly in the chunk's order
  ForEachTask(tasks, [&](uint64_t, uint64_t task) {
    for (uint64_t looked = 0; looked < chunk.tasks.size(); ++looked, ++index) {
      if (index >= chunk.tasks.size()) index = 0;
      if (chunk.tasks[index] == task) return EndIndex(now, lane, chunk, index, failing);
    }
    mill_.Count("stray_ack");
  });
  RemoveIfEmpty(lane, at);
  hungry_.push_back(lane.token);
}

void Lanes::EndIndex(Instant now, Lane& lane, Chunk& chunk, uint64_t index,
                     const Failing& failing) {
  const uint64_t task = chunk.tasks[index];
  if (failing.Has(chunk, index)) {
    mill_.Count("R62");
    return LoseIndex(now, lane, chunk, index, Loss::kFailed);
  }
  mill_.Find(chunk.batch)->EndOk(task, task + 1);
  chunk.gone.Add(index);
}

void Lanes::Sweep(Instant now, BatchTasks& batch, const std::vector<pb::AttemptFailure>& attempts) {
  Failing failing;
  for (const pb::AttemptFailure& failure : attempts) {
    failing.Add(failure);
    batch.AttemptFailed(failure);
  }
  if (!batch.finalising().empty()) mill_.facts_news = true;
  for (auto& [token, lane] : lanes_) {
    for (auto it = lane.chunks.begin(); it != lane.chunks.end();) {
      Chunk& chunk = it->second;
      if (chunk.batch != batch.id()) {
        ++it;
        continue;
      }
      for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
        if (chunk.gone.Contains(index)) continue;
        if (batch.IsTerminal(chunk.tasks[index])) {
          mill_.Count("R70");
          chunk.gone.Add(index);
        } else if (failing.Has(chunk, index)) {
          mill_.Count("R71");
          LoseIndex(now, lane, chunk, index, Loss::kFailed);
        }
      }
      it = RemoveIfEmpty(lane, it);
    }
  }
}

void Lanes::Forget(uint32_t batch) {
  for (auto& [token, lane] : lanes_) {
    for (auto it = lane.chunks.begin(); it != lane.chunks.end();) {
      it = it->second.batch == batch ? Remove(lane, it) : std::next(it);
    }
  }
}

void Lanes::AddOverdue(Instant now, uint32_t batch, RangeSet& tasks) const {
  for (const auto& [token, lane] : lanes_) {
    for (const auto& [id, chunk] : lane.chunks) {
      const bool overdue = chunk.batch == batch && chunk.finished &&
                           now >= After(chunk.finished_at, mill_.options.facts_every);
      if (!overdue) continue;
      for (uint64_t index = 0; index < chunk.tasks.size(); ++index) {
        if (!chunk.gone.Contains(index) || chunk.late) tasks.Add(chunk.tasks[index]);
      }
    }
  }
}

// ---- what the schedule does ---------------------------------------------------------------------

void Lanes::Send(Instant now, Lane& lane, Chunk chunk, pb::Envelope envelope, Outbox& outbox) {
  envelope.mutable_tasks()->set_durable_through(lane.DurableThrough());
  envelope.mutable_tasks()->set_lane(lane.token);
  envelope.mutable_tasks()->set_state_version(mill_.member.state().version());
  lane_of_chunk_[chunk.id] = lane.token;
  lane.sent_through = chunk.id;
  chunk.sent = now;
  lane.Add(std::move(chunk));
  lane.ping_due = std::min(lane.ping_due, now + mill_.options.ping_busy);
  Wake(lane.ping_due);
  outbox.Send(PeerId{Channel::kLane, lane.token}, std::move(envelope));
}

void Lanes::TellWhyIdle(Instant now, const RangeSet& dry, const RangeSet& backing_off,
                        Outbox& outbox) {
  if (dry == dry_ && backing_off == backing_off_) return;
  if (backing_off != backing_off_) mill_.member.News(now);  // people may ask why nothing moves
  dry_ = dry;
  backing_off_ = backing_off;
  for (const auto& [token, lane] : lanes_) {
    if (lane.ready) outbox.Send(lane.lease, Reply(lane));
  }
}

void Lanes::Recall(Lane& lane, uint32_t batch, uint64_t tasks, Outbox& outbox) {
  pb::Envelope envelope = mill_.NewEnvelope();
  envelope.mutable_recall()->set_batch(batch);
  envelope.mutable_recall()->set_tasks(tasks);
  mill_.Count("R44");
  outbox.Send(lane.lease, std::move(envelope));
}

}  // namespace fanmill::ventilator
