#include "worker/executor.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_join.h"
#include "lib/core/check.h"
#include "lib/core/printable.h"
#include "lib/io/clock.h"
#include "worker/handlers/exec.h"
#include "worker/handlers/noop.h"
#include "worker/handlers/sleep.h"
#include "worker/handlers/tally.h"
#include "worker/spawn.h"

namespace fanmill {
namespace {

constexpr size_t kShownBytesMax = 60;

// A further handler is a class, and a line here and in HandlerNames.
std::unique_ptr<Handler> MakeHandler(const std::string& name, const HandlerTools& tools) {
  if (name == "exec") return std::make_unique<ExecHandler>(tools);
  if (name == "sleep") return std::make_unique<SleepHandler>(tools);
  if (name == "noop") return std::make_unique<NoopHandler>(tools);
  return nullptr;
}

std::unique_ptr<LinePrinter> MakeLinePrinter(const TaskOutput& output) {
  if (output.mode != TaskOutput::Mode::kLines) return nullptr;
  return std::make_unique<LinePrinter>(output.out_fd, output.err_fd, output.on_lost);
}

}  // namespace

const std::vector<std::string>& HandlerNames() {
  static const std::vector<std::string>& names =
      *new std::vector<std::string>{"exec", "noop", "sleep"};
  return names;
}

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.push_back(*entry);
  return entries;
}

Executor::Executor(const ExecutorOptions& options, SlotTable& table)
    : spills_(answers_),
      lines_(MakeLinePrinter(options.output)),
      tools_{answers_,
             spills_,
             table,
             options.spill_dir,
             options.output_bytes_max,
             options.environment,
             options.output,
             lines_.get()} {
  FANMILL_CHECK(!options.handlers.empty(), "an executor without a handler");
  for (const std::string& name : options.handlers) {
    handlers_[name] = MakeHandler(name, tools_);
    FANMILL_CHECK(handlers_[name] != nullptr, "there is no such handler");
  }
}

Executor::~Executor() = default;

void Executor::AbandonLines() {
  if (lines_ != nullptr) lines_->Abandon();
}

void Executor::Deliver(Message message) {
  std::visit(Overloaded{
                 [this](RunTasks& work) { OnRun(std::move(work)); },
                 [this](StopTasks& stop) { OnStop(stop); },
                 [this](ReadOutput& read) { spills_.Read(read); },
                 [this](OutputDone& done) { spills_.Done(done); },
                 [](auto&) { FANMILL_CHECK(false, "no message for the executor"); },
             },
             message);
}

void Executor::OnRun(RunTasks work) {
  FANMILL_CHECK(!work.tasks.empty(), "a slot was given no task");
  FANMILL_CHECK(work.slot < tools_.table.slots(), "a slot that does not exist was given tasks");
  const auto handler = handlers_.find(work.spec->handler());
  if (handler == handlers_.end()) return Refuse(work);
  handler->second->Run(std::move(work));
}

void Executor::OnStop(const StopTasks& stop) {
  stopping_[stop.batch].answers += handlers_.size();
  for (auto& [name, handler] : handlers_) handler->Stop(stop);
}

// Whether that was the last of the handlers' answers: then it becomes that of all.
bool Executor::AllStopped(TasksStopped& stopped) {
  const auto found = stopping_.find(stopped.batch);
  Stopping& stopping = found->second;
  stopping.left = std::max(stopping.left, stopped.left);
  if (--stopping.answers > 0) return false;
  stopped.left = stopping.left;
  stopping_.erase(found);
  return true;
}

void Executor::Refuse(const RunTasks& work) {
  const std::string reason =
      "this worker has no handler \"" + Printable(work.spec->handler(), kShownBytesMax) +
      "\"; it offers " +
      absl::StrJoin(handlers_, ", ",
                    [](std::string* out, const auto& entry) { out->append(entry.first); }) +
      "; see --handler of fanmill-worker";
  const Instant now = Now();
  Tally tally(answers_, work.slot, now);
  for (const TaskToRun& task : work.tasks) tally.Add(NotStarted(task, reason), now);
  tally.Tell(true);
}

void Executor::Collect(std::vector<Message>& messages) {
  std::vector<Message> taken = answers_.Take();
  if (SpawningStopped()) return;  // what became of these tasks is this worker's end, not their own
  for (Message& message : taken) {
    auto* stopped = std::get_if<TasksStopped>(&message);
    if (stopped == nullptr || AllStopped(*stopped)) messages.push_back(std::move(message));
  }
}

}  // namespace fanmill
