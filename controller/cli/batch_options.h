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

// "A-B" or "A-B:STEP": the numbers A, A+STEP, ... up to B.
struct ArrayRange {
  int64_t first = 0;
  int64_t step = 1;
  uint64_t count = 0;
};

// An error says what is wrong with the text.
absl::StatusOr<ArrayRange> ParseArray(const std::string& text);

struct BatchOptions {
  std::string handler = "exec";
  std::string file;              // -a; empty: stdin, unless an array is given
  std::string array;
  uint32_t min_workers = 1;
  std::string start_timeout;
  bool hold = false;
  std::string expect;
  uint32_t retries = 0;
  std::string timeout;
  std::string grace = "5s";
  std::string cwd;
  std::vector<std::string> env;  // names of variables to pass on
  bool shell = false;
  std::string name;
  std::vector<std::string> command;

  void AddTo(CLI::App& app);
  // Checks them and makes the batch of it; an error names the option.
  absl::StatusOr<client::BatchSpec> ToSpec() const;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_BATCH_OPTIONS_H_
