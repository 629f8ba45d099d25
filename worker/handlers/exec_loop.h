// ExecLoop: the life of the processes that are tasks, seen by the one thread that is their parent.
//
//   kIdle --RunTasks--> (start) ----> kRunning --ended--> (start the next) or kIdle
//                          |  ^          |   |
//             not now, try |  | again    |   +--timeout: TERM--> kTimedOut --grace: KILL, ended-->
//                          v  |          |                                  (next) or kIdle
//                        kWaiting        +--StopTasks: TERM--> kStopping --grace: KILL, ended-->
//                          |                                       |
//                          +------------StopTasks------------> kStopped
//
// Between a Pause and a Resume all of it stands still, the processes too, and no time passes: what
// began and what is due move on by as much.
//
// kStopped waits until nothing of what was stopped runs, and until what the batch's tasks left
// behind in other sessions is killed too; then the slot is answered CANCELLED, and is kIdle.
#ifndef FANMILL_WORKER_HANDLERS_EXEC_LOOP_H_
#define FANMILL_WORKER_HANDLERS_EXEC_LOOP_H_

#include <sys/epoll.h>

#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lib/core/instant.h"
#include "lib/io/file.h"
#include "worker/capture.h"
#include "worker/descendants.h"
#include "worker/handlers/exec_command.h"
#include "worker/handlers/handler.h"
#include "worker/handlers/usual_times.h"
#include "worker/slot_timers.h"
#include "worker/spawn.h"

namespace fanmill {

class ExecLoop {
 public:
  struct Quit {};
  struct Pause {
    std::shared_ptr<std::promise<void>> stands;  // kept when all stands still
  };
  struct Resume {};
  using Order = std::variant<RunTasks, StopTasks, Quit, Pause, Resume>;

  ExecLoop(const HandlerTools& tools, Mailbox<Order>& orders);
  ~ExecLoop();
  // Until Quit came and nothing runs any more.
  void Run();

 private:
  enum class Phase { kIdle, kWaiting, kRunning, kTimedOut, kStopping, kStopped };
  struct Slot {
    Phase phase = Phase::kIdle;
    RunTasks work;
    size_t next = 0;  // the task in hand
    std::shared_ptr<CommandMaker> maker;
    std::unique_ptr<Capture> capture;  // made when first used; none where output is inherited
    bool unwatched = false;            // its output waits until there is room for lines
    Child child;
    HeldProcesses kin;  // what stemmed from the child when it was told to stop
    Instant began;
    int tries = 0;      // how often this task could not be started just now
    TasksRan answer{};  // kStopped: what is told when nothing is left behind
  };

  struct Stop {
    explicit Stop(std::vector<std::string> marks) : sweep(std::move(marks)) {}
    int asked = 0;  // how often: each is answered
    Sweep sweep;
  };

  void TakeOrders();
  void OnOrder(Order& order);
  void OnRun(RunTasks& work);
  void OnEvent(const epoll_event& event);
  void OnTimer(uint32_t slot_number);

  // Starts the tasks in hand until one runs, waits, or none is left.
  void Advance(uint32_t slot_number);
  enum class Start { kRuns, kFailed, kNotNow };
  Start StartTask(uint32_t slot_number, std::string* reason);
  std::string OpenOutput(Slot& slot, const TaskToRun& task);
  Spawned SpawnTask(Slot& slot);
  Instant DeadlineOf(const Slot& slot) const;
  void LearnFrom(uint32_t batch, uint32_t percent, const TaskOutcome& outcome);
  void Watch(uint32_t slot_number, int fd, uint32_t what);
  void OnOutput(uint32_t slot_number);
  void OnRoomForLines();
  void OnEnded(uint32_t slot_number, const Ending& ending);
  TaskOutcome OutcomeOf(Slot& slot, const Ending& ending, Instant ended);
  void TakeOutput(Slot& slot, TaskOutcome& outcome);
  void TellEnd(uint32_t slot_number, TaskOutcome outcome, Instant ended);
  void BecomeIdle(uint32_t slot_number);

  void OnStop(const StopTasks& stop);
  void StopChild(uint32_t slot_number, bool now);
  void Hold(uint32_t slot_number, TaskOutcome outcome);
  bool NothingRuns(uint32_t batch) const;
  void SweepAfterTimeout(Slot& slot);
  void GoOnWithStops();
  void TellStopped(uint32_t batch, const Stop& stop);

  void OnPause(Pause& pause);
  bool IsResumed();
  void CountNot(Duration pause);

  std::shared_ptr<CommandMaker> MakerOf(const RunTasks& work);
  void ReapAdoptedSometimes();
  int WaitMillis() const;

  const HandlerTools& tools_;
  Mailbox<Order>& orders_;
  std::deque<Order> taken_;  // orders that are still to be followed
  const int epoll_fd_;
  std::vector<Slot> slots_;
  SlotTimers timers_;
  std::map<uint32_t, Stop> stops_;  // batches that are being stopped; 0: all
  std::vector<Sweep> timed_out_;    // what tasks left behind whose time was up
  Instant sweep_at_ = kNever;
  std::map<uint32_t, std::shared_ptr<CommandMaker>> makers_;
  UsualTimes usual_times_;
  FileDescriptor inherited_out_, inherited_err_;  // where tasks write to themselves
  Instant reap_at_ = kNever;  // when to look for adopted processes that have died
  bool quitting_ = false;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_EXEC_LOOP_H_
