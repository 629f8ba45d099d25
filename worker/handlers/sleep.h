// sleep: takes as long as its payload says, a decimal number of microseconds, and succeeds. All
// slots share one thread and its list of deadlines.
#ifndef FANMILL_WORKER_HANDLERS_SLEEP_H_
#define FANMILL_WORKER_HANDLERS_SLEEP_H_

#include <thread>
#include <variant>
#include <vector>

#include "worker/handlers/handler.h"
#include "worker/handlers/tally.h"
#include "worker/slot_timers.h"

namespace fanmill {

class SleepHandler final : public Handler {
 public:
  explicit SleepHandler(const HandlerTools& tools);
  ~SleepHandler() override;
  void Run(RunTasks work) override;
  void Stop(const StopTasks& stop) override;

 private:
  struct Given {
    RunTasks work;
    Instant at;  // its first task sleeps from here on: the hand-over is part of the sleep
  };
  struct Slot {
    RunTasks work;
    size_t next = 0;  // the task that sleeps
    bool busy = false;
    Instant began;
    bool times_out = false;  // its deadline is the spec's timeout
  };
  using Order = std::variant<Given, StopTasks, std::monostate>;  // monostate: the end

  void Serve();
  void OnGiven(Given given);
  void OnStop(const StopTasks& stop, Instant now);
  void OnWake(uint32_t slot_number, Instant now);
  // Begins tasks until one takes time, or none is left.
  void Advance(uint32_t slot_number, Instant now, Tally& tally);

  const HandlerTools& tools_;
  Mailbox<Order> orders_;
  std::vector<Slot> slots_;
  SlotTimers timers_;
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_SLEEP_H_
