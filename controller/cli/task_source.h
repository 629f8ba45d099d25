// TaskSource: where the tasks of a batch come from: the lines of stdin or of a file, its rows or
// its JSON, values on the command line, or a range of numbers.
#ifndef FANMILL_CONTROLLER_CLI_TASK_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_TASK_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/cli/array_range.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/output/task_values.h"
#include "controller/cli/sources/value_source.h"
#include "lib/client/batch_writer.h"
#include "lib/core/placeholders.h"
#include "lib/io/file.h"

namespace fanmill::cli {

// The value of a task of the sleep handler as it goes over the wire: microseconds. A person writes
// that number, or a duration such as 50ms.
absl::StatusOr<std::string> SleepValue(std::string_view text);

// What the batch's commands are made from: Template(RecipeOf(spec)) makes them.
Recipe RecipeOf(const client::BatchSpec& spec);

class TaskSource {
 public:
  struct Task {
    std::string_view payload;  // good until the next one
    std::optional<Duration> cost;
  };
  // Called with each task just before it is added to the batch; tasks are numbered from 0.
  using OnTask = std::function<void(uint64_t task, std::string_view payload)>;

  // Reads ahead what must be known before a batch is opened, such as the names in the first line,
  // and completes the spec with it. Fails on a bad option, an unreadable file, a {name} that there
  // is not.
  static absl::StatusOr<TaskSource> Open(const BatchOptions& options, client::BatchSpec& spec);

  // Adds every task to the batch as fast as both sides go. kCancelled once `interrupted`.
  absl::Status AddTo(client::BatchWriter& writer, const std::function<bool()>& interrupted,
                     const OnTask& on_task = nullptr);

  // Task by task, for those who open no batch. Waits up to `timeout`.
  absl::StatusOr<Got> Next(Duration timeout, Task& task);

  // When the tasks are no more than a range: AddTo adds it as such, and never calls `on_task`. The
  // payload of task t is first + t * step.
  const std::optional<ArrayRange>& range() const { return range_; }

 private:
  static constexpr size_t kLastValue = SIZE_MAX;

  TaskSource() = default;
  absl::Status TakeNames(client::BatchSpec& spec, const std::vector<std::string>& names);
  absl::Status TakeCost(const BatchOptions& options, const Recipe& recipe);
  absl::Status MakeTask(Task& task);
  absl::StatusOr<std::optional<Duration>> TakeCostOfTask();
  absl::Status AddOneByOne(client::BatchWriter& writer, const std::function<bool()>& interrupted,
                           const OnTask& on_task);

  FileDescriptor file_;  // what source_ reads; none: stdin, or nothing
  std::unique_ptr<ValueSource> source_;
  std::string if_empty_;  // what there is none of, when there is no task
  std::optional<ArrayRange> range_;
  bool plain_ = false;  // payloads are the values, and nothing is to be looked at
  bool sleep_ = false;  // values are durations
  bool packed_ = false;
  size_t values_needed_ = 0;          // by COMMAND, where that can only be told from the values
  std::optional<size_t> cost_index_;  // which value is the task's cost; kLastValue: and no more
  std::vector<std::string_view> values_;
  std::string payload_;
};

// Remembers the payloads of its tasks while they are in flight: those of a range at once, all
// others by what is returned, for AddTo.
TaskSource::OnTask Remembering(const TaskSource& source, TaskValues& values);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_TASK_SOURCE_H_
