// fanmill submit, for those who ask for the same by another name.
#ifndef FANMILL_CONTROLLER_CLI_SUBMIT_H_
#define FANMILL_CONTROLLER_CLI_SUBMIT_H_

#include "controller/cli/batch_options.h"
#include "controller/cli/command.h"
#include "controller/cli/output/output_options.h"

namespace fanmill::cli {

// Sends the batch, stays to its end, and prints its outputs. Returns the exit code.
int SubmitAndWait(const ClusterOptions& cluster, const BatchOptions& batch,
                  const OutputOptions& output);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SUBMIT_H_
