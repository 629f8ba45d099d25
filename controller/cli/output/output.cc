#include "controller/cli/output/output.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/output/joblog.h"
#include "controller/cli/output/json_printer.h"
#include "controller/cli/output/result_directory.h"
#include "controller/cli/output/text_printer.h"

namespace fanmill::cli {

absl::StatusOr<std::unique_ptr<Output>> Output::Open(const OutputOptions& options, TaskWords words,
                                                     OrderLimits limits) {
  if (absl::Status together = options.Check(); !together.ok()) return together;
  auto output = std::make_unique<Output>();
  output->words_ = std::move(words);
  if (!options.results.empty()) {
    auto directory = ResultDirectory::Open(options.results, output->words_);
    if (!directory.ok()) return directory.status();
    output->beside_.push_back(*std::move(directory));
  }
  if (!options.joblog.empty()) {
    auto joblog = Joblog::Open(options.joblog, output->words_);
    if (!joblog.ok()) return joblog.status();
    output->beside_.push_back(*std::move(joblog));
  }
  if (options.prints_json()) {
    output->printer_ = std::make_unique<JsonPrinter>(output->words_, options.spool_directory);
  } else if (options.prints_text()) {
    output->printer_ = std::make_unique<TextPrinter>(output->words_, options.tag);
  }
  if (options.keep_order) {
    output->order_ = std::make_unique<InOrder>(*output->printer_, options.spool_directory, limits);
  }
  output->needs_payloads_ = options.tag || options.prints_json() || !output->beside_.empty();
  output->tells_of_dropped_ = !options.prints_json();
  return output;
}

absl::Status Output::Take(const client::Result& result) {
  const std::optional<std::string> payload =
      needs_payloads_ ? PayloadOf(result.task) : std::nullopt;
  const std::string* known = payload.has_value() ? &*payload : nullptr;
  for (const std::unique_ptr<Stage>& stage : beside_) {
    if (absl::Status taken = stage->Take(result, known); !taken.ok()) return taken;
  }
  Stage* first = order_ != nullptr ? order_.get() : printer_.get();
  if (first != nullptr) {
    if (absl::Status taken = first->Take(result, known); !taken.ok()) return taken;
  }
  if (result.part) return absl::OkStatus();
  if (words_.payloads != nullptr) words_.payloads->Forget(result.task);
  if (result.dropped > 0 && tells_of_dropped_) {
    Say(absl::StrCat("task ", result.task + 1, ": ", result.dropped,
                     " bytes of its output were not kept: beyond the limit, or no room on disk"));
  }
  return absl::OkStatus();
}

absl::Status Output::Flush() {
  absl::Status flushed = printer_ == nullptr ? absl::OkStatus() : printer_->Flush();
  for (const std::unique_ptr<Stage>& stage : beside_) flushed.Update(stage->Flush());
  return flushed;
}

void Output::TakeNoMore() {
  if (order_ != nullptr) order_->TakeNoMore();
}

absl::Status Output::Finish() {
  TakeNoMore();
  while (Due()) {
    if (absl::Status advanced = Advance(); !advanced.ok()) return advanced;
  }
  return Flush();
}

std::string Output::CommandOf(uint64_t task) const {
  const std::optional<std::string> payload = PayloadOf(task);
  return words_.CommandOf(task, payload.has_value() ? &*payload : nullptr);
}

std::optional<std::string> Output::PayloadOf(uint64_t task) const {
  return words_.payloads == nullptr ? std::nullopt : words_.payloads->Of(task);
}

}  // namespace fanmill::cli
