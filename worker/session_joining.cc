// The session's talk with the controller and with the person at its terminal: joining, what the
// cluster's state says, kills and drains, receipts, leaving.
#include <algorithm>

#include "worker/session.h"

namespace fanmill {

void Session::OnControl(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  const Member::Event event = member_.Handle(now, envelope, outbox);
  if (member_.FarewellAnswered()) leaving_.Answered();
  switch (event) {
    case Member::Event::kNothing:
      return;
    case Member::Event::kWelcomed:
      Count("R10");
      return OnState(now, outbox);
    case Member::Event::kNewState:
      Count("R12");
      return OnState(now, outbox);
    case Member::Event::kRefused:
      notices_.push_back("The controller at " + options_.controller +
                         " refuses this worker: " + member_.refused());
      return;
  }
}

void Session::OnState(Instant now, Outbox& outbox) {
  const pb::ClusterState& state = member_.state();
  KnowSink(outbox);
  lane_.Know(now, state.ventilator_epoch(), state.ventilator().lease(), outbox);
  listed_.clear();
  for (const pb::BatchState& batch : state.batches()) OnBatchState(now, batch, outbox);
  ForgetBatches();
  Obey(now, state.wish(), true, state.generation(), outbox);
  for (const pb::WorkerWish& wish : state.workers()) {
    if (wish.number() != member_.number()) continue;
    Obey(now, wish.wish(), false, wish.generation(), outbox);
  }
}

void Session::OnBatchState(Instant now, const pb::BatchState& state, Outbox& outbox) {
  const uint32_t batch = state.batch();
  listed_.insert(batch);
  if (state.generation() != 0) KillBatch(now, batch, state.generation(), outbox);
  const auto ago = [now](uint64_t age_us) {
    const auto most = static_cast<uint64_t>(std::max<int64_t>(0, now.time_since_epoch().count()));
    return now - Micros(static_cast<int64_t>(std::min(age_us, most)));
  };
  if (state.started()) accounts_.BatchStarted(now, batch, ago(state.start_age_us()));
  if (!state.ended()) return;
  const Instant end = ago(state.end_age_us());
  accounts_.BatchEnded(now, batch, state.started() ? ago(state.start_age_us()) : end, end);
}

// What is known of batches that the state has no more, and that nothing is held of.
void Session::ForgetBatches() {
  dead_.KeepOwed(listed_);
  std::erase_if(receipted_, [&](uint32_t batch) { return !dead_.owed().contains(batch); });
  std::set<uint32_t> here;
  for (const auto& [id, chunk] : held_.chunks()) here.insert(chunk.batch());
  const auto is_over = [&](uint32_t batch) {
    return !listed_.contains(batch) && !here.contains(batch);
  };
  for (const uint32_t batch : accounts_.Batches()) {
    if (is_over(batch)) accounts_.Forget(batch);
  }
  std::erase_if(specs_, [&](const auto& entry) { return is_over(entry.first); });
  std::erase_if(ran_, [&](uint32_t batch) {
    if (!is_over(batch)) return false;
    schedule_.ForgetBatch(batch);
    return true;
  });
}

void Session::KnowSink(Outbox& outbox) {
  const pb::ClusterState& state = member_.state();
  if (state.sink().results().empty()) return;
  if (state.sink().results() == sink_endpoint_ && state.sink_epoch() == sink_epoch_) return;
  sink_endpoint_ = state.sink().results();
  sink_epoch_ = state.sink_epoch();
  outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kResults, sink_endpoint_});
}

void Session::OnSignal(Instant now, const Signal& signal, Outbox& outbox) {  // R13
  Count("R13");
  member_.OnSignal(now);
  const bool kill = signal.verb == Signal::Verb::kKill;
  if (!kill && signal.verb != Signal::Verb::kDrain) return;
  const pb::Wish wish = kill ? pb::KILL : pb::DRAIN;
  switch (signal.topic) {
    case Signal::Topic::kAll:
      return Obey(now, wish, true, signal.generation, outbox);
    case Signal::Topic::kWorker:
      if (signal.id != member_.number()) return;
      return Obey(now, wish, false, signal.generation, outbox);
    case Signal::Topic::kBatch:
      if (kill) KillBatch(now, signal.id, signal.generation, outbox);
      return;
  }
}

