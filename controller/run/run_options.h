// RunOptions: what was typed after `fanmill run`.
#ifndef FANMILL_CONTROLLER_RUN_RUN_OPTIONS_H_
#define FANMILL_CONTROLLER_RUN_RUN_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/output/output_options.h"

namespace fanmill::cli {

struct RunOptions {
  BatchOptions batch;
  OutputOptions output;
  uint32_t slots = 1;
  bool ungrouped = false;
  bool line_buffer = false;
  std::string halt = "never";
  bool progress = false;
  std::string report;       // "text", "json"; empty: none
  std::string report_file;  // empty: to stderr
  std::string state;        // where what must wait on disk waits

  void AddTo(CLI::App& app);
  // kInvalidArgument: they do not go together.
  absl::Status Check() const;
  // Likewise, where --controller names a cluster.
  absl::Status CheckForCluster() const;
  bool ReadsStdin() const;  // for values
  bool PrintsToStdout() const;
  bool direct() const { return ungrouped || line_buffer; }  // outputs do not pass through results
};

// Makes the directory, if it must; one that cannot be used is replaced by /var/tmp, which is said.
std::string UsableState(const std::string& wanted);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_RUN_RUN_OPTIONS_H_
