#include "tests/sim/executor.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"

namespace fanmill::sim {
namespace {

TasksRan RanIn(uint32_t slot, Instant began, Instant ended) {
  TasksRan ran;
  ran.slot = slot;
  ran.idle = false;
  ran.began = began;
  ran.ended = ended;
  return ran;
}

TaskOutcome OutcomeFor(const TaskToRun& task) {
  TaskOutcome outcome;
  outcome.chunk = task.chunk;
  outcome.index = task.index;
  return outcome;
}

}  // namespace

Executor::Executor(Scheduler& scheduler, Random& random, const ClusterPlan& plan, Checker& checker,
                   uint64_t incarnation, Seams seams)
    : scheduler_(scheduler),
      random_(random),
      plan_(plan),
      checker_(checker),
      incarnation_(incarnation),
      seams_(std::move(seams)) {}

const BatchPlan& Executor::PlanOf(const v1::Spec& spec) const {
  return plan_.batches.at(std::stoul(spec.name().substr(5)));
}

void Executor::Deliver(const Message& message) {
  std::visit(Overloaded{
                 [&](const RunTasks& run) { Run(run); },
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

void Executor::Run(const RunTasks& run) {
  Slot& slot = slots_[run.slot];
  FANMILL_CHECK(!slot.busy, "a busy slot was given tasks");
  FANMILL_CHECK(!run.tasks.empty(), "a slot was given no task");
  slot.work = run;
  slot.next = 0;
  slot.busy = true;
  Begin(run.slot);
}

// Where what runs at once ends: a plain span runs as one.
size_t Executor::RunningEnd(const Slot& slot) const {
  return PlanOf(*slot.work.spec).plain ? slot.work.tasks.size() : slot.next + 1;
}

void Executor::Begin(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  const BatchPlan& plan = PlanOf(*slot.work.spec);
  slot.began = seams_.local_now();
  const uint64_t turn = ++slot.turn;
  Duration run{0};
  const size_t end = RunningEnd(slot);
  for (size_t i = slot.next; i < end; ++i) {
    const TaskToRun& task = slot.work.tasks[i];
    if (task.payload != plan.Payload(task.task)) {
      checker_.Fail("a task was given the payload of another: " + std::string(task.payload));
    }
    checker_.OnTaskStarts(incarnation_, slot.work.batch, plan.index, task.task);
    run += plan.Run(task.task);
  }
  checker_.OnRuns(incarnation_, slot.work.batch, static_cast<int>(end - slot.next));
  scheduler_.In(run, [this, alive = alive_, slot_number, turn] {
    if (!*alive) return;
    const Slot& slot = slots_[slot_number];
    if (!slot.busy || slot.turn != turn) return;
    PlanOf(*slot.work.spec).plain ? EndPlainSpan(slot_number) : End(slot_number);
  });
}

void Executor::EndPlainSpan(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  const auto count = static_cast<uint32_t>(slot.work.tasks.size());
  checker_.OnRuns(incarnation_, slot.work.batch, -static_cast<int>(count));
  slot.busy = false;
  // One word per run of consecutive indexes of a chunk, as the real executor tells it.
  const Instant ended = seams_.local_now();
  for (uint32_t begin = 0; begin < count;) {
    const TaskToRun& first = slot.work.tasks[begin];
    uint32_t end = begin + 1;
    while (end < count && slot.work.tasks[end].chunk == first.chunk &&
           slot.work.tasks[end].index == first.index + (end - begin)) {
      ++end;
    }
    TasksRan ran = RanIn(slot_number, slot.began, ended);
    ran.idle = end == count;
    ran.chunk = first.chunk;
    ran.ok_first = first.index;
    ran.ok_count = end - begin;
    ran.ok_run = end == count ? ended - slot.began : Duration{0};
    seams_.reply(std::move(ran));
    begin = end;
  }
}

TaskOutcome Executor::OutcomeOf(const BatchPlan& plan, const TaskToRun& task) {
  TaskOutcome outcome = OutcomeFor(task);
  outcome.run = plan.Run(task.task);
  const Fate fate = plan.FateOf(task.task);
  if (fate == Fate::kFails || (fate == Fate::kFlaky && task.attempt == 1)) {
    outcome.status = v1::FAILED;
    outcome.code = fate == Fate::kFails ? BatchPlan::kFailsCode : BatchPlan::kFlakyCode;
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
  if (plan.FateOf(task.task) == Fate::kPoison) return seams_.poison();
  checker_.OnRuns(incarnation_, slot.work.batch, -1);
  TasksRan ran = RanIn(slot_number, slot.began, seams_.local_now());
  ran.outcomes.push_back(OutcomeOf(plan, task));
  ran.idle = ++slot.next == slot.work.tasks.size();
  slot.busy = !ran.idle;
  if (!ran.idle) Begin(slot_number);
  seams_.reply(std::move(ran));
}

// What runs takes a moment to die; the slot is busy as long. What ended tasks left behind takes one
// too.
void Executor::Stop(const StopTasks& stop) {
  for (auto& [slot_number, slot] : slots_) {
    if (!slot.busy || (stop.batch != 0 && slot.work.batch != stop.batch)) continue;
    if (slot.stopping && !stop.now) continue;
    slot.stopping = true;
    const uint64_t turn = ++slot.turn;
    const auto grace = Micros(static_cast<int64_t>(random_.Uniform(stop.now ? 1'000 : 50'000)));
    scheduler_.In(grace, [this, alive = alive_, slot_number = slot_number, turn] {
      if (*alive && slots_[slot_number].turn == turn) Stopped(slot_number);
    });
  }
  TellStopped(stop.batch);
}

void Executor::TellStopped(uint32_t batch) {
  scheduler_.In(Micros(1 + static_cast<int64_t>(random_.Uniform(5'000))),
                [this, alive = alive_, batch] {
                  if (!*alive) return;
                  for (const auto& [slot_number, slot] : slots_) {
                    const bool concerned = batch == 0 || slot.work.batch == batch;
                    if (slot.busy && slot.stopping && concerned) return TellStopped(batch);
                  }
                  seams_.reply(TasksStopped{batch});
                });
}

void Executor::Stopped(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  checker_.OnRuns(incarnation_, slot.work.batch, -static_cast<int>(RunningEnd(slot) - slot.next));
  slot.busy = slot.stopping = false;
  TasksRan ran = RanIn(slot_number, slot.began, seams_.local_now());
  ran.idle = true;
  for (size_t i = slot.next; i < slot.work.tasks.size(); ++i) {
    const TaskToRun& task = slot.work.tasks[i];
    TaskOutcome outcome = OutcomeFor(task);
    outcome.status = v1::CANCELLED;
    ran.outcomes.push_back(std::move(outcome));
  }
  seams_.reply(std::move(ran));
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
    for (size_t i = slot.next; i < RunningEnd(slot); ++i) {
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
