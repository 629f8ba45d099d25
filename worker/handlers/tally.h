// Tally: gathers how a slot's tasks ended into as few messages as will hold it. Plain successes in
// a row are one entry, however many they are.
#ifndef FANMILL_WORKER_HANDLERS_TALLY_H_
#define FANMILL_WORKER_HANDLERS_TALLY_H_

#include <string>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "lib/core/message.h"
#include "worker/mailbox.h"

namespace fanmill {

class Tally {
 public:
  // `began`: when the first of the tasks to come began.
  Tally(Mailbox<Message>& answers, uint32_t slot, Instant began);

  // A success without a byte of output. `run_us` is told as part of a sum.
  void AddOk(const TaskToRun& task, Duration run, Instant ended);
  void Add(TaskOutcome outcome, Instant ended);
  // The tasks from index `next` of the work on were stopped before they began.
  void AddCancelled(const RunTasks& work, size_t next, Instant ended);
  bool empty() const { return ran_.ok_count == 0 && ran_.outcomes.empty(); }
  // What was gathered, for later.
  TasksRan Take(bool idle);
  // Tells what was gathered, and begins anew. `idle`: it was the last of the slot's tasks.
  void Tell(bool idle);

 private:
  Mailbox<Message>& answers_;
  TasksRan ran_;
};

// How a task ended that never began, for this reason.
TaskOutcome NotStarted(const TaskToRun& task, std::string reason);

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_TALLY_H_
