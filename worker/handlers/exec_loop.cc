#include "worker/handlers/exec_loop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "lib/io/clock.h"
#include "worker/descendants.h"
#include "worker/handlers/tally.h"

namespace fanmill {
namespace {

// A host short of processes or descriptors is asked again, for five seconds in all.
constexpr Duration kTryAgainAfter = Millis(100);
constexpr int kTriesMax = 50;
constexpr Duration kReapAdoptedEvery = Seconds(1);
constexpr size_t kMakersMax = 64;  // batches whose commands are prepared
constexpr int kEventsMax = 128;    // per look

// What an event is about; the slot stands above it.
constexpr uint32_t kOrders = 0;
constexpr uint32_t kProcess = 1;
constexpr uint32_t kOutput = 2;
constexpr int kWhatBits = 2;

bool IsShortage(int error) {
  return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOMEM;
}

bool HasChildren() {
  siginfo_t dead{};
  return waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0;
}

std::string TroubleText(const char* stream, const CapturedStream& captured) {
  if (captured.trouble().empty()) return "";
  return std::string("fanmill: the end of this task's ") + stream + ", " +
         std::to_string(captured.dropped()) + " bytes, is lost: " + captured.trouble() + "\n";
}

bool IsPlain(const TaskOutcome& outcome) {
  return outcome.status == pb::OK && outcome.out.empty() && outcome.err.empty() &&
         outcome.out_spill.handle == 0 && outcome.out_spill.dropped == 0 &&
         outcome.err_spill.handle == 0 && outcome.err_spill.dropped == 0;
}

}  // namespace

ExecLoop::ExecLoop(const HandlerTools& tools, Mailbox<Order>& orders)
    : tools_(tools),
      orders_(orders),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      slots_(tools.table.slots()),
      timers_(tools.table.slots()) {
  FANMILL_CHECK(epoll_fd_ >= 0);
  Watch(0, orders_.event_fd(), kOrders);
}

ExecLoop::~ExecLoop() { close(epoll_fd_); }

void ExecLoop::Run() {
  while (!quitting_ || !stops_.empty()) {
    epoll_event events[kEventsMax];
    const int n = epoll_wait(epoll_fd_, events, kEventsMax, WaitMillis());
    FANMILL_CHECK(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; ++i) OnEvent(events[i]);
    const Instant now = Now();
    while (const auto slot = timers_.TakeDue(now)) OnTimer(*slot);
    GoOnWithStops();
    if (reap_at_ <= now) ReapAdoptedSometimes();
  }
}

int ExecLoop::WaitMillis() const {
  const Instant next = std::min({timers_.Next(), reap_at_, sweep_at_});
  if (next == kNever) return -1;
  const Duration wait = std::clamp(next - Now(), Duration(0), Seconds(3600));
  return static_cast<int>((wait.count() + 999) / 1000);
}

void ExecLoop::OnEvent(const epoll_event& event) {
  const auto slot_number = static_cast<uint32_t>(event.data.u64 >> kWhatBits);
  switch (event.data.u64 & ((1 << kWhatBits) - 1)) {
    case kOrders:
      return TakeOrders();
    case kOutput:
      slots_[slot_number].capture->Drain();
      return;
    default:
      break;
  }
  Slot& slot = slots_[slot_number];
  if (slot.child.pid < 0) return;  // an event older than the child's end
  if (const auto ending = Reap(slot.child)) OnEnded(slot_number, *ending);
}

void ExecLoop::TakeOrders() {
  for (Order& order : orders_.Take()) taken_.push_back(std::move(order));
  while (!taken_.empty()) {
    Order order = std::move(taken_.front());
    taken_.pop_front();
    OnOrder(order);
  }
}

void ExecLoop::OnOrder(Order& order) {
  if (auto* work = std::get_if<RunTasks>(&order)) OnRun(*work);
  if (auto* stop = std::get_if<StopTasks>(&order)) OnStop(*stop);
  if (auto* pause = std::get_if<Pause>(&order)) OnPause(*pause);
  if (std::holds_alternative<Quit>(order)) {
    quitting_ = true;
    OnStop({.batch = 0, .now = true});
  }
}

void ExecLoop::OnRun(RunTasks& work) {
  const uint32_t slot_number = work.slot;
  Slot& slot = slots_[slot_number];
  FANMILL_CHECK(slot.phase == Phase::kIdle, "a busy slot was given tasks");
  slot.maker = MakerOf(work);
  slot.work = std::move(work);
  slot.next = 0;
  slot.tries = 0;
  Advance(slot_number);
}

std::shared_ptr<CommandMaker> ExecLoop::MakerOf(const RunTasks& work) {
  const auto known = makers_.find(work.batch);
  if (known != makers_.end() && known->second->spec() == work.spec) return known->second;
  if (makers_.size() >= kMakersMax) makers_.clear();
  auto maker = std::make_shared<CommandMaker>(work.batch, work.spec, tools_.environment);
  makers_[work.batch] = maker;
  return maker;
}

void ExecLoop::Advance(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  while (slot.next < slot.work.tasks.size()) {
    slot.began = Now();
    std::string reason;
    const Start start = StartTask(slot_number, &reason);
    if (start == Start::kRuns) {
      slot.tries = 0;
      return;
    }
    if (start == Start::kNotNow && ++slot.tries < kTriesMax) {
      slot.phase = Phase::kWaiting;
      timers_.Set(slot_number, After(slot.began, kTryAgainAfter));
      return;
    }
    slot.tries = 0;
    TellEnd(slot_number, NotStarted(slot.work.tasks[slot.next], std::move(reason)), Now());
  }
}

ExecLoop::Start ExecLoop::StartTask(uint32_t slot_number, std::string* reason) {
  Slot& slot = slots_[slot_number];
  const TaskToRun& task = slot.work.tasks[slot.next];
  *reason = slot.maker->Make(task, slot_number);
  if (!reason->empty()) return Start::kFailed;
  if (!slot.capture) {
    slot.capture = std::make_unique<Capture>(tools_.spill_dir, tools_.output_bytes_max);
  }
  *reason = slot.capture->Open();
  if (!reason->empty()) return Start::kNotNow;
  SlotEntry entry{SlotState::kStarting, slot.work.batch, task.task, task.chunk, task.attempt, 0};
  tools_.table.slot(slot_number).Set(entry);
  Spawned spawned = Spawn(slot.maker->command(), slot.capture->stdout_for_child(),
                          slot.capture->stderr_for_child());
  slot.capture->CloseChildEnds();
  if (spawned.failure.error != 0) {
    slot.capture->Finish();
    slot.capture->Take();
    tools_.table.slot(slot_number).Set({});
    *reason = std::move(spawned.failure.text);
    return IsShortage(spawned.failure.error) ? Start::kNotNow : Start::kFailed;
  }
  entry.state = SlotState::kRunning;
  entry.pid = spawned.child.pid;
  tools_.table.slot(slot_number).Set(entry);
  slot.child = spawned.child;
  slot.phase = Phase::kRunning;
  Watch(slot_number, slot.child.pidfd, kProcess);
  for (const int fd : slot.capture->fds()) Watch(slot_number, fd, kOutput);
  const uint64_t timeout_us = slot.work.spec->timeout_us();
  if (timeout_us > 0) {
    timers_.Set(slot_number, After(slot.began, Micros(static_cast<int64_t>(std::min<uint64_t>(
                                                   timeout_us, Duration::max().count())))));
  }
  if (reap_at_ == kNever) reap_at_ = After(slot.began, kReapAdoptedEvery);
  return Start::kRuns;
}

// Not to be taken out again: both kinds of descriptor leave the set when they are closed.
void ExecLoop::Watch(uint32_t slot_number, int fd, uint32_t what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = (uint64_t{slot_number} << kWhatBits) | what;
  FANMILL_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
}

void ExecLoop::OnTimer(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  switch (slot.phase) {
    case Phase::kWaiting:
      slot.phase = Phase::kIdle;
      return Advance(slot_number);
    case Phase::kRunning:
      slot.phase = Phase::kTimedOut;
      return StopChild(slot_number, false);
    case Phase::kTimedOut:
    case Phase::kStopping:
      return StopChild(slot_number, true);
    case Phase::kIdle:
    case Phase::kStopped:
      FANMILL_CHECK(false, "a slot where nothing runs has a deadline");
  }
}

void ExecLoop::OnEnded(uint32_t slot_number, const Ending& ending) {
  Slot& slot = slots_[slot_number];
  const Instant ended = Now();
  timers_.Set(slot_number, kNever);
  TaskOutcome outcome = OutcomeOf(slot, ending, ended);
  tools_.table.slot(slot_number).Set({});
  if (slot.phase == Phase::kStopping) return Hold(slot_number, std::move(outcome));
  if (slot.phase == Phase::kTimedOut) SweepAfterTimeout(slot);
  TellEnd(slot_number, std::move(outcome), ended);
  Advance(slot_number);
}

TaskOutcome ExecLoop::OutcomeOf(Slot& slot, const Ending& ending, Instant ended) {
  slot.capture->Finish();
  Capture::Output output = slot.capture->Take();
  const TaskToRun& task = slot.work.tasks[slot.next];
  TaskOutcome outcome{};
  outcome.chunk = task.chunk;
  outcome.index = task.index;
  outcome.code = ending.code;
  outcome.run = ended - slot.began;
  if (slot.phase == Phase::kStopping) {
    outcome.status = pb::CANCELLED;
    return outcome;  // its output interests nobody
  }
  if (slot.phase == Phase::kTimedOut) {
    outcome.status = pb::TIMED_OUT;
  } else if (ending.signaled) {
    outcome.status = pb::SIGNALLED;
  } else {
    outcome.status = ending.code == 0 ? pb::OK : pb::FAILED;
  }
  const std::string trouble = TroubleText("stdout", output.out) + TroubleText("stderr", output.err);
  const auto take = [&](CapturedStream& stream, std::string* text, SpilledOutput* spill) {
    *spill = {.handle = 0, .size = 0, .dropped = stream.dropped()};
    if (stream.spilled()) {
      *spill = tools_.spills.Keep(std::move(stream));
    } else {
      *text = std::move(stream.in_memory());
    }
  };
  take(output.out, &outcome.out, &outcome.out_spill);
  take(output.err, &outcome.err, &outcome.err_spill);
  const bool fits = outcome.err.size() + trouble.size() <= kInlineOutputBytesMax;
  if (outcome.err_spill.handle == 0 && fits) outcome.err += trouble;
  return outcome;
}

// The slot must look idle before anybody hears that it is.
void ExecLoop::TellEnd(uint32_t slot_number, TaskOutcome outcome, Instant ended) {
  Slot& slot = slots_[slot_number];
  Tally tally(tools_.answers, slot_number, slot.began);
  if (IsPlain(outcome)) {
    tally.AddOk(slot.work.tasks[slot.next], outcome.run, ended);
  } else {
    tally.Add(std::move(outcome), ended);
  }
  slot.phase = Phase::kIdle;
  const bool idle = ++slot.next == slot.work.tasks.size();
  if (idle) BecomeIdle(slot_number);
  tally.Tell(idle);
}

void ExecLoop::BecomeIdle(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  slot.phase = Phase::kIdle;
  slot.work = {};
  slot.next = 0;
  slot.maker.reset();
}

// Processes that tasks left behind and that died since, adopted by us as their subreaper.
void ExecLoop::ReapAdoptedSometimes() {
  ReapAdopted([this](pid_t pid) {
    return std::any_of(slots_.begin(), slots_.end(),
                       [pid](const Slot& slot) { return slot.child.pid == pid; });
  });
  reap_at_ = HasChildren() ? After(Now(), kReapAdoptedEvery) : kNever;
}

}  // namespace fanmill
