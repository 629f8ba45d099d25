#include "controller/cli/batch_options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/cli/command_words.h"
#include "controller/cli/sources/value_lists.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"
#include "lib/core/printable.h"
#include "lib/core/retry_on.h"
#include "lib/io/flags.h"

namespace fanmill::cli {
namespace {

const char* const kHandlers[] = {"exec", "sleep", "noop"};
constexpr size_t kTextShownBytesMax = 60;
const std::vector<std::string> kEmptyCommand = {""};  // "--" and nothing behind it

absl::Status Wrong(const std::string& sentence) { return absl::InvalidArgumentError(sentence); }

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", Printable(text, kTextShownBytesMax), "'");
}

using Words = std::vector<std::string>;

absl::Status CheckHandler(const BatchOptions& options, const Words& command) {
  const bool known =
      std::find(std::begin(kHandlers), std::end(kHandlers), options.handler) != std::end(kHandlers);
  if (!known) {
    return Wrong(absl::StrCat("--handler ", Quoted(options.handler),
                              " is not known: exec runs COMMAND, sleep sleeps for each value, "
                              "noop does nothing"));
  }
  if (options.handler == "exec") return absl::OkStatus();
  if (!command.empty() && command != kEmptyCommand) {
    return Wrong(absl::StrCat("--handler ", options.handler, " takes no COMMAND: leave away ",
                              Quoted(command[0])));
  }
  if (options.dry_run) {
    return Wrong(absl::StrCat("--dry-run shows the commands, and --handler ", options.handler,
                              " runs none"));
  }
  return absl::OkStatus();
}

absl::Status CheckCommand(const BatchOptions& options, const Words& command) {
  if (command.empty()) {
    if (options.array.empty()) return absl::OkStatus();  // each value is a command
    return Wrong("COMMAND is missing, and the numbers of --array are none");
  }
  if (command[0].empty()) {
    return Wrong("COMMAND begins with an empty word: is a shell variable in it unset?");
  }
  if (command[0] == ":" && options.header) {
    return Wrong("--header takes no value here: leave away the ':'");
  }
  if (options.shell) {
    if (command.size() == 1) return absl::OkStatus();
    return Wrong(
        "--shell takes COMMAND as one word: put quotes around the whole of it, such as "
        "--shell -- 'sort {} | uniq'");
  }
  std::error_code error;
  if (command.size() == 1 && command[0].find(' ') != std::string::npos &&
      !std::filesystem::exists(command[0], error)) {
    return Wrong(absl::StrCat("COMMAND is the one word ", Quoted(command[0]),
                              ", and no program has that name: leave away the quotes, or add "
                              "--shell to have /bin/sh read it"));
  }
  return absl::OkStatus();
}

// "200%" of the median.
absl::StatusOr<uint32_t> Percent(const std::string& text) {
  uint32_t percent = 0;
  const std::string number = text.substr(0, text.size() - 1);
  if (absl::SimpleAtoi(number, &percent) && percent > 100 && percent <= kTimeoutPercentMax) {
    return percent;
  }
  return Wrong(absl::StrCat("--timeout ", Quoted(text),
                            ": a share of the median run time is above ", "100% and at most ",
                            kTimeoutPercentMax, "%, such as 200%"));
}

absl::Status AddTimeout(const BatchOptions& options, client::BatchSpec& spec) {
  if (!options.timeout.ends_with('%')) {
    absl::StatusOr<std::optional<Duration>> timeout = DurationOption("--timeout", options.timeout);
    if (!timeout.ok()) return timeout.status();
    spec.timeout = *timeout;
    return absl::OkStatus();
  }
  absl::StatusOr<uint32_t> percent = Percent(options.timeout);
  if (!percent.ok()) return percent.status();
  if (options.handler != "exec") {
    return Wrong(absl::StrCat("--timeout ", Quoted(options.timeout), " is for COMMAND: --handler ",
                              options.handler, " takes a duration"));
  }
  spec.timeout_percent = *percent;
  return absl::OkStatus();
}

absl::Status AddDurations(const BatchOptions& options, client::BatchSpec& spec) {
  if (absl::Status timeout = AddTimeout(options, spec); !timeout.ok()) return timeout;
  std::optional<Duration> grace;
  const struct {
    const char* option;
    const std::string text;
    std::optional<Duration>& to;
  } all[] = {{"--start-timeout", options.start_timeout, spec.start_timeout},
             {"--expect", options.ExpectColumn() ? "" : options.expect, spec.expected},
             {"--grace", options.grace, grace}};
  for (const auto& each : all) {
    absl::StatusOr<std::optional<Duration>> duration = DurationOption(each.option, each.text);
    if (!duration.ok()) return duration.status();
    each.to = *duration;
  }
  const struct {
    const char* option;
    const std::string& text;
    const std::optional<Duration>& limit;
  } limits[] = {{"--timeout", options.timeout, spec.timeout},
                {"--start-timeout", options.start_timeout, spec.start_timeout}};
  for (const auto& each : limits) {
    if (each.limit != Duration{0}) continue;
    return Wrong(absl::StrCat(each.option, " ", Quoted(each.text),
                              " is no time at all: leave it away for no limit"));
  }
  spec.grace = grace.value_or(spec.grace);
  return absl::OkStatus();
}

absl::Status AddRetries(const BatchOptions& options, client::BatchSpec& spec) {
  spec.retries = options.retries;
  spec.retry_on = options.retry_on;
  std::string why;
  if (!RetryOn::Parse(options.retry_on, &why).has_value()) {
    return Wrong(absl::StrCat("--retry-on ", Quoted(options.retry_on), ": ", why));
  }
  const size_t comma = options.retry_delay.find(',');
  const std::optional<Duration> first = ParseDuration(options.retry_delay.substr(0, comma));
  const std::optional<Duration> most =
      comma == std::string::npos ? first : ParseDuration(options.retry_delay.substr(comma + 1));
  if (!first || !most) {
    return Wrong(absl::StrCat("--retry-delay ", Quoted(options.retry_delay),
                              " is not a duration, nor two of them: write 2s to wait so long each "
                              "time, or 100ms,10s to wait twice as long each time, up to 10s"));
  }
  if (*most < *first) {
    return Wrong(absl::StrCat("--retry-delay ", Quoted(options.retry_delay),
                              ": the longest delay comes last, as in 100ms,10s"));
  }
  spec.retry_delay = *first;
  spec.retry_delay_max = *most;
  return absl::OkStatus();
}

absl::Status AddEnvironment(const BatchOptions& options, client::BatchSpec& spec) {
  for (const std::string& variable : options.env) {
    if (variable.find('=') != std::string::npos && variable[0] != '=') {
      spec.env.push_back(variable);
      continue;
    }
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) {
      return Wrong(absl::StrCat("--env ", Quoted(variable),
                                ": there is no such variable in the environment; set it, or write "
                                "--env NAME=VALUE"));
    }
    spec.env.push_back(absl::StrCat(variable, "=", value));
  }
  return absl::OkStatus();
}

