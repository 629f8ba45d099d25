#include "worker/handlers/sleep.h"

#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/printable.h"
#include "lib/io/clock.h"

namespace fanmill {
namespace {

constexpr uint64_t kSleepMicrosMax = uint64_t{10} * 366 * 24 * 3600 * 1000 * 1000;  // ten years
constexpr size_t kShownBytesMax = 40;

std::optional<Duration> ParseSleep(std::string_view payload) {
  uint64_t micros = 0;
  const char* const end = payload.data() + payload.size();
  const auto [stop, error] = std::from_chars(payload.data(), end, micros);
  if (error != std::errc() || stop != end || micros > kSleepMicrosMax) return std::nullopt;
  return Micros(static_cast<int64_t>(micros));
}

std::string BadPayloadText(std::string_view payload) {
  return "sleep cannot sleep for \"" + Printable(payload, kShownBytesMax) +
         "\": give a whole number of microseconds, at most ten years, such as 50000";
}

TaskOutcome CutShort(const TaskToRun& task, pb::Status status, Duration run) {
  TaskOutcome outcome{};
  outcome.chunk = task.chunk;
  outcome.index = task.index;
  outcome.status = status;
  outcome.run = run;
  return outcome;
}

void WaitReadable(int fd, Instant until) {
  pollfd wanted{fd, POLLIN, 0};
  if (until == kNever) {
    poll(&wanted, 1, -1);
    return;
  }
  const int64_t wait_us = std::max<int64_t>(0, (until - Now()).count());
  const timespec wait{wait_us / 1000000, wait_us % 1000000 * 1000};
  ppoll(&wanted, 1, &wait, nullptr);
}

}  // namespace

SleepHandler::SleepHandler(const HandlerTools& tools)
    : tools_(tools),
      slots_(tools.table.slots()),
      timers_(tools.table.slots()),
      thread_([this] { Serve(); }) {}

SleepHandler::~SleepHandler() {
  orders_.Put(std::monostate());
  thread_.join();
}

void SleepHandler::Run(RunTasks work) { orders_.Put(Given{std::move(work), Now()}); }

void SleepHandler::Stop(const StopTasks& stop) { orders_.Put(stop); }

void SleepHandler::Serve() {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // else the kernel may wake us 50 us late
  while (true) {
    WaitReadable(orders_.event_fd(), timers_.Next());
    for (Order& order : orders_.Take()) {
      if (std::holds_alternative<std::monostate>(order)) return;
      if (auto* given = std::get_if<Given>(&order)) OnGiven(std::move(*given));
      if (auto* stop = std::get_if<StopTasks>(&order)) OnStop(*stop, Now());
    }
    const Instant now = Now();
    while (const auto slot = timers_.TakeDue(now)) OnWake(*slot, now);
  }
}

void SleepHandler::OnGiven(Given given) {
  Slot& slot = slots_[given.work.slot];
  FANMILL_CHECK(!slot.busy, "a busy slot was given tasks");
  const uint32_t slot_number = given.work.slot;
  slot.work = std::move(given.work);
  slot.next = 0;
  slot.busy = true;
  Tally tally(tools_.answers, slot_number, given.at);
  Advance(slot_number, given.at, tally);
}

void SleepHandler::OnWake(uint32_t slot_number, Instant now) {
  Slot& slot = slots_[slot_number];
  const TaskToRun& task = slot.work.tasks[slot.next];
  Tally tally(tools_.answers, slot_number, slot.began);
  if (slot.times_out) {
    tally.Add(CutShort(task, pb::TIMED_OUT, now - slot.began), now);
  } else {
    tally.AddOk(task, now - slot.began, now);
  }
  ++slot.next;
  Advance(slot_number, now, tally);
}

void SleepHandler::Advance(uint32_t slot_number, Instant now, Tally& tally) {
  Slot& slot = slots_[slot_number];
  const uint64_t timeout_us = slot.work.spec->timeout_us();
  for (; slot.next < slot.work.tasks.size(); ++slot.next) {
    const TaskToRun& task = slot.work.tasks[slot.next];
    const std::optional<Duration> span = ParseSleep(task.payload);
    if (!span) {
      tally.Add(NotStarted(task, BadPayloadText(task.payload)), now);
      continue;
    }
    if (*span == Duration(0)) {
      tally.AddOk(task, Duration(0), now);
      continue;
    }
    slot.began = now;
    slot.times_out = timeout_us > 0 && timeout_us < static_cast<uint64_t>(span->count());
    tools_.table.slot(slot_number)
        .Set({SlotState::kRunning, slot.work.batch, task.task, task.chunk, task.attempt, 0});
    timers_.Set(slot_number,
                After(now, slot.times_out ? Micros(static_cast<int64_t>(timeout_us)) : *span));
    if (!tally.empty()) tally.Tell(false);
    return;
  }
  slot.work = {};
  slot.busy = false;
  tools_.table.slot(slot_number).Set({});
  tally.Tell(true);
}

void SleepHandler::OnStop(const StopTasks& stop, Instant now) {
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.busy || !Concerns(stop, slot.work.batch)) continue;
    Tally tally(tools_.answers, i, slot.began);
    tally.Add(CutShort(slot.work.tasks[slot.next], pb::CANCELLED, now - slot.began), now);
    tally.AddCancelled(slot.work, slot.next + 1, now);
    timers_.Set(i, kNever);
    slot.work = {};
    slot.busy = false;
    tools_.table.slot(i).Set({});
    tally.Tell(true);
  }
  tools_.answers.Put(TasksStopped{stop.batch});
}

}  // namespace fanmill