void Session::OnStopAsked(Instant now, const StopAsked& asked, Outbox& outbox) {  // R103
  Count("R103");
  if (asked.times > 1) {
    notices_.push_back("Asked again to stop: ends the " + std::to_string(schedule_.busy()) +
                       " tasks that run, then leaves.");
    return Obey(now, pb::KILL, false, 0, outbox);
  }
  notices_.push_back("Asked to stop: takes no more tasks; running ones that end first: " +
                     std::to_string(schedule_.busy()) + "; a second signal kills them.");
  Obey(now, pb::DRAIN, false, 0, outbox);
}

void Session::Obey(Instant now, pb::Wish wish, bool cluster, uint64_t generation, Outbox& outbox) {
  if (!leaving_.Obey(wish, cluster, generation)) return;
  Count(wish == pb::KILL ? "R101" : "R100");
  accounts_.BecomeDraining(now);
  GiveBackAll(now);
  report_due_ = true;
  if (wish == pb::KILL && leaving_.BeginSweep()) {
    outbox.Send(PeerId{Channel::kExecutor}, StopTasks{0, false});
  }
}

void Session::OnStopped(const TasksStopped& stopped) {
  if (stopped.left > 0) {
    notices_.push_back(
        std::to_string(stopped.left) + " processes of " +
        (stopped.batch == 0 ? "its tasks" : "batch " + std::to_string(stopped.batch)) +
        " could not be killed: no receipt is given for them. See who they are with ps, and end "
        "them as their owner.");
  }
  if (stopped.batch == 0) return leaving_.Swept(stopped.left == 0);
  if (stopped.left == 0) dead_.Stopped(stopped.batch);
}

void Session::KillBatch(Instant now, uint32_t batch, uint64_t generation, Outbox& outbox) {  // R92
  if (!dead_.Kill(batch, generation)) return;
  Count("R92");
  for (const uint64_t id : held_.OfBatch(batch)) {
    worker::HeldChunk& chunk = *held_.Find(id);
    Drop(now, chunk, outbox);
  }
  words_.erase(batch);
  // What its ended tasks left behind in other sessions is stopped too.
  if (!ran_.contains(batch)) return;
  accounts_.BatchStopped(batch);
  dead_.AwaitStop(batch);
  outbox.Send(PeerId{Channel::kExecutor}, StopTasks{batch, false});
}

void Session::Fill(Instant now, pb::Heartbeat& heartbeat) {
  for (const auto& [batch, generation] : dead_.owed()) {
    if (dead_.IsStopping(batch)) continue;
    pb::Receipt& receipt = *heartbeat.add_receipts();
    receipt.set_batch(batch);
    receipt.set_generation(generation);
  }
  leaving_.AddReceipts(heartbeat);
  for (const pb::BatchState& batch : member_.state().batches()) {  // R95
    if (!accounts_.Knows(batch.batch()) || !(batch.ended() || leaving_.leaving())) continue;
    *heartbeat.add_accounts() = accounts_.Account(now, batch.batch());
  }
  heartbeat.set_running(schedule_.busy());
  heartbeat.set_leaving(leaving_.leaving());
}

void Session::NewsOfReceipts(Instant now) {
  for (const auto& [batch, generation] : dead_.owed()) {
    if (receipted_.contains(batch) || dead_.IsStopping(batch)) continue;
    receipted_.insert(batch);
    member_.News(now);
  }
}

void Session::MaybeLeave(Instant now, Outbox& outbox) {
  if (leaving_.wish() == pb::RUN || leaving_.leaving() || schedule_.busy() > 0) return;
  if (leaving_.wish() == pb::DRAIN && held_.HasResults()) return;
  if (leaving_.BeginSweep()) outbox.Send(PeerId{Channel::kExecutor}, StopTasks{0, false});
  if (!leaving_.swept()) return;
  report_due_ = true;  // the last word on what goes back
  leaving_.Leave(now);
  if (!member_.joined()) return leaving_.Answered();  // nobody knows this worker
  member_.News(now);
}

void Session::Hint(Instant now, uint64_t state_version) {
  if (state_version == 0 || state_version == member_.state().version()) return;
  if (state_version == hinted_version_) return;
  hinted_version_ = state_version;
  member_.News(now);
}

}  // namespace fanmill
