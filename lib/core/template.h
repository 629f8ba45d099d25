// Template: the commands of one batch's tasks, from its recipe and each task's payload. Pure.
//
// A word that is a placeholder of all values and nothing else becomes one argument for each value;
// inside a word they stand side by side with a space between. What was put in is not looked at
// again. In a template without any placeholder the values become further arguments at the end, as
// with xargs, unless the recipe says by what they would be replaced.
#ifndef FANMILL_LIB_CORE_TEMPLATE_H_
#define FANMILL_LIB_CORE_TEMPLATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/placeholders.h"

namespace fanmill {

struct Expanded {
  std::vector<std::string> argv;
  std::string error;  // why there is no argv, for a person; else empty
};

class Template {
 public:
  explicit Template(const Recipe& recipe);

  // A task without a payload (nullopt) has no values; where one is asked for, it is empty. A value
  // or template with a NUL byte is an error, as is a command of no words, and a payload that is not
  // what the recipe says. In a script values stand quoted where they need it, so that each stays
  // one word; what follows the script are its own arguments, $1 and so on.
  Expanded Expand(std::optional<std::string_view> payload, uint64_t task_number,
                  uint32_t slot_number) const;

  // The same command as one line that a POSIX shell reads; empty when there is none.
  std::string CommandLine(std::optional<std::string_view> payload, uint64_t task_number,
                          uint32_t slot_number = 1) const;

  // What is run, when it is the same for every task.
  std::optional<std::string> program() const;
  // How many values a task must have for every {2}, {3}, ... of the template to be one.
  size_t values_needed() const;
  // Whether something stands for all values at once, or they are added at the end.
  bool takes_all() const;

 private:
  struct Task {
    std::vector<std::string_view> values;
    std::string task_number;
    std::string slot_number;
  };
  enum class Quoting { kNone, kShell };

  std::string Text(const Placeholder& placeholder, const Task& task, Quoting quoting) const;
  std::string Word(const std::vector<Piece>& pieces, const Task& task, Quoting quoting) const;
  void AddArguments(const std::vector<Piece>& pieces, const Task& task,
                    std::vector<std::string>& argv) const;
  std::vector<std::string> Argv(const Task& task, bool append) const;
  std::vector<std::string> ScriptArgv(const Task& task, bool append) const;

  bool shell_;
  bool packed_;
  bool appends_;       // when there are values
  std::string error_;  // why nothing can be expanded; empty: it can
  std::vector<std::vector<Piece>> words_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_TEMPLATE_H_
