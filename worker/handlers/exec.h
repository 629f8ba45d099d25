// exec: a task is a process. One thread starts them all, takes in what they write, and sees each
// of them end; the processes end with it, and stand still with it.
#ifndef FANMILL_WORKER_HANDLERS_EXEC_H_
#define FANMILL_WORKER_HANDLERS_EXEC_H_

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "lib/io/pause_hook.h"
#include "worker/handlers/exec_loop.h"
#include "worker/handlers/handler.h"

namespace fanmill {

class ExecHandler final : public Handler {
 public:
  explicit ExecHandler(const HandlerTools& tools)
      : thread_([this, &tools] { ExecLoop(tools, orders_).Run(); }),
        pause_hook_(
            std::in_place, [this] { Pause(); }, [this] { orders_.Put(ExecLoop::Resume()); }) {}
  ~ExecHandler() override {
    pause_hook_.reset();
    orders_.Put(ExecLoop::Quit());
    thread_.join();
  }
  void Run(RunTasks work) override { orders_.Put(std::move(work)); }
  void Stop(const StopTasks& stop) override { orders_.Put(stop); }

 private:
  // A program on a file system that hangs can hold up its start, and so the thread.
  static constexpr std::chrono::seconds kPauseTimeMax{2};

  void Pause() {
    auto stands = std::make_shared<std::promise<void>>();
    orders_.Put(ExecLoop::Pause{stands});
    stands->get_future().wait_for(kPauseTimeMax);
  }

  Mailbox<ExecLoop::Order> orders_;
  std::thread thread_;
  std::optional<PauseHook> pause_hook_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_EXEC_H_
