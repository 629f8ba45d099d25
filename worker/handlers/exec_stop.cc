// How what runs is stopped: by a timeout, or by a cancel.
#include <signal.h>

#include <algorithm>
#include <string>
#include <utility>

#include "lib/io/clock.h"
#include "spdlog/spdlog.h"
#include "worker/handlers/exec_loop.h"
#include "worker/handlers/tally.h"

namespace fanmill {
namespace {

constexpr uint64_t kGraceMicrosMax = uint64_t{24} * 3600 * 1000 * 1000;

constexpr Duration kSweepEvery = Millis(1);

void WarnOfLeftBehind(uint32_t batch, int left) {
  spdlog::warn(
      "event=cannot_kill batch={} processes={} reason=\"they belong to another user or hang in "
      "the kernel\"",
      batch, left);
}

}  // namespace

void ExecLoop::OnStop(const StopTasks& stop) {
  // Also what ended well and left processes in other sessions: a killed batch leaves nothing.
  std::vector<std::string> marks;
  if (stop.batch != 0) marks.push_back(BatchMark(stop.batch));
  ++stops_.try_emplace(stop.batch, std::move(marks)).first->second.asked;
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!Concerns(stop, slot.work.batch)) continue;
    switch (slot.phase) {
      case Phase::kIdle:
      case Phase::kStopped:
        break;
      case Phase::kWaiting: {
        timers_.Set(i, kNever);
        TaskOutcome outcome = NotStarted(slot.work.tasks[slot.next], "");
        outcome.status = pb::CANCELLED;
        Hold(i, std::move(outcome));
        break;
      }
      case Phase::kRunning:
        slot.phase = Phase::kStopping;
        StopChild(i, stop.now);
        break;
      case Phase::kTimedOut:  // has its TERM already
      case Phase::kStopping:
        slot.phase = Phase::kStopping;
        if (stop.now) StopChild(i, true);
        break;
    }
  }
}

// TERM, and KILL after the grace; the latter at once when there is none. A stopped process (Ctrl-Z)
// must be continued to hear the TERM.
void ExecLoop::StopChild(uint32_t slot_number, bool now) {
  Slot& slot = slots_[slot_number];
  slot.kin.AddDescendants(slot.child.pid);  // while their parents live and tell of them
  const uint64_t grace_us = std::min(slot.work.spec->grace_us(), kGraceMicrosMax);
  if (now || grace_us == 0) {
    timers_.Set(slot_number, kNever);
    SignalGroup(slot.child, SIGKILL);
    return;
  }
  SignalGroup(slot.child, SIGTERM);
  SignalGroup(slot.child, SIGCONT);
  timers_.Set(slot_number, After(Now(), Micros(static_cast<int64_t>(grace_us))));
}

void ExecLoop::Hold(uint32_t slot_number, TaskOutcome outcome) {
  Slot& slot = slots_[slot_number];
  const auto own = stops_.find(slot.work.batch);
  Stop& stop = own != stops_.end() ? own->second : stops_.at(0);
  stop.sweep.Add(std::exchange(slot.kin, {}));
  const Instant now = Now();
  Tally tally(tools_.answers, slot_number, slot.began);
  tally.Add(std::move(outcome), now);
  tally.AddCancelled(slot.work, slot.next + 1, now);
  slot.answer = tally.Take(true);
  slot.phase = Phase::kStopped;
}

// Its group has had its signals; this ends who left the group.
void ExecLoop::SweepAfterTimeout(Slot& slot) {
  Sweep& sweep = timed_out_.emplace_back(AttemptMarks(slot.work.batch, slot.work.tasks[slot.next]));
  sweep.Add(std::exchange(slot.kin, {}));
}

// For all batches, every child must have ended first: killing all descendants takes in the
// statuses of those it finds.
bool ExecLoop::NothingRuns(uint32_t batch) const {
  return std::none_of(slots_.begin(), slots_.end(), [batch](const Slot& slot) {
    if (batch == 0) return slot.child.pid > 0;
    return slot.phase == Phase::kStopping && slot.work.batch == batch;
  });
}

void ExecLoop::GoOnWithStops() {
  // Not with every event of other batches' tasks: a pass looks at all descendants.
  if (sweep_at_ != kNever && Now() < sweep_at_) return;
  sweep_at_ = kNever;
  std::erase_if(timed_out_, [this](Sweep& sweep) {
    const bool over = sweep.Pass();
    if (!over) sweep_at_ = After(Now(), kSweepEvery);
    return over;
  });
  for (auto it = stops_.begin(); it != stops_.end();) {
    auto& [batch, stop] = *it;
    if (!NothingRuns(batch)) {  // its end will wake this thread
      ++it;
    } else if (!stop.sweep.Pass()) {
      sweep_at_ = After(Now(), kSweepEvery);
      ++it;
    } else {
      if (stop.sweep.left() > 0) WarnOfLeftBehind(batch, stop.sweep.left());
      TellStopped(batch, stop);
      it = stops_.erase(it);
    }
  }
}

void ExecLoop::TellStopped(uint32_t batch, const Stop& stop) {
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.phase != Phase::kStopped || !Concerns({batch, true}, slot.work.batch)) continue;
    TasksRan answer = std::exchange(slot.answer, {});
    BecomeIdle(i);
    tools_.answers.Put(std::move(answer));
  }
  const auto left = static_cast<uint32_t>(stop.sweep.left());
  for (int i = 0; i < stop.asked; ++i) tools_.answers.Put(TasksStopped{batch, left});
}

}  // namespace fanmill