absl::Status AddReplace(const BatchOptions& options, client::BatchSpec& spec) {
  if (options.replace.size() > kNameBytesMax || !IsUtf8(options.replace)) {
    return Wrong(absl::StrCat("-I ", Quoted(options.replace), ": it is UTF-8, and at most ",
                              kNameBytesMax, " bytes"));
  }
  spec.replace = options.replace;
  return absl::OkStatus();
}

// Without COMMAND the values themselves are commands, as a person types them.
void AddCommand(const BatchOptions& options, const Words& command, client::BatchSpec& spec) {
  if (command.empty()) {
    spec.argv = {"/bin/sh", "-c", "{}"};
    spec.replace.clear();
  } else {
    spec.argv = command;
    spec.shell = options.shell;
  }
}

std::string NameOf(const BatchOptions& options, const Words& command) {
  if (!options.name.empty() || command.empty()) return options.name;
  return Printable(command[0], kTextShownBytesMax);
}

}  // namespace

absl::StatusOr<std::optional<Duration>> DurationOption(const char* option,
                                                       const std::string& text) {
  if (text.empty()) return std::optional<Duration>();
  const std::optional<Duration> duration = ParseDuration(text);
  if (duration.has_value()) return duration;
  return Wrong(
      absl::StrCat(option, " ", Quoted(text), " is not a duration: write 50ms, 1.5s, 2m or 1h"));
}

std::string NameFits(const std::string& text) {
  return text.size() <= kNameBytesMax ? "" : absl::StrCat("at most ", kNameBytesMax, " bytes");
}

void BatchOptions::AddTo(CLI::App& app) {
  app.add_option("--handler", handler,
                 "what runs a task: exec (COMMAND), sleep (each value is how long, in microseconds "
                 "or as 50ms), noop")
      ->capture_default_str()
      ->type_name(absl::StrJoin(kHandlers, "|"));
  auto* from_file = app.add_option("-a,--arg-file", file, "values: the lines of FILE, not of stdin")
                        ->check(NotEmpty)
                        ->type_name("FILE");
  auto* from_array = app.add_option("--array", array, "values: the numbers FIRST-LAST[:STEP]")
                         ->check(NotEmpty)
                         ->excludes(from_file)
                         ->type_name("RANGE");
  AddValuesTo(app, from_array);
  app.add_option("--min-workers", min_workers, "start when so many workers are ready")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  app.add_option("--start-timeout", start_timeout,
                 "after this long start with fewer workers, though with one")
      ->check(NotEmpty)
      ->type_name("DURATION");
  app.add_flag("--hold", hold, "start only on: fanmill start BATCH");
  app.add_option("--expect", expect,
                 "what a task costs, such as 50ms, or which of its values says so, such as {cost}: "
                 "a duration, or seconds; for the plan and the report")
      ->check(NotEmpty)
      ->type_name("DURATION");
  AddRetriesTo(app);
  app.add_option("--timeout", timeout,
                 "stop an attempt that takes longer; 200%: than twice the median")
      ->check(NotEmpty)
      ->type_name("DURATION");
  app.add_option("--grace", grace, "from SIGTERM to SIGKILL when a task is stopped")
      ->capture_default_str()
      ->check(NotEmpty)
      ->type_name("DURATION");
  app.add_option("--cwd", cwd, "directory the tasks run in (default: this one)")
      ->check(NotEmpty)
      ->type_name("DIR");
  app.add_option("--env", env,
                 "give the tasks this variable too: NAME as it is here, or NAME=VALUE")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag("--shell", shell,
               "COMMAND is one word that /bin/sh reads; values stand quoted in it");
  app.add_option("--name", name, "name of the batch, for people")
      ->check(NameFits)
      ->type_name("NAME");
  app.add_flag("--dry-run", dry_run, "print the tasks' commands, one on a line, and run nothing");
  app.add_option(kCommandName, command,
                 "the program and its arguments; {} becomes the task's value, {#} its number. "
                 "After ::: stand values; several ::: give every combination. Without COMMAND each "
                 "value is a shell command");
}

