// The one table of options that say what a batch is and where its values come from.
#ifndef FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_
#define FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/client/options.h"

namespace fanmill::cli {

struct BatchOptions {
  std::string handler = "exec";
  std::string file;  // -a; empty: stdin, unless an array is given
  std::string array;
  uint32_t min_workers = 1;
  std::string start_timeout;
  bool hold = false;
  std::string expect;
  uint32_t retries = 0;
  std::string timeout;
  std::string grace = "5s";
  std::string cwd;
  std::vector<std::string> env;  // NAME, passed on, or NAME=VALUE
  bool shell = false;
  std::string name;
  std::vector<std::string> command;

  void AddTo(CLI::App& app);
  // Checks them and makes the batch of it; an error names the option.
  absl::StatusOr<client::BatchSpec> ToSpec() const;
};

// Nothing when the text is empty; an error that names the option when it is no duration.
absl::StatusOr<std::optional<Duration>> DurationOption(const char* option, const std::string& text);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_
