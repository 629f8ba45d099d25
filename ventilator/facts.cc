#include "ventilator/facts.h"

#include <algorithm>

#include "lib/core/limits.h"

namespace fanmill::ventilator {
namespace {

constexpr int64_t kItemsPerRequestMax = 65536;  // ranges and finalise together: well within a frame

}  // namespace

void Facts::AskAll() {
  for (const auto& [id, batch] : mill_.batches) {
    if (!batch->closed()) asking_from_[id] = 0;
  }
}

void Facts::OnState(Instant now, Outbox& outbox) {
  const pb::ClusterState& state = mill_.member.state();
  const bool same = state.sink().facts() == sink_.facts() &&
                    state.sink().results() == sink_.results() && state.sink_epoch() == sink_epoch_;
  if (state.sink().facts().empty() || same) return;
  sink_ = state.sink();
  sink_epoch_ = state.sink_epoch();
  heard_ = now;
  due_ = now;
  Connect(outbox);
}

void Facts::Connect(Outbox& outbox) const {
  outbox.Send(PeerId{Channel::kNet}, fanmill::Connect{Channel::kResults, sink_.results()});
  outbox.Send(PeerId{Channel::kNet}, fanmill::Connect{Channel::kFacts, sink_.facts()});
}

void Facts::OpenBatch(uint32_t batch, Outbox& outbox) const {  // R78
  if (sink_.facts().empty()) return;                           // the facts will say it
  pb::Envelope envelope = mill_.NewEnvelope();
  envelope.mutable_batch_open()->set_batch(batch);
  outbox.Send(PeerId{Channel::kResults}, std::move(envelope));
}

// ---- asking -------------------------------------------------------------------------------------

bool Facts::Wants(const BatchTasks& batch) const {
  return !batch.closed() &&
         (batch.started() || batch.cancelled() || asking_from_.contains(batch.id()));
}

Duration Facts::Every() const {
  for (const auto& [id, batch] : mill_.batches) {
    const bool owed = !batch->finalising().empty() || (batch->cancelled() && !batch->closed());
    if (owed || asking_from_.contains(id)) return std::min(soon_, mill_.options.facts_every);
  }
  return mill_.options.facts_every;
}

void Facts::NoteNews(Instant now) {
  if (!std::exchange(mill_.facts_news, false)) return;
  soon_ = mill_.options.facts_soon;
  due_ = std::min(due_, std::max(now, asked_ + soon_));
}

void Facts::Tick(Instant now, Outbox& outbox) {
  if (sink_.facts().empty()) return;
  if (now < due_) return;
  if (now >= After(heard_, mill_.options.lease)) {  // libzmq may have given up for ever
    heard_ = now;
    Connect(outbox);
  }
  Request(now, outbox);
}

void Facts::Request(Instant now, Outbox& outbox) {
  pb::Envelope envelope = mill_.NewEnvelope();
  pb::FactsRequest& request = *envelope.mutable_facts_request();
  int64_t budget = kItemsPerRequestMax;
  for (const auto& [id, batch] : mill_.batches) {
    if (Wants(*batch)) Fill(now, *batch, budget, *request.add_batches());
  }
  asked_ = now;
  due_ = kNever;
  if (request.batches_size() == 0) {
    heard_ = now;  // who is asked nothing is not silent
    return;
  }
  request.set_sequence(++sequence_);
  outbox.Send(PeerId{Channel::kFacts}, std::move(envelope));
  due_ = now + Every();
  soon_ = std::clamp(soon_ * 2, mill_.options.facts_soon, mill_.options.facts_every);
}

void Facts::Fill(Instant now, const BatchTasks& batch, int64_t& budget,
                 pb::BatchFacts& facts) const {
  facts.set_batch(batch.id());
  facts.set_started(batch.started());
  facts.set_sealed(batch.sealed());
  if (batch.sealed() || batch.cancelled()) facts.set_tasks(batch.accepted());  // R77
  facts.set_cancelled(batch.cancelled());
  RangeSet ask;
  if (const auto page = asking_from_.find(batch.id()); page != asking_from_.end()) {  // R75
    if (page->second < batch.durable()) ask.Add(page->second, batch.durable());
  } else if (batch.live()) {
    for (const auto& [task, failure] : batch.finalising()) {
      if (--budget < 0) break;
      *facts.add_finalise() = failure;
      ask.Add(task);
    }
    for (const auto& [begin, end] : batch.again().ranges()) {
      if (--budget < 0) break;
      ask.Add(begin, end);
    }
    if (budget > 0) lanes_.AddOverdue(now, batch.id(), ask);
  }
  if (ask.empty()) return;
  *facts.mutable_ask() = ask.Pack(static_cast<size_t>(std::max<int64_t>(budget, 1024)));
}

Instant Facts::NextDeadline() const {
  if (sink_.facts().empty()) return kNever;
  return due_;
}

// ---- being answered -----------------------------------------------------------------------------

std::vector<pb::BatchClosed> Facts::OnReply(Instant now, const pb::FactsReply& reply,
                                            Outbox& outbox) {
  heard_ = mill_.sink_heard = now;
  if (mill_.sink_room == 0 && reply.room_bytes() > 0) mill_.feed_all = true;
  mill_.sink_room = reply.room_bytes();
  mill_.sink_full = reply.full();
  std::vector<pb::BatchClosed> closed;
  for (const pb::KnownFacts& known : reply.batches()) {
    BatchTasks* batch = mill_.Find(known.batch());
    if (batch == nullptr || batch->closed()) continue;
    Learn(now, *batch, known);
    const auto page = asking_from_.find(known.batch());
    if (page != asking_from_.end()) {
      if (known.answered_through() > page->second) due_ = now;  // the next page at once
      page->second = std::max(page->second, known.answered_through());
      if (page->second >= batch->durable() || known.has_closed() || batch->cancelled()) {
        mill_.Count("R75");
        asking_from_.erase(page);
        mill_.feed_all = true;
      }
    }
    if (known.has_closed()) closed.push_back(known.closed());
  }
  return closed;
}

void Facts::Learn(Instant now, BatchTasks& batch, const pb::KnownFacts& known) {
  RangeSet ok;
  RangeSet failed;
  if (!RangeSet::Unpack(known.ok(), batch.durable(), &ok) ||
      !RangeSet::Unpack(known.failed(), batch.durable(), &failed)) {
    return mill_.Count("bad_ranges");
  }
  for (const auto& [begin, end] : ok.ranges()) batch.EndOk(begin, end);
  for (const auto& [begin, end] : failed.ranges()) {
    for (uint64_t task = begin; task < end; ++task) {
      if (batch.finalising().contains(task)) mill_.Count("R72");
      batch.EndFailed(task);
    }
  }
  const std::vector<pb::AttemptFailure> attempts(known.attempts().begin(), known.attempts().end());
  if (ok.empty() && failed.empty() && attempts.empty()) return;
  lanes_.Sweep(now, batch, attempts);
}

}  // namespace fanmill::ventilator
