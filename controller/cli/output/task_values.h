// TaskValues: the payloads of the tasks in flight, for whoever tells people about them. The thread
// that adds tasks to the batch fills it, the one that reads their results takes from it; what it
// takes is bounded by what the cluster holds of the batch. Thread-safe.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_TASK_VALUES_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_TASK_VALUES_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanmill::cli {

class TaskValues {
 public:
  // Before the task is added to the batch: its result may come at once.
  // REQUIRES: `task` is above all that were added.
  void Add(uint64_t task, std::string_view payload);
  // Tasks whose payloads are the numbers start, start + step, ...: nothing is kept of each.
  void AddRange(uint64_t task, int64_t start, int64_t step, uint64_t count);

  // Nothing: never added, or forgotten.
  std::optional<std::string> Of(uint64_t task) const;
  // Once for each task whose end came.
  void Forget(uint64_t task);

  uint64_t bytes() const;  // of memory, about

 private:
  // Tasks that follow one another. It goes when all of them are forgotten.
  struct Block {
    uint64_t count = 0;
    uint64_t left = 0;  // not forgotten
    bool is_range = false;
    int64_t start = 0;  // of a range
    int64_t step = 0;
    std::string bytes;           // else: the payloads side by side
    std::vector<uint32_t> ends;  // in bytes
  };
  using Blocks = std::map<uint64_t, Block>;  // by its first task

  Blocks::const_iterator Find(uint64_t task) const;

  mutable std::mutex mutex_;
  Blocks blocks_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_TASK_VALUES_H_
