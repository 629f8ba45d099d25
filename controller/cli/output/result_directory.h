// ResultDirectory: each task's outputs in files of their own, DIR/000/000017.out and .err for task
// 17, a thousand tasks to a folder; both are there also where the task wrote nothing. One line of
// DIR/index.jsonl for each task, in the order in which they ended, says what became of it; its
// files are whole when its line is there.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_RESULT_DIRECTORY_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_RESULT_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "controller/cli/output/stage.h"
#include "controller/cli/output/task_words.h"
#include "controller/cli/output/text_file.h"
#include "lib/io/file.h"

namespace fanmill::cli {

class ResultDirectory final : public Stage {
 public:
  // Makes the directory where there is none. kInvalidArgument: it is not empty, or no directory.
  // kUnavailable: it cannot be made or written. `words` outlives it.
  static absl::StatusOr<std::unique_ptr<ResultDirectory>> Open(const std::string& path,
                                                               const TaskWords& words);

  absl::Status Take(const client::Result& result, const std::string* payload) override;
  absl::Status Flush() override { return index_.Flush(); }

 private:
  ResultDirectory(std::string path, const TaskWords& words, TextFile index)
      : path_(std::move(path)), words_(words), index_(std::move(index)) {}

  absl::Status OpenFiles(uint64_t task);
  absl::Status Write(bool to_stderr, std::string_view text);
  std::string NameOf(uint64_t task, const char* extension) const;  // in the directory

  std::string path_;
  const TaskWords& words_;
  TextFile index_;
  std::string folder_;  // the last one that was made
  uint64_t task_ = 0;   // whose files are open, if any
  FileDescriptor out_;
  FileDescriptor err_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_RESULT_DIRECTORY_H_
