// What the session's slots run, and what became of it.
#include <algorithm>

#include "lib/core/check.h"
#include "worker/session.h"

namespace fanmill {

void Session::Feed(Instant now, Outbox& outbox) {
  if (!lane_.granted() || lane_.paused() || leaving_.wish() != pb::RUN) return;
  const bool full = SpoolRoom() == 0;  // R41: what was begun goes on, so that it can be let go
  while (const auto start = schedule_.Next(now, held_, full)) Hand(now, *start, outbox);
}

void Session::Hand(Instant now, const worker::SlotSchedule::Start& start, Outbox& outbox) {
  worker::HeldChunk& chunk = *held_.Find(start.bite.chunk);
  const ChunkTasks& tasks = chunk.source->tasks;
  RunTasks run;
  run.slot = start.slot;
  run.batch = start.bite.batch;
  run.spec = specs_.at(run.batch).spec;
  run.tasks.reserve(start.bite.end - start.bite.next);
  for (uint32_t i = start.bite.next; i < start.bite.end; ++i) {
    run.tasks.push_back({start.bite.chunk, i, tasks.task(i), tasks.attempt(i), tasks.payload(i)});
  }
  run.owner = chunk.source;
  ran_.insert(run.batch);
  accounts_.Hand(now, start.slot, start.bite.batch, start.bite.retry);
  outbox.Send(PeerId{Channel::kExecutor}, std::move(run));
  Changed(now, chunk);
}

void Session::OnRan(Instant now, const TasksRan& ran, Outbox& outbox) {
  const worker::Bite* const bite = schedule_.InSlot(ran.slot);
  FANMILL_CHECK(bite != nullptr, "a slot without tasks told of some");
  worker::HeldChunk& chunk = *held_.Find(bite->chunk);
  Duration run = ran.ok_run;
  Duration stopped_run{0};
  uint32_t ended = ran.ok_count;
  if (ran.ok_count > 0) TakePlain(chunk, ran);
  for (const TaskOutcome& outcome : ran.outcomes) {
    if (TakeOutcome(chunk, outcome, outbox)) {
      stopped_run += outcome.run;
      continue;
    }
    run += outcome.run;
    ++ended;
  }
  accounts_.Ran(now, ran.slot, ran.began, ran.ended, ran.idle, stopped_run);
  const auto stopped = static_cast<uint32_t>(ran.ok_count + ran.outcomes.size() - ended);
  schedule_.Ran(now, ran.slot, ended, stopped, run);
  if (ran.idle) schedule_.Free(ran.slot);
  if (stopped > 0) report_due_ = true;
  if (dead_.IsDead(chunk.batch())) {  // R92
    DropResults(chunk, outbox);
    return EraseIfOver(chunk, outbox);
  }
  AddWord(now, chunk, ended, run);
  if (chunk.finished()) {
    Flush(chunk, outbox);
    EraseIfOver(chunk, outbox);
  } else if (!chunk.pending.empty() && !chunk.flush_waits) {
    chunk.flush_waits = true;
    flush_due_.push_back({now + options_.flush_every, chunk.id()});
  }
}

void Session::TakePlain(worker::HeldChunk& chunk, const TasksRan& ran) {
  FANMILL_CHECK(ran.chunk == chunk.id());
  chunk.Ended(ran.ok_first, ran.ok_first + ran.ok_count);
  chunk.pending.plain.push_back({ran.ok_first, ran.ok_count, ran.ok_run});
}

bool Session::TakeOutcome(worker::HeldChunk& chunk, const TaskOutcome& outcome, Outbox& outbox) {
  FANMILL_CHECK(outcome.chunk == chunk.id());
  if (outcome.status == pb::CANCELLED) {  // R66
    Count("R66");
    chunk.Stopped(outcome.index);
    for (const uint64_t handle : worker::SpillsOf(outcome)) {
      outbox.Send(PeerId{Channel::kExecutor}, OutputDone{handle});
    }
    return true;
  }
  chunk.Ended(outcome.index, outcome.index + 1);
  chunk.pending.others.push_back(outcome);
  return false;
}

void Session::AddWord(Instant now, const worker::HeldChunk& chunk, uint32_t tasks, Duration run) {
  if (tasks == 0) return;
  Word& word = words_[chunk.batch()];
  if (chunk.finished() && !chunk.forsaken && chunk.returned.empty()) {
    word.chunks.push_back(chunk.id());
  }
  word.tasks += tasks;
  word.run_us += static_cast<uint64_t>(std::max<int64_t>(0, run.count()));
  const bool hungry = schedule_.idle() > 0 && held_.WaitingOf(chunk.batch()) == 0;
  words_due_ = std::min(words_due_, hungry ? now : now + options_.finished_every);
}

void Session::GiveBackAll(Instant now) {
  for (auto& [id, chunk] : held_.chunks()) {
    if (chunk.GiveBack(chunk.waiting()) > 0) Changed(now, chunk);
  }
}

void Session::Changed(Instant now, worker::HeldChunk& chunk) {
  held_.Recount(chunk);
  accounts_.SetWaitingHere(now, chunk.batch(), held_.WaitingOf(chunk.batch()) > 0);
}

}  // namespace fanmill