void BatchOptions::AddRetriesTo(CLI::App& app) {
  auto* further = app.add_option("--retries", retries, "further attempts after a failed first one")
                      ->capture_default_str()
                      ->check(CLI::Range(0u, kRetriesMax))
                      ->type_name("N");
  app.add_option("--retry-on", retry_on,
                 "which failures are worth one: exit codes such as 75,100-110, timeout, signal or "
                 "signal:9, not-started; any other is final at once")
      ->capture_default_str()
      ->check(NotEmpty)
      ->needs(further)
      ->type_name("LIST");
  app.add_option("--retry-delay", retry_delay,
                 "wait before a further attempt; with DURATION,MAX twice as long each time, up to "
                 "MAX; by chance up to half as much more")
      ->capture_default_str()
      ->check(NotEmpty)
      ->needs(further)
      ->type_name("DURATION");
}

void BatchOptions::AddValuesTo(CLI::App& app, CLI::Option* from_array) {
  auto* nul_ended = app.add_flag("-0,--null", nul, "values end in NUL, as those of find -print0")
                        ->excludes(from_array);
  auto* json = app.add_flag("--jsonl", jsonl,
                            "each line is JSON: {KEY} of an object, the elements of an array")
                   ->excludes(from_array)
                   ->excludes(nul_ended);
  auto* comma = app.add_flag("--csv", csv, "each line is a row of CSV: {1}, {2} are its columns")
                    ->excludes(from_array)
                    ->excludes(nul_ended)
                    ->excludes(json);
  auto* separated =
      app.add_option("-C,--colsep", colsep,
                     "each line is a row, with this between its columns; \\t is a tab")
          ->check(NotEmpty)
          ->excludes(from_array)
          ->excludes(nul_ended)
          ->excludes(json)
          ->type_name("TEXT");
  auto* named = app.add_flag("--header", header,
                             "the first line, or the first value after each :::, has names: {NAME}")
                    ->excludes(from_array)
                    ->excludes(json);
  app.add_option("-n,--max-args", per_task, "values for each task: {1}, {2}, or {} for all")
      ->check(CLI::Range(size_t{1}, kValuesPerTaskMax))
      ->excludes(json)
      ->excludes(comma)
      ->excludes(separated)
      ->excludes(named)
      ->type_name("N");
  app.add_option("-I,--replace", replace,
                 "what becomes the value, instead of {}; where it is not, none is added")
      ->check(NotEmpty)
      ->type_name("TEXT");
}

absl::StatusOr<client::BatchSpec> BatchOptions::ToSpec() const {
  absl::StatusOr<CommandAndLists> words = SplitValueLists(command);
  if (!words.ok()) return words.status();
  if (absl::Status is = CheckHandler(*this, words->command); !is.ok()) return is;
  client::BatchSpec spec;
  spec.handler = handler;
  spec.min_workers = min_workers;
  spec.hold = hold;
  spec.name = NameOf(*this, words->command);
  if (absl::Status durations = AddDurations(*this, spec); !durations.ok()) return durations;
  if (absl::Status again = AddRetries(*this, spec); !again.ok()) return again;
  if (absl::Status environment = AddEnvironment(*this, spec); !environment.ok()) return environment;
  if (absl::Status replaced = AddReplace(*this, spec); !replaced.ok()) return replaced;
  if (handler != "exec") return spec;
  if (absl::Status is = CheckCommand(*this, words->command); !is.ok()) return is;
  AddCommand(*this, words->command, spec);
  std::error_code error;
  spec.cwd = std::filesystem::absolute(cwd.empty() ? "." : cwd, error).lexically_normal().string();
  return spec;
}

std::optional<std::string> BatchOptions::ExpectColumn() const {
  if (!expect.starts_with('{') || !expect.ends_with('}')) return std::nullopt;
  return expect.substr(1, expect.size() - 2);
}

}  // namespace fanmill::cli
