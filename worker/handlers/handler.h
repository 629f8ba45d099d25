// The seam between the worker and the ways of running a task. A handler has a name and makes, of
// the bytes of a task's payload, a status, a value, a stdout and a stderr. It is given the tasks of
// one slot at a time, to run one after the other, and answers with TasksRan from any thread; the
// last answer to a RunTasks says `idle`. A cancel reaches every handler.
#ifndef FANMILL_WORKER_HANDLERS_HANDLER_H_
#define FANMILL_WORKER_HANDLERS_HANDLER_H_

#include <string>
#include <vector>

#include "lib/core/local.h"
#include "lib/core/message.h"
#include "worker/line_printer.h"
#include "worker/mailbox.h"
#include "worker/slot_table.h"
#include "worker/spills.h"
#include "worker/task_output.h"

namespace fanmill {

// What a handler works with. All of it outlives the handler.
struct HandlerTools {
  Mailbox<Message>& answers;
  Spills& spills;
  SlotTable& table;                      // a started attempt is entered; idle before it is told
  std::string spill_dir;                 // where large outputs wait
  uint64_t output_bytes_max;             // per stream; what a task writes above it is dropped
  std::vector<std::string> environment;  // of the worker, "NAME=value"
  TaskOutput output;                     // of handlers whose tasks write
  LinePrinter* lines;                    // null but where whole lines are printed
};

class Handler {
 public:
  // Stops whatever runs, at once, and waits for its end; without answers.
  virtual ~Handler() = default;
  // Both are called by the loop's thread and return soon.
  virtual void Run(RunTasks work) = 0;
  // Answered with TasksStopped, each, after the last TasksRan of what was stopped.
  virtual void Stop(const StopTasks& stop) = 0;
};

inline bool Concerns(const StopTasks& stop, uint32_t batch) {
  return stop.batch == 0 || stop.batch == batch;
}

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_HANDLER_H_
