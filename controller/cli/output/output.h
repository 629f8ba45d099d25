// Output: what becomes of the results of a batch, as they come:
//
//   each result ---> joblog
//              ---> files of the results directory
//              ---> [ in order ] ---> text or JSON on stdout
//
// Of the rest that a result is for (counts, failures, halting) it knows nothing. Not thread-safe.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_OUTPUT_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_OUTPUT_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/cli/output/in_order.h"
#include "controller/cli/output/output_options.h"
#include "controller/cli/output/stage.h"
#include "controller/cli/output/task_words.h"

namespace fanmill::cli {

class Output {
 public:
  // Of which nothing is seen.
  Output() = default;
  Output(const Output&) = delete;

  // Opens the files. kInvalidArgument: what was asked for does not go together, or the results
  // directory is in use. kUnavailable: a file or directory cannot be made.
  static absl::StatusOr<std::unique_ptr<Output>> Open(const OutputOptions& options,
                                                      TaskWords words = {},
                                                      OrderLimits limits = {});

  // Takes the next result of the reader. Here and below, an error is final: NobodyReads, or
  // kUnavailable, where the disk is full or stdout cannot be written.
  absl::Status Take(const client::Result& result);

  // Whether something that waited for its turn can be printed now; one piece of it. Whoever takes
  // on before nothing is due lets it pile up.
  bool Due() const { return order_ != nullptr && order_->Due(); }
  absl::Status Advance() { return order_->Advance(); }

  // What waits for its turn has reached its limit, so that no more should be taken until a result
  // for which all waits is at hand; it is taken nevertheless.
  bool Full() const { return order_ != nullptr && !Due() && order_->Full(); }
  std::string WhyFull() const { return order_ == nullptr ? "" : order_->WhyFull(); }

  // What was printed is seen now.
  absl::Status Flush();
  // No more results come: what waits for its turn is due, whether or not those before it ended.
  void TakeNoMore();
  // All that, to its end.
  absl::Status Finish();

  // The command that runs the task again, for a shell; empty: not known. Before its end is taken.
  std::string CommandOf(uint64_t task) const;

 private:
  std::optional<std::string> PayloadOf(uint64_t task) const;

  TaskWords words_;
  bool needs_payloads_ = false;
  bool tells_of_dropped_ = false;
  std::unique_ptr<Stage> printer_;  // outlives order_
  std::unique_ptr<InOrder> order_;
  std::vector<std::unique_ptr<Stage>> beside_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_OUTPUT_H_
