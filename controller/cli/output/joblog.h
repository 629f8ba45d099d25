// Joblog: a line for each task that ended, in the columns of GNU parallel's --joblog, as soon as it
// has ended.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_JOBLOG_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_JOBLOG_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "controller/cli/output/stage.h"
#include "controller/cli/output/task_words.h"
#include "controller/cli/output/text_file.h"
#include "lib/core/instant.h"

namespace fanmill::cli {

class Joblog final : public Stage {
 public:
  // Time since 1970.
  using Calendar = std::function<Duration()>;
  static Duration SystemCalendar();

  // Replaces the file. `words` outlives it.
  static absl::StatusOr<std::unique_ptr<Joblog>> Open(const std::string& path,
                                                      const TaskWords& words,
                                                      Calendar now = SystemCalendar);

  absl::Status Take(const client::Result& result, const std::string* payload) override;
  absl::Status Flush() override { return file_.Flush(); }

 private:
  Joblog(const TaskWords& words, TextFile file, Calendar now)
      : words_(words), file_(std::move(file)), now_(std::move(now)) {}

  const TaskWords& words_;
  TextFile file_;
  Calendar now_;
  uint64_t part_bytes_ = 0;  // of the task that is coming
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_JOBLOG_H_
