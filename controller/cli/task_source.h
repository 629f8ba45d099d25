// TaskSource: where the values of a batch come from: the lines of stdin or of a file, or a range of
// numbers.
#ifndef FANMILL_CONTROLLER_CLI_TASK_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_TASK_SOURCE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/cli/array_range.h"
#include "controller/cli/batch_options.h"
#include "lib/client/batch_writer.h"
#include "lib/io/file.h"

namespace fanmill::cli {

// The value of a task of the sleep handler as it goes over the wire: microseconds. A person writes
// that number, or a duration such as 50ms.
absl::StatusOr<std::string> SleepValue(std::string_view text);

class TaskSource {
 public:
  // Fails on what can be known before a batch is opened: a bad array, an unreadable file.
  static absl::StatusOr<TaskSource> Open(const BatchOptions& options);

  // Adds every task to the batch as fast as both sides go. kCancelled once `interrupted`.
  absl::Status AddTo(client::BatchWriter& writer, const std::function<bool()>& interrupted);

 private:
  TaskSource() = default;
  absl::Status AddLines(client::BatchWriter& writer, const std::function<bool()>& interrupted);

  std::optional<ArrayRange> range_;
  FileDescriptor file_;  // else; none: stdin
  std::string name_;
  bool sleep_ = false;  // values are durations
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_TASK_SOURCE_H_
