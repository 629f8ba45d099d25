#include "controller/run/run_options.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/halt.h"
#include "lib/core/limits.h"
#include "lib/io/flags.h"
#include "lib/io/process.h"
#include "lib/io/state_directory.h"
#include "worker/usable_cpus.h"

namespace fanmill::cli {
namespace {

constexpr char kStateOfLastResort[] = "/var/tmp";

std::string WhyNoHalt(const std::string& text) {
  const absl::StatusOr<Halt> halt = Halt::Parse(text);
  return halt.ok() ? "" : std::string(halt.status().message());
}

}  // namespace

void RunOptions::AddTo(CLI::App& app) {
  slots = std::min<uint32_t>(static_cast<uint32_t>(UsableCpus()), kSlotsPerWorkerMax);
  app.add_option("-j,-P,--slots", slots, "tasks at a time; without it one for each usable CPU")
      ->check(CLI::Range(1u, kSlotsPerWorkerMax))
      ->type_name("N");
  batch.AddTo(app);
  output.AddTo(app);
  app.add_flag("-u,--ungroup", ungrouped, "tasks write straight to the terminal, as they come");
  app.add_flag("--line-buffer", line_buffer,
               "print each line as soon as it is whole, of whichever task");
  app.add_option("--halt", halt,
                 "stop for how tasks end: soon,fail=1 lets what runs end, now,fail=1 kills it; "
                 "success and percentages (fail=10%) too")
      ->check(WhyNoHalt)
      ->type_name("WHEN,WHY=N");
  app.add_flag(
      "--progress", progress,
      "show a line of progress where it is not shown by itself; NO_COLOR=1: without colours");
  OneOf(app.add_option("--report", report, "at the end, say on stderr where the time went"),
        {"text", "json"});
  app.add_option("--report-file", report_file, "say it in FILE (as JSON, unless --report text)")
      ->check(NotEmpty)
      ->type_name("FILE");
  state = DefaultState();
  app.add_option("--state", state, "directory for what does not fit into memory")
      ->envname("FANMILL_STATE")
      ->check(NotEmpty)
      ->type_name("DIR");
}

bool RunOptions::ReadsStdin() const {
  const bool listed = std::any_of(batch.command.begin(), batch.command.end(),
                                  [](const std::string& word) { return word.starts_with(":::"); });
  return batch.array.empty() && !listed && (batch.file.empty() || batch.file == "-");
}

bool RunOptions::PrintsToStdout() const {
  return direct() || batch.dry_run || output.prints_text() || output.prints_json();
}

absl::Status RunOptions::Check() const {
  if (batch.hold || batch.min_workers > 1 || !batch.start_timeout.empty()) {
    return absl::InvalidArgumentError(
        "--hold, --min-workers and --start-timeout are for batches that wait for workers: here "
        "there is one, and it is ready");
  }
  if (ungrouped && line_buffer) {
    return absl::InvalidArgumentError("-u and --line-buffer are two ways of the same: choose one");
  }
  const bool asks_for_order = output.keep_order || output.prints_json() || !output.results.empty();
  if (direct() && asks_for_order) {
    return absl::InvalidArgumentError(
        absl::StrCat(ungrouped ? "-u" : "--line-buffer",
                     " prints outputs as they come: -k, --output jsonl and --results need them "
                     "task by task"));
  }
  if (ungrouped && output.tag) {
    return absl::InvalidArgumentError(
        "-u leaves the lines to the tasks: --tag needs --line-buffer");
  }
  if (direct() && batch.handler != "exec") {
    return absl::InvalidArgumentError("-u and --line-buffer are for commands");
  }
  return output.Check();
}

absl::Status RunOptions::CheckForCluster() const {
  const bool here_alone =
      direct() || progress || halt != "never" || !report.empty() || !report_file.empty();
  if (!here_alone) return output.Check();
  return absl::InvalidArgumentError(
      "-u, --line-buffer, --progress, --halt, --report and --report-file are for batches on this "
      "machine: leave them away, or --controller (of a batch on a cluster, fanmill report tells)");
}

std::string UsableState(const std::string& wanted) {
  const std::string directory = wanted.empty() ? "" : wanted + "/run";
  std::error_code error;
  if (!directory.empty()) std::filesystem::create_directories(directory, error);
  if (!directory.empty() && access(directory.c_str(), W_OK | X_OK) == 0) return directory;
  if (!wanted.empty()) {
    Say(absl::StrCat("cannot use ", directory, " (", ErrorText(error ? error.value() : errno),
                     "): what does not fit into memory waits in ", kStateOfLastResort));
  }
  return kStateOfLastResort;
}

}  // namespace fanmill::cli
