// What the commands print goes through here: output that nobody could take is an error, and said to
// be one.
#ifndef FANMILL_CONTROLLER_CLI_STDOUT_H_
#define FANMILL_CONTROLLER_CLI_STDOUT_H_

#include <string>

#include "absl/status/status.h"

namespace fanmill::cli {

// What the two below return once nobody reads stdout any more (kAborted).
absl::Status NobodyReads();

// Both: NobodyReads, or kUnavailable where stdout cannot be written. What was written may wait
// until it is flushed, and fail only then.
absl::Status WriteStdout(const std::string& bytes);
absl::Status FlushStdout();
// The same of what a task wrote to its stderr; nothing of it waits.
absl::Status WriteStderr(const std::string& bytes);

// All that a command prints: written and flushed. Returns the exit code, after a complaint unless
// it is 0.
int PrintOut(const std::string& text);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_STDOUT_H_
