#include "worker/handlers/exec_loop.h"

#include <fcntl.h>
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
constexpr uint32_t kRoomForLines = 3;
constexpr int kWhatBits = 2;

bool IsShortage(int error) {
  return error == EAGAIN || error == EMFILE || error == ENFILE || error == ENOMEM;
}

// Above those that a child gives another meaning.
FileDescriptor CopyForTasks(int fd) {
  FileDescriptor copy(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  FANMILL_CHECK(copy.get() >= 0, "there is no such descriptor for tasks to inherit");
  return copy;
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
  if (tools_.lines != nullptr) Watch(0, tools_.lines->event_fd(), kRoomForLines);
  if (tools_.output.mode == TaskOutput::Mode::kInherited) {
    inherited_out_ = CopyForTasks(tools_.output.out_fd);
    inherited_err_ = CopyForTasks(tools_.output.err_fd);
  }
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
      return OnOutput(slot_number);
    case kRoomForLines:
      return OnRoomForLines();
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
    if (tools_.lines != nullptr && !tools_.lines->HasRoom()) {
      slot.phase = Phase::kWaiting;
      return;
    }
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
  *reason = OpenOutput(slot, task);
  if (!reason->empty()) return Start::kNotNow;
  SlotEntry entry{SlotState::kStarting, slot.work.batch, task.task, task.chunk, task.attempt, 0};
  tools_.table.slot(slot_number).Set(entry);
  Spawned spawned = SpawnTask(slot);
  if (spawned.failure.error != 0) {
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
  if (slot.capture) {
    for (const int fd : slot.capture->fds()) Watch(slot_number, fd, kOutput);
  }
  timers_.Set(slot_number, DeadlineOf(slot));
  if (reap_at_ == kNever) reap_at_ = After(slot.began, kReapAdoptedEvery);
  return Start::kRuns;
}

std::string ExecLoop::OpenOutput(Slot& slot, const TaskToRun& task) {
  if (inherited_out_.get() >= 0) return "";
  if (!slot.capture) {
    slot.capture =
        std::make_unique<Capture>(tools_.spill_dir, tools_.output_bytes_max, tools_.lines);
  }
  slot.unwatched = false;
  const bool tagged = tools_.lines != nullptr && tools_.output.tag != nullptr;
  return slot.capture->Open(tagged ? tools_.output.tag(slot.work.batch, task) : "");
}

Spawned ExecLoop::SpawnTask(Slot& slot) {
  const Command& command = slot.maker->command();
  if (!slot.capture) return Spawn(command, inherited_out_.get(), inherited_err_.get());
  Capture& capture = *slot.capture;
  Spawned spawned = Spawn(command, capture.stdout_for_child(), capture.stderr_for_child());
  capture.CloseChildEnds();
  if (spawned.failure.error != 0) {
    capture.Finish();
    capture.Take();
  }
  return spawned;
}

// By the timeout of its batch, or by the share of what is usual: whatever comes first.
Instant ExecLoop::DeadlineOf(const Slot& slot) const {
  const pb::Spec& spec = *slot.work.spec;
  Duration limit = Duration::max();
  if (spec.timeout_us() > 0) {
    limit = Micros(static_cast<int64_t>(std::min<uint64_t>(spec.timeout_us(), limit.count())));
  }
  if (spec.timeout_percent() > 0) {
    const auto share = usual_times_.Share(slot.work.batch, spec.timeout_percent());
    limit = std::min(limit, share.value_or(limit));
  }
  return limit == Duration::max() ? kNever : After(slot.began, limit);
}

// What is usual holds for those too that began when nobody knew it.
void ExecLoop::LearnFrom(uint32_t batch, uint32_t percent, const TaskOutcome& outcome) {
  if (percent == 0 || outcome.status == pb::TIMED_OUT) return;
  usual_times_.Add(batch, outcome.run);
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.phase != Phase::kRunning || slot.work.batch != batch || slot.child.pid < 0) continue;
    timers_.Set(i, DeadlineOf(slot));
  }
}

void ExecLoop::OnOutput(uint32_t slot_number) {
  Slot& slot = slots_[slot_number];
  if (tools_.lines == nullptr || tools_.lines->HasRoom()) return slot.capture->Drain();
  slot.unwatched = true;
  for (const int fd : slot.capture->fds()) {
    if (fd >= 0) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  }
}

void ExecLoop::OnRoomForLines() {
  tools_.lines->TakeEvent();
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.phase == Phase::kWaiting) {
      timers_.Set(i, kNever);
      slot.phase = Phase::kIdle;
      Advance(i);
    } else if (std::exchange(slot.unwatched, false) && slot.child.pid > 0) {
      for (const int fd : slot.capture->fds()) {
        if (fd >= 0) Watch(i, fd, kOutput);
      }
    }
  }
}

// Mostly not to be taken out again: the descriptors leave the set when they are closed.
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
  slot.unwatched = false;
  if (slot.phase == Phase::kStopping) return Hold(slot_number, std::move(outcome));
  if (slot.phase == Phase::kTimedOut) SweepAfterTimeout(slot);
  LearnFrom(slot.work.batch, slot.work.spec->timeout_percent(), outcome);
  TellEnd(slot_number, std::move(outcome), ended);
  Advance(slot_number);
}

TaskOutcome ExecLoop::OutcomeOf(Slot& slot, const Ending& ending, Instant ended) {
  const TaskToRun& task = slot.work.tasks[slot.next];
  TaskOutcome outcome{};
  outcome.chunk = task.chunk;
  outcome.index = task.index;
  outcome.code = ending.code;
  outcome.run = ended - slot.began;
  if (slot.phase == Phase::kStopping) {
    outcome.status = pb::CANCELLED;
  } else if (slot.phase == Phase::kTimedOut) {
    outcome.status = pb::TIMED_OUT;
  } else if (ending.signaled) {
    outcome.status = pb::SIGNALLED;
  } else {
    outcome.status = ending.code == 0 ? pb::OK : pb::FAILED;
  }
  if (slot.capture) TakeOutput(slot, outcome);
  return outcome;
}

void ExecLoop::TakeOutput(Slot& slot, TaskOutcome& outcome) {
  slot.capture->Finish();
  Capture::Output output = slot.capture->Take();
  if (outcome.status == pb::CANCELLED) return;  // its output interests nobody
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
