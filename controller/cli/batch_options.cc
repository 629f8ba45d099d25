#include "controller/cli/batch_options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"

namespace fanmill::cli {
namespace {

const char* const kHandlers[] = {"exec", "sleep", "noop"};

absl::StatusOr<std::optional<Duration>> DurationOption(const char* option,
                                                       const std::string& text) {
  if (text.empty()) return std::optional<Duration>();
  const std::optional<Duration> duration = ParseDuration(text);
  if (!duration.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(option, " '", text, "' is not a duration: write 50ms, 1.5s, 2m or 1h"));
  }
  return duration;
}

bool TakeNumber(const char*& at, const char* end, int64_t& number) {
  const auto [next, error] = std::from_chars(at, end, number);
  if (error != std::errc()) return false;
  at = next;
  return true;
}

absl::Status CheckCommand(const BatchOptions& options) {
  if (std::find(std::begin(kHandlers), std::end(kHandlers), options.handler) ==
      std::end(kHandlers)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--handler '", options.handler, "' is not known: it is exec, sleep or noop"));
  }
  if (options.handler != "exec") {
    if (options.command.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("--handler ", options.handler, " takes no COMMAND"));
  }
  if (options.command.empty()) {
    return absl::InvalidArgumentError(
        "COMMAND is missing: for example  seq 10 | fanmill submit --wait -- echo {}");
  }
  if (options.shell) {
    if (options.command.size() == 1) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "--shell takes exactly one string: quote the whole command");
  }
  if (options.command.size() == 1 && options.command[0].find(' ') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", options.command[0], "' is one word with spaces in it: give the command ",
                     "as separate words, or add --shell to have /bin/sh read it"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ArrayRange> ParseArray(const std::string& text) {
  const absl::Status wrong = absl::InvalidArgumentError(
      absl::StrCat("--array '", text, "' is not A-B or A-B:STEP, such as 1-1000 or 0-100:10"));
  ArrayRange range;
  int64_t last = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  if (!TakeNumber(at, end, range.first) || at == end || *at++ != '-') return wrong;
  if (!TakeNumber(at, end, last)) return wrong;
  if (at != end && (*at++ != ':' || !TakeNumber(at, end, range.step))) return wrong;
  if (at != end || range.first < 0) return wrong;
  if (range.step < 1 || last < range.first) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--array '", text, "' is empty: A must not be above B, and STEP must be at least 1"));
  }
  range.count = static_cast<uint64_t>((last - range.first) / range.step) + 1;
  if (range.count > kTasksPerBatchMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--array '", text, "' has ", range.count, " tasks; the most is ",
                     kTasksPerBatchMax));
  }
  return range;
}

void BatchOptions::AddTo(CLI::App& app) {
  app.add_option("--handler", handler,
                 "what runs a task: exec (COMMAND), sleep (the value is how long), noop")
      ->capture_default_str();
  auto* from_file = app.add_option("-a,--arg-file", file, "values from the lines of FILE");
  app.add_option("--array", array, "values are the numbers A-B[:STEP]")->excludes(from_file);
  app.add_option("--min-workers", min_workers, "start when so many workers are ready")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app.add_option("--start-timeout", start_timeout,
                 "after this long, start with fewer workers (at least one)");
  app.add_flag("--hold", hold, "wait for `fanmill start BATCH`");
  app.add_option("--expect", expect, "declared cost of a task, such as 50ms");
  app.add_option("--retries", retries, "further attempts after a failed first one")
      ->capture_default_str()
      ->check(CLI::Range(0u, kRetriesMax));
  app.add_option("--timeout", timeout, "stop an attempt after this long");
  app.add_option("--grace", grace, "from SIGTERM to SIGKILL when a task is stopped")
      ->capture_default_str();
  app.add_option("--cwd", cwd, "directory the tasks run in (default: this one)");
  app.add_option("--env", env, "pass this variable of the environment on to the tasks; repeatable");
  app.add_flag("--shell", shell, "COMMAND is one string for /bin/sh -c");
  app.add_option("--name", name, "name of the batch, for people");
  app.add_option("COMMAND", command, "the program and its arguments; {} is the task's value");
  app.positionals_at_end();
}

absl::StatusOr<client::BatchSpec> BatchOptions::ToSpec() const {
  if (absl::Status command_is = CheckCommand(*this); !command_is.ok()) return command_is;
  client::BatchSpec spec;
  spec.handler = handler;
  spec.argv = command;
  spec.shell = shell;
  spec.retries = retries;
  spec.min_workers = min_workers;
  spec.hold = hold;
  spec.name = name.empty() && !command.empty() ? command[0].substr(0, 64) : name;
  auto timeout_is = DurationOption("--timeout", timeout);
  if (!timeout_is.ok()) return timeout_is.status();
  auto start_is = DurationOption("--start-timeout", start_timeout);
  if (!start_is.ok()) return start_is.status();
  auto expect_is = DurationOption("--expect", expect);
  if (!expect_is.ok()) return expect_is.status();
  auto grace_is = DurationOption("--grace", grace);
  if (!grace_is.ok()) return grace_is.status();
  spec.timeout = *timeout_is;
  spec.start_timeout = *start_is;
  spec.expected = *expect_is;
  spec.grace = grace_is->value_or(Seconds(5));
  std::error_code error;
  spec.cwd = cwd.empty() ? std::filesystem::current_path(error).string() : cwd;
  if (handler != "exec") spec.cwd.clear();
  for (const std::string& variable : env) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--env ", variable, ": no such variable in the environment"));
    }
    spec.env.push_back(absl::StrCat(variable, "=", value));
  }
  return spec;
}

}  // namespace fanmill::cli
