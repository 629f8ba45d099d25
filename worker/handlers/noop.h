// noop: succeeds at once, whatever the payload. Shows what everything but the work costs.
#ifndef FANMILL_WORKER_HANDLERS_NOOP_H_
#define FANMILL_WORKER_HANDLERS_NOOP_H_

#include "worker/handlers/handler.h"

namespace fanmill {

// Runs in the caller's thread: it is over before it could be handed to another.
class NoopHandler final : public Handler {
 public:
  explicit NoopHandler(const HandlerTools& tools) : tools_(tools) {}
  void Run(RunTasks work) override;
  void Stop(const StopTasks& stop) override {  // nothing ever runs when it is called
    tools_.answers.Put(TasksStopped{stop.batch});
  }

 private:
  const HandlerTools& tools_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_NOOP_H_
