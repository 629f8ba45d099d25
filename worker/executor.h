// Executor: runs tasks, by whatever handler their batch asks for, and says how they ended. It
// decides nothing about which tasks run where: that is the session's, which gives each slot one
// RunTasks at a time and gets TasksRan back, the last of them with `idle`.
#ifndef FANMILL_WORKER_EXECUTOR_H_
#define FANMILL_WORKER_EXECUTOR_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/limits.h"
#include "lib/core/message.h"
#include "lib/io/local_peer.h"
#include "worker/handlers/handler.h"
#include "worker/mailbox.h"
#include "worker/slot_table.h"
#include "worker/spills.h"
#include "worker/task_output.h"

namespace fanmill {

// The names of all handlers there are.
const std::vector<std::string>& HandlerNames();

// "NAME=value" of this process.
std::vector<std::string> OwnEnvironment();

struct ExecutorOptions {
  std::vector<std::string> handlers = HandlerNames();  // what to offer
  std::string spill_dir = "/tmp";  // for outputs above kInlineOutputBytesMax, in unnamed files
  uint64_t output_bytes_max = kOutputStreamBytesMax;  // per task and stream; more is dropped
  std::vector<std::string> environment = {};          // "NAME=value", inherited by tasks
  TaskOutput output = {};                             // of exec's tasks
};

// Takes RunTasks, StopTasks, ReadOutput and OutputDone; gives TasksRan, TasksStopped and
// OutputRead. Has few threads, however many slots. Its end kills whatever runs, and waits for it
// and until the lines that tasks wrote are printed.
class Executor final : public LocalPeer {
 public:
  // As many slots as the table has; the table outlives it. REQUIRES: all handlers exist.
  Executor(const ExecutorOptions& options, SlotTable& table);
  ~Executor() override;

  void Deliver(Message message) override;
  int event_fd() const override { return answers_.event_fd(); }
  void Collect(std::vector<Message>& messages) override;
  // Lines that are not printed yet never will be: nobody waits for whom reads them. From any
  // thread.
  void AbandonLines();

 private:
  void OnRun(RunTasks work);
  void OnStop(const StopTasks& stop);
  bool AllStopped(TasksStopped& stopped);
  void Refuse(const RunTasks& work);

  Mailbox<Message> answers_;
  Spills spills_;
  std::unique_ptr<LinePrinter> lines_;  // of TaskOutput::kLines
  HandlerTools tools_;
  std::map<std::string, std::unique_ptr<Handler>> handlers_;
  struct Stopping {
    size_t answers = 0;  // of handlers, that are to come
    uint32_t left = 0;
  };
  std::map<uint32_t, Stopping> stopping_;  // by batch
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_EXECUTOR_H_
