// --dry-run: shows what would be run.
#ifndef FANMILL_CONTROLLER_CLI_DRY_RUN_H_
#define FANMILL_CONTROLLER_CLI_DRY_RUN_H_

#include "controller/cli/task_source.h"

namespace fanmill::cli {

// Prints the command of each task on a line of stdout, as a shell reads it. Returns the exit code.
int DryRun(TaskSource& source, const client::BatchSpec& spec);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_DRY_RUN_H_
