#include "ventilator/schedule/feeder.h"

#include <algorithm>

#include "ventilator/schedule/chunk_maker.h"

namespace fanmill::ventilator {
namespace {

// Less unstarted work than this is done sooner than it is moved.
constexpr uint64_t kRecallWorthNs = 1'000'000;

}  // namespace

bool Feeder::Feed(Instant now, Outbox& outbox) {
  std::vector<uint64_t> hungry = lanes_.TakeHungry();
  if (!mill_.feed_all && hungry.empty() && now < NextDeadline()) return false;
  EndBackOffs(now);
  ReleaseLane();
  if (std::exchange(mill_.feed_all, false)) {
    FeedAll(now, outbox);
  } else {
    std::ranges::sort(hungry);
    hungry.erase(std::unique(hungry.begin(), hungry.end()), hungry.end());
    for (const uint64_t token : hungry) {
      const auto found = lanes_.all().find(token);
      if (found != lanes_.all().end()) FeedFull(now, found->second, outbox);
    }
  }
  ReserveLane();
  TellWhyIdle(now, outbox);
  RecallForIdle(now, outbox);
  return true;
}

void Feeder::FeedFull(Instant now, Lane& lane, Outbox& outbox) {
  while (FeedOnce(now, lane, outbox)) {
  }
}

// Chunk by chunk in turns, so that few tasks spread over many lanes; idle slots come first.
void Feeder::FeedAll(Instant now, Outbox& outbox) {
  for (const bool idle_only : {true, false}) {
    for (bool more = true; more;) {
      more = false;
      for (auto& [token, lane] : lanes_.all()) {
        if (idle_only && !lane.IsIdle()) continue;
        more = FeedOnce(now, lane, outbox) || more;
      }
    }
  }
}

bool Feeder::MayHandOut(const Lane& lane) {
  if (mill_.sink_room == 0) mill_.Count("R65");
  return lane.IsFed() && mill_.sink_room > 0 && !mill_.IsLeaving(lane.number);  // R23, R65
}

// R54: nothing beside what runs alone, and nothing on a lane that must become empty for it.
bool Feeder::TakesMore(const Lane& lane) {
  if (!MayHandOut(lane)) return false;
  if (lane.token == reserved_) return lane.chunks.empty();
  if (lane.chunks.size() != 1) return true;
  const Chunk& only = lane.chunks.begin()->second;
  const BatchTasks* batch = mill_.Find(only.batch);
  return only.tasks.size() != 1 || batch == nullptr || !batch->RunsAlone(only.tasks[0]);
}

bool Feeder::FeedOnce(Instant now, Lane& lane, Outbox& outbox) {
  if (!TakesMore(lane)) return false;
  const auto after = mill_.batches.upper_bound(last_batch_);
  auto it = after == mill_.batches.end() ? mill_.batches.begin() : after;
  for (size_t tried = 0; tried < mill_.batches.size(); ++tried) {
    BatchTasks& batch = *it->second;
    if (++it == mill_.batches.end()) it = mill_.batches.begin();
    if (!batch.HasWork()) continue;  // R91
    if (lane.token == reserved_ && !batch.HasLonely()) continue;
    if (!lane.Offers(batch.spec().handler())) {
      mill_.Count("R94");
      continue;
    }
    pb::Envelope envelope = mill_.NewEnvelope();
    std::optional<Chunk> chunk = MakeChunk(batch, lane, *envelope.mutable_tasks());
    if (!chunk.has_value()) {
      mill_.Count("R24");
      continue;
    }
    last_batch_ = batch.id();
    chunk->id = ChunkId(mill_.options.epoch, ++chunks_);
    envelope.mutable_tasks()->set_chunk(chunk->id);
    lanes_.Send(now, lane, *std::move(chunk), std::move(envelope), outbox);
    if (lane.token == reserved_) reserved_ = 0;
    return true;
  }
  return false;
}

// Whether something that must run alone could run there, once it is empty.
bool Feeder::WaitsForLonely(const Lane& lane) {
  return MayHandOut(lane) && std::ranges::any_of(mill_.batches, [&](const auto& entry) {
           const BatchTasks& batch = *entry.second;
           return batch.HasLonely() && batch.HasWork() && lane.Offers(batch.spec().handler());
         });
}

void Feeder::ReleaseLane() {
  if (reserved_ == 0) return;
  const auto found = lanes_.all().find(reserved_);
  if (found != lanes_.all().end() && WaitsForLonely(found->second)) return;
  reserved_ = 0;
  mill_.feed_all = true;
}

// After a feed: what must run alone still waits only if no lane that may run it is empty. The one
// with the least to do will be so first.
void Feeder::ReserveLane() {
  const bool lonely = std::ranges::any_of(
      mill_.batches, [](const auto& entry) { return entry.second->HasLonely(); });
  if (!lonely || reserved_ != 0) return;
  const Lane* least = nullptr;
  for (const auto& [token, lane] : lanes_.all()) {
    const bool less = least == nullptr || lane.unfinished < least->unfinished;
    if (less && TakesMore(lane) && WaitsForLonely(lane)) least = &lane;
  }
  if (least == nullptr) return;
  mill_.Count("lane_reserved");
  reserved_ = least->token;
}

void Feeder::EndBackOffs(Instant now) {  // R108
  back_off_due_ = kNever;
  for (const auto& [id, batch] : mill_.batches) {
    if (batch->EndBackOff(now)) mill_.feed_all = true;
    back_off_due_ = std::min(back_off_due_, batch->back_off().due());
  }
}

void Feeder::TellWhyIdle(Instant now, Outbox& outbox) {
  RangeSet dry;
  RangeSet backing_off;
  for (const auto& [id, batch] : mill_.batches) {
    if (!batch->live() || !batch->started()) continue;
    if (batch->IsDry()) dry.Add(id);
    if (batch->IsBackingOff()) backing_off.Add(id);
  }
  lanes_.TellWhyIdle(now, dry, backing_off, outbox);
}

void Feeder::RecallForIdle(Instant now, Outbox& outbox) {
  const Instant soonest = After(recalled_, mill_.options.recall_every);
  recall_due_ = now < soonest ? soonest : kNever;
  if (now < soonest) return;
  const Lane* idle = nullptr;
  Lane* busiest = nullptr;
  uint64_t most = 0;
  for (auto& [token, lane] : lanes_.all()) {
    if (TakesMore(lane) && lane.token != reserved_ && lane.IsIdle() &&
        (idle == nullptr || lane.unfinished < idle->unfinished)) {
      idle = &lane;
    }
    const uint64_t unstarted = lane.unfinished > lane.slots ? lane.unfinished - lane.slots : 0;
    if (lane.ready && unstarted > most) {
      busiest = &lane;
      most = unstarted;
    }
  }
  if (idle == nullptr || busiest == nullptr || idle == busiest) return;
  for (auto it = busiest->chunks.rbegin(); it != busiest->chunks.rend(); ++it) {
    const BatchTasks* batch = mill_.Find(it->second.batch);
    if (it->second.unfinished == 0 || !idle->Offers(batch->spec().handler())) continue;
    const uint64_t cost = batch->CostNs(it->second.tasks[it->second.tasks.size() - 1]);
    const uint64_t share = (most + 1) / 2;
    if (batch->HasWork() || (cost != 0 && share * cost < kRecallWorthNs)) continue;
    recalled_ = now;
    return lanes_.Recall(*busiest, batch->id(), share, outbox);
  }
}

}  // namespace fanmill::ventilator
