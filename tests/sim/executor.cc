#include "tests/sim/executor.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"

namespace fanmill::sim {

Executor::Executor(Scheduler& scheduler, const ClusterPlan& plan, Checker& checker,
                   uint64_t incarnation, Seams seams)
    : scheduler_(scheduler),
      plan_(plan),
      checker_(checker),
      incarnation_(incarnation),
      seams_(std::move(seams)) {}

const BatchPlan& Executor::PlanOf(const v1::Spec& spec) const {
  return plan_.batches.at(std::stoul(spec.name().substr(5)));
}

void Executor::Deliver(const Message& message) {
  std::visit(Overloaded{
                 [&](const RunTasks& run) {
                   Slot& slot = slots_[run.slot];
                   FANMILL_CHECK(!slot.busy, "a busy slot was given tasks");
                   FANMILL_CHECK(!run.tasks.empty(), "a slot was given no task");
                   slot.work = run;
                   slot.next = 0;
                   slot.busy = true;
                   Begin(run.slot);
                 },
                 [&](const StopTasks& stop) { Stop(stop); },
                 [&](const ReadOutput& read) { Read(read); },
                 [&](const OutputDone& done) {
                   if (spills_.erase(done.handle) == 0) {
                     checker_.Fail("a spilled output was released twice");
                   }
                 },
                 [](const auto&) { FANMILL_CHECK(false, "not a message for an executor"); },
             },
             message);
}

void Executor::Begin(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  const BatchPlan& plan = PlanOf(*slot.work.spec);
  slot.began = seams_.local_now();
  const uint64_t turn = ++slot.turn;
  Duration run{0};
  const size_t end = plan.plain ? slot.work.tasks.size() : slot.next + 1;
  for (size_t i = slot.next; i < end; ++i) {
    const TaskToRun& task = slot.work.tasks[i];
    if (!plan.plain || plan.range) {
      if (task.payload != plan.Payload(task.task)) {
        checker_.Fail("a task was given the payload of another: " + std::string(task.payload));
      }
    }
    checker_.OnTaskStarts(incarnation_, slot.work.batch, slot.work.spec->name(), task.task);
    run += plan.Run(task.task);
  }
  scheduler_.In(run, [this, alive = alive_, slot_number, turn] {
    if (!*alive) return;
    Slot& slot = slots_[slot_number];
    if (!slot.busy || slot.turn != turn) return;
    PlanOf(*slot.work.spec).plain ? EndPlainSpan(slot_number) : End(slot_number);
  });
}

void Executor::EndPlainSpan(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  const TaskToRun& first = slot.work.tasks.front();
  const auto count = static_cast<uint32_t>(slot.work.tasks.size());
  for (uint32_t i = 0; i < count; ++i) {
    FANMILL_CHECK(slot.work.tasks[i].chunk == first.chunk &&
                      slot.work.tasks[i].index == first.index + i,
                  "a span must be consecutive tasks of one chunk");
  }
  const Instant ended = seams_.local_now();
  TasksRan ran{slot_number, true, first.chunk, first.index, count, ended - slot.began, {},
               slot.began, ended};
  slot.busy = false;
  seams_.reply(ran);
}

TaskOutcome Executor::OutcomeOf(const BatchPlan& plan, const TaskToRun& task) {
  TaskOutcome outcome{task.chunk, task.index};
  outcome.run = plan.Run(task.task);
  const Fate fate = plan.FateOf(task.task);
  if (fate == Fate::kFails || (fate == Fate::kFlaky && task.attempt == 1)) {
    outcome.status = v1::FAILED;
    outcome.code = 3;
    outcome.err = "failed";
    return outcome;
  }
  outcome.value = plan.Payload(task.task);
  if (const uint64_t large = plan.LargeBytes(task.task); large > 0) {
    outcome.out_spill = SpilledOutput{next_handle_, large, 0};
    spills_[next_handle_++] = large;
  }
  return outcome;
}

void Executor::End(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  const BatchPlan& plan = PlanOf(*slot.work.spec);
  const TaskToRun& task = slot.work.tasks[slot.next];
  if (plan.FateOf(task.task) == Fate::kPoison) {
    seams_.poison(slot_number);
    return;
  }
  TasksRan ran;
  ran.slot = slot_number;
  ran.began = slot.began;
  ran.ended = seams_.local_now();
  ran.outcomes.push_back(OutcomeOf(plan, task));
  ran.idle = ++slot.next == slot.work.tasks.size();
  slot.busy = !ran.idle;
  if (!ran.idle) Begin(slot_number);
  seams_.reply(std::move(ran));
}

void Executor::Stop(const StopTasks& stop) {
  for (auto& [slot_number, slot] : slots_) {
    if (!slot.busy || (stop.batch != 0 && slot.work.batch != stop.batch)) continue;
    TasksRan ran;
    ran.slot = slot_number;
    ran.began = slot.began;
    ran.ended = seams_.local_now();
    ran.idle = true;
    for (size_t i = slot.next; i < slot.work.tasks.size(); ++i) {
      const TaskToRun& task = slot.work.tasks[i];
      TaskOutcome outcome{task.chunk, task.index};
      outcome.status = v1::CANCELLED;
      ran.outcomes.push_back(std::move(outcome));
    }
    slot.busy = false;
    scheduler_.In(Millis(5), [this, alive = alive_, ran = std::move(ran)] {
      if (*alive) seams_.reply(ran);
    });
  }
}

void Executor::Read(const ReadOutput& read) {
  const auto spill = spills_.find(read.handle);
  if (spill == spills_.end()) {
    checker_.Fail("an output was read after its release");
    return;
  }
  const uint64_t left = read.offset < spill->second ? spill->second - read.offset : 0;
  OutputRead answer{read.handle, read.offset,
                    std::string(std::min<uint64_t>(left, read.size), 'x')};
  scheduler_.In(Micros(100), [this, alive = alive_, answer = std::move(answer)] {
    if (*alive) seams_.reply(answer);
  });
}

std::vector<v1::StartedAttempt> Executor::Started() const {
  std::vector<v1::StartedAttempt> started;
  for (const auto& [slot_number, slot] : slots_) {
    if (!slot.busy) continue;
    const bool plain = PlanOf(*slot.work.spec).plain;
    const size_t end = plain ? slot.work.tasks.size() : slot.next + 1;
    for (size_t i = slot.next; i < end; ++i) {
      v1::StartedAttempt attempt;
      attempt.set_batch(slot.work.batch);
      attempt.set_task(slot.work.tasks[i].task);
      attempt.set_chunk(slot.work.tasks[i].chunk);
      attempt.set_attempt(slot.work.tasks[i].attempt);
      started.push_back(attempt);
    }
  }
  return started;
}

}  // namespace fanmill::sim
