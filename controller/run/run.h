// fanmill run: a batch on this machine alone, in a cluster of its own inside this process.
#ifndef FANMILL_CONTROLLER_RUN_RUN_H_
#define FANMILL_CONTROLLER_RUN_RUN_H_

#include "controller/cli/command.h"

namespace fanmill::cli {

void AddRun(CLI::App& app, CommandLine& line);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_RUN_RUN_H_
