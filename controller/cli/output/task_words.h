// TaskWords: how a batch's tasks are told of to people. What is left out is not known, and not
// told.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_TASK_WORDS_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_TASK_WORDS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/cli/output/task_values.h"
#include "lib/core/placeholders.h"

namespace fanmill::cli {

struct TaskWords {
  // Of the tasks in flight: a task's is forgotten once its end was taken. Outlives its users.
  TaskValues* payloads = nullptr;
  // The values a payload is made of. None: it is one value.
  std::function<std::vector<std::string>(std::string_view payload)> split;
  std::vector<std::string> names;  // of those values, as far as they have any
  // The command of a task, as a line for a shell.
  std::function<std::string(uint64_t task, uint32_t slot, std::string_view payload)> command;
  // Where a worker runs. None: here.
  std::function<std::string(uint32_t worker)> host;

  std::vector<std::string> ValuesOf(std::string_view payload) const {
    return split ? split(payload) : std::vector<std::string>{std::string(payload)};
  }
  // Empty: not known. A result does not tell in which slot its task ran, so {%} shows as 1.
  std::string CommandOf(uint64_t task, const std::string* payload) const {
    return command && payload != nullptr ? command(task, 1, *payload) : "";
  }
};

// Of a batch whose commands, if it has any, are made from that.
TaskWords WordsOf(const Recipe& recipe, TaskValues& payloads);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_TASK_WORDS_H_
