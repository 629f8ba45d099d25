// Failures: what to tell a person about the tasks that failed: the first few, those with the same
// cause together.
#ifndef FANMILL_CONTROLLER_CLI_FAILURES_H_
#define FANMILL_CONTROLLER_CLI_FAILURES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lib/client/result_reader.h"

namespace fanmill::cli {

inline constexpr size_t kFailuresShownMax = 10;

class Failures {
 public:
  // The terminal result of a task that is not ok. Those beyond the first few are not kept.
  void Add(const client::Result& result);
  // One line for each cause, in the order of its first task: "tasks 3, 5-7: exit code 1: No such
  // file". Tasks are numbered from 1.
  std::vector<std::string> Lines() const;
  size_t shown() const { return shown_; }

 private:
  struct Cause {
    std::string text;
    std::vector<uint64_t> tasks;
  };
  std::vector<Cause> causes_;
  size_t shown_ = 0;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_FAILURES_H_
