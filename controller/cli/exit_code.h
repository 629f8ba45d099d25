// One exit code table for every command; the README prints it, tests hold to it.
#ifndef FANMILL_CONTROLLER_CLI_EXIT_CODE_H_
#define FANMILL_CONTROLLER_CLI_EXIT_CODE_H_

namespace fanmill::cli {

enum ExitCode {
  kExitOk = 0,
  kExitTaskFailed = 1,    // at least one task failed; of verify: something is wrong
  kExitUsage = 2,         // what was typed is wrong, or names a file or batch that is not there
  kExitCancelled = 3,     // the batch was cancelled or halted
  kExitTimedOut = 4,      // what was waited for did not come in time
  kExitUnable = 5,        // no controller, port in use, disk, or the cluster said no
  kExitNoReceipt = 6,     // somebody did not confirm that nothing of it runs any more
  kExitSignalBase = 128,  // + the signal that ended the command
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_EXIT_CODE_H_
