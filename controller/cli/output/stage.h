// Stage: one step of what becomes of the tasks' outputs.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_STAGE_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_STAGE_H_

#include <string>

#include "absl/status/status.h"
#include "lib/client/result_reader.h"

namespace fanmill::cli {

class Stage {
 public:
  virtual ~Stage() = default;

  // A part of an output, or the end of a task, as the reader returns them: all of a task come one
  // after the other, its end last. `payload`: what the task was made of; null: not known.
  // An error is final: no more is taken after it.
  virtual absl::Status Take(const client::Result& result, const std::string* payload) = 0;
  // What was taken, and is not held back, is seen now.
  virtual absl::Status Flush() = 0;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_STAGE_H_
