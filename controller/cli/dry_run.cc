#include "controller/cli/dry_run.h"

#include "controller/cli/command.h"
#include "controller/cli/stdout.h"
#include "lib/core/template.h"

namespace fanmill::cli {
namespace {

constexpr Duration kPauseOfWriter = Millis(20);

absl::Status PrintCommands(TaskSource& source, const Template& command) {
  TaskSource::Task task;
  for (uint64_t number = 1; SignalSeen() == 0;) {
    const absl::StatusOr<Got> got = source.Next(kPauseOfWriter, task);
    if (!got.ok()) return got.status();
    if (*got == Got::kEnd) return FlushStdout();
    absl::Status printed = *got == Got::kNothingYet
                               ? FlushStdout()
                               : WriteStdout(command.CommandLine(task.payload, number++) + "\n");
    if (!printed.ok()) return printed;
  }
  return absl::CancelledError("interrupted");
}

}  // namespace

int DryRun(TaskSource& source, const client::BatchSpec& spec) {
  WatchSignals();
  const absl::Status printed = PrintCommands(source, Template(RecipeOf(spec)));
  return printed.ok() ? kExitOk : Complain(printed);
}

}  // namespace fanmill::cli
