// TextPrinter: what the tasks wrote, to stdout and stderr, as they wrote it, or each line with the
// task's values before it.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_PRINTER_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_PRINTER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/cli/output/stage.h"
#include "controller/cli/output/task_words.h"

namespace fanmill::cli {

class TextPrinter final : public Stage {
 public:
  // `words` outlives it. With `tag` lines begin with the values, a space between them, and a tab;
  // where those are not known, with the task's number.
  TextPrinter(const TaskWords& words, bool tag) : words_(words), tag_(tag) {}

  // NobodyReads, or kUnavailable: stdout cannot be written. The same of Flush.
  absl::Status Take(const client::Result& result, const std::string* payload) override;
  absl::Status Flush() override;

 private:
  // The lines of one stream of one task.
  class TaggedLines {
   public:
    absl::Status Print(bool to_stderr, std::string_view tag, std::string_view text);
    // A last line that has no end gets one: what follows begins a line of its own.
    absl::Status End(bool to_stderr);

   private:
    bool in_line_ = false;
  };

  absl::Status TakeTagged(const client::Result& result, const std::string* payload);
  std::string TagOf(uint64_t task, const std::string* payload) const;

  const TaskWords& words_;
  bool tag_;
  TaggedLines out_;
  TaggedLines err_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_PRINTER_H_
