// exec: a task is a process. One thread starts them all, takes in what they write, and sees each
// of them end; the processes end with it.
#ifndef FANMILL_WORKER_HANDLERS_EXEC_H_
#define FANMILL_WORKER_HANDLERS_EXEC_H_

#include <thread>

#include "worker/handlers/exec_loop.h"
#include "worker/handlers/handler.h"

namespace fanmill {

class ExecHandler final : public Handler {
 public:
  explicit ExecHandler(const HandlerTools& tools)
      : thread_([this, &tools] { ExecLoop(tools, orders_).Run(); }) {}
  ~ExecHandler() override {
    orders_.Put(ExecLoop::Quit());
    thread_.join();
  }
  void Run(RunTasks work) override { orders_.Put(std::move(work)); }
  void Stop(const StopTasks& stop) override { orders_.Put(stop); }

 private:
  Mailbox<ExecLoop::Order> orders_;
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_EXEC_H_
