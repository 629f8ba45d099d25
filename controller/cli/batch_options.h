// The one table of options that say what a batch is and where its values come from.
#ifndef FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_
#define FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/client/options.h"

namespace fanmill::cli {

struct BatchOptions {
  std::string handler = "exec";
  std::string file;  // -a; empty: stdin, unless an array is given, or values after :::
  std::string array;
  bool nul = false;  // values end in NUL
  bool csv = false;
  std::string colsep;
  bool header = false;
  bool jsonl = false;
  uint32_t per_task = 1;  // values for each task
  std::string replace;    // in COMMAND, instead of {}
  uint32_t min_workers = 1;
  std::string start_timeout;
  bool hold = false;
  std::string expect;  // a duration, or {COLUMN}
  uint32_t retries = 0;
  std::string retry_on = "any";
  std::string retry_delay = "100ms,10s";  // the first, and the longest
  std::string timeout;
  std::string grace = "5s";
  std::string cwd;
  std::vector<std::string> env;  // NAME, passed on, or NAME=VALUE
  bool shell = false;
  std::string name;
  bool dry_run = false;
  std::vector<std::string> command;  // with ::: and all that follows it

  void AddTo(CLI::App& app);
  // Checks them and makes the batch of it; an error names the option.
  absl::StatusOr<client::BatchSpec> ToSpec() const;
  // What stands between the braces, where --expect names one of a task's values.
  std::optional<std::string> ExpectColumn() const;

 private:
  void AddRetriesTo(CLI::App& app);
  void AddValuesTo(CLI::App& app, CLI::Option* from_array);
};

// Nothing when the text is empty; an error that names the option when it is no duration.
absl::StatusOr<std::optional<Duration>> DurationOption(const char* option, const std::string& text);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_
