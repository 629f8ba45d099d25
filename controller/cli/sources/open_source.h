// Which source of values the options ask for.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_OPEN_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_OPEN_SOURCE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/cli/array_range.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/sources/value_source.h"
#include "lib/io/file.h"

namespace fanmill::cli {

struct OpenedSource {
  std::unique_ptr<ValueSource> source;
  FileDescriptor file;              // what the source reads, unless that is stdin
  size_t width = 0;                 // how many values each task has; 0: who knows
  std::vector<std::string> names;   // of values on the command line, with --header
  std::optional<ArrayRange> range;  // the source has nothing but these numbers
  std::string if_empty;             // "stdin has no lines", when there is nothing in it
};

// Decides, too, whether tasks have several values, and which names of them COMMAND takes of JSON:
// `spec` is told. Fails on options that contradict each other, and on what cannot be read.
absl::StatusOr<OpenedSource> OpenSource(const BatchOptions& options, client::BatchSpec& spec);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_OPEN_SOURCE_H_
