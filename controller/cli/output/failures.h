// Failures: what to tell a person about the tasks that failed: the first few, those with the same
// cause together.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_FAILURES_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_FAILURES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/client/result_reader.h"

namespace fanmill::cli {

inline constexpr size_t kFailuresShownMax = 10;

// Tasks that failed for the same reason.
struct FailureGroup {
  std::string text;                   // "tasks 3, 5-7: exit code 1: No such file"
  std::vector<std::string> commands;  // that run them again, where they are known, in that order
};

class Failures {
 public:
  // Beyond the first few, failures are not kept.
  bool full() const { return shown_ == kFailuresShownMax; }
  // The terminal result of a task that is not ok. `command`: runs it again; empty: not known.
  void Add(const client::Result& result, const std::string& command = "");
  // In the order of their first tasks to fail. Tasks are numbered from 1.
  std::vector<FailureGroup> Groups() const;
  size_t shown() const { return shown_; }

 private:
  struct Cause {
    std::string text;
    std::map<uint64_t, std::string> tasks;  // and their commands
  };
  std::vector<Cause> causes_;
  size_t shown_ = 0;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_FAILURES_H_
