// OutputOptions: what a person asked to be made of the tasks' outputs.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_OUTPUT_OPTIONS_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_OUTPUT_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"

namespace fanmill::cli {

struct OutputOptions {
  bool keep_order = false;
  bool tag = false;
  std::string format;   // "text", "jsonl"; empty: text, unless there is a results directory
  std::string results;  // a directory
  std::string joblog;   // a file

  // Where outputs that must wait go when they are too many for memory. No option of the command
  // line; /var/tmp, since /tmp is memory in many places.
  std::string spool_directory = "/var/tmp";

  void AddTo(CLI::App& app);
  // kInvalidArgument: they do not go together.
  absl::Status Check() const;

  bool any() const;  // whether anything was asked for
  bool prints_text() const { return !prints_json() && (results.empty() || asks_for_text()); }
  bool prints_json() const { return format == "jsonl"; }

 private:
  bool asks_for_text() const { return format == "text" || keep_order || tag; }
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_OUTPUT_OPTIONS_H_
