// Where goes what tasks write to stdout and stderr.
#ifndef FANMILL_WORKER_TASK_OUTPUT_H_
#define FANMILL_WORKER_TASK_OUTPUT_H_

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>

#include "lib/core/local.h"

namespace fanmill {

struct TaskOutput {
  enum class Mode {
    kCaptured,   // into the task's result, which is whole and apart from any other
    kInherited,  // straight to the descriptors below, by the tasks themselves
    kLines,      // to them as soon as a line is whole: none is ever mixed from two tasks
  };
  Mode mode = Mode::kCaptured;
  int out_fd = STDOUT_FILENO;  // open for as long as the executor lives
  int err_fd = STDERR_FILENO;
  // kLines: what each line of a task begins with; nothing where there is no function. Called for
  // each task before it starts, by the executor's thread.
  std::function<std::string(uint32_t batch, const TaskToRun& task)> tag = {};
  // kLines: a descriptor took no more, for this errno (EPIPE: nobody reads any more); what goes
  // there is lost from now on. Called once for each, by a thread of the executor's.
  std::function<void(int fd, int error)> on_lost = {};
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_TASK_OUTPUT_H_
