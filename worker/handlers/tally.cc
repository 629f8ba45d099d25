#include "worker/handlers/tally.h"

#include <utility>

namespace fanmill {

Tally::Tally(Mailbox<Message>& answers, uint32_t slot, Instant began)
    : answers_(answers),
      ran_{.slot = slot, .idle = false, .outcomes = {}, .began = began, .ended = began} {}

void Tally::AddOk(const TaskToRun& task, Duration run, Instant ended) {
  const bool follows = ran_.chunk == task.chunk && ran_.ok_first + ran_.ok_count == task.index;
  if (ran_.ok_count > 0 && !follows) Tell(false);
  if (ran_.ok_count == 0) {
    ran_.chunk = task.chunk;
    ran_.ok_first = task.index;
  }
  ++ran_.ok_count;
  ran_.ok_run += run;
  ran_.ended = ended;
}

void Tally::Add(TaskOutcome outcome, Instant ended) {
  ran_.outcomes.push_back(std::move(outcome));
  ran_.ended = ended;
}

void Tally::AddCancelled(const RunTasks& work, size_t next, Instant ended) {
  for (size_t i = next; i < work.tasks.size(); ++i) {
    Add({.chunk = work.tasks[i].chunk,
         .index = work.tasks[i].index,
         .status = pb::CANCELLED,
         .value = {},
         .out = {},
         .err = {},
         .out_spill = {},
         .err_spill = {}},
        ended);
  }
}

TasksRan Tally::Take(bool idle) {
  ran_.idle = idle;
  TasksRan told = std::move(ran_);
  ran_ = TasksRan{
      .slot = told.slot, .idle = false, .outcomes = {}, .began = told.ended, .ended = told.ended};
  return told;
}

void Tally::Tell(bool idle) { answers_.Put(Take(idle)); }

TaskOutcome NotStarted(const TaskToRun& task, std::string reason) {
  TaskOutcome outcome{};
  outcome.chunk = task.chunk;
  outcome.index = task.index;
  outcome.status = pb::NOT_STARTED;
  outcome.err = std::move(reason);
  return outcome;
}

}  // namespace fanmill
