#include "controller/cli/batch_options.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "controller/cli/command_words.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"
#include "lib/core/printable.h"
#include "lib/io/flags.h"

namespace fanmill::cli {
namespace {

const char* const kHandlers[] = {"exec", "sleep", "noop"};
constexpr size_t kTextShownBytesMax = 60;

absl::Status Wrong(const std::string& sentence) { return absl::InvalidArgumentError(sentence); }

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", Printable(text, kTextShownBytesMax), "'");
}

absl::Status CheckHandler(const BatchOptions& options) {
  const bool known =
      std::find(std::begin(kHandlers), std::end(kHandlers), options.handler) != std::end(kHandlers);
  if (!known) {
    return Wrong(absl::StrCat("--handler ", Quoted(options.handler),
                              " is not known: exec runs COMMAND, sleep sleeps for each value, "
                              "noop does nothing"));
  }
  if (options.handler != "exec" && !options.command.empty()) {
    return Wrong(absl::StrCat("--handler ", options.handler, " takes no COMMAND: leave away ",
                              Quoted(options.command[0])));
  }
  return absl::OkStatus();
}

absl::Status CheckCommand(const BatchOptions& options) {
  const std::vector<std::string>& command = options.command;
  if (command.empty()) {
    return Wrong("COMMAND is missing, for example: seq 10 | fanmill submit --wait -- echo {}");
  }
  if (command[0].empty()) {
    return Wrong("COMMAND begins with an empty word: is a shell variable in it unset?");
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

absl::Status AddDurations(const BatchOptions& options, client::BatchSpec& spec) {
  std::optional<Duration> grace;
  const struct {
    const char* option;
    const std::string& text;
    std::optional<Duration>& to;
    bool positive = false;
  } all[] = {{"--timeout", options.timeout, spec.timeout, true},
             {"--start-timeout", options.start_timeout, spec.start_timeout, true},
             {"--expect", options.expect, spec.expected},
             {"--grace", options.grace, grace}};
  for (const auto& each : all) {
    absl::StatusOr<std::optional<Duration>> duration = DurationOption(each.option, each.text);
    if (!duration.ok()) return duration.status();
    if (each.positive && *duration == Duration{0}) {
      return Wrong(absl::StrCat(each.option, " ", Quoted(each.text),
                                " is no time at all: leave it away for no limit"));
    }
    each.to = *duration;
  }
  spec.grace = grace.value_or(spec.grace);
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

std::string NameOf(const BatchOptions& options) {
  if (!options.name.empty() || options.command.empty()) return options.name;
  return options.command[0].substr(0, kTextShownBytesMax);
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
      ->capture_default_str();
  auto* from_file = app.add_option("-a,--arg-file", file, "values: the lines of FILE, not of stdin")
                        ->check(NotEmpty);
  app.add_option("--array", array, "values: the numbers FIRST-LAST[:STEP]")
      ->check(NotEmpty)
      ->excludes(from_file);
  app.add_option("--min-workers", min_workers, "start when so many workers are ready")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  app.add_option("--start-timeout", start_timeout,
                 "after this long start with fewer workers, though with one")
      ->check(NotEmpty)
      ->type_name("DURATION");
  app.add_flag("--hold", hold, "start only on: fanmill start BATCH");
  app.add_option("--expect", expect, "what a task costs, such as 50ms: for the plan and the report")
      ->check(NotEmpty)
      ->type_name("DURATION");
  app.add_option("--retries", retries, "further attempts after a failed first one")
      ->capture_default_str()
      ->check(CLI::Range(0u, kRetriesMax))
      ->type_name("N");
  app.add_option("--timeout", timeout, "stop an attempt that takes longer")
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
  app.add_option("--name", name, "name of the batch, for people")->check(NameFits);
  app.add_option(kCommandName, command,
                 "the program and its arguments; {} becomes the task's value, {#} its number");
}

absl::StatusOr<client::BatchSpec> BatchOptions::ToSpec() const {
  if (absl::Status handler_is = CheckHandler(*this); !handler_is.ok()) return handler_is;
  client::BatchSpec spec;
  spec.handler = handler;
  spec.argv = command;
  spec.shell = shell;
  spec.retries = retries;
  spec.min_workers = min_workers;
  spec.hold = hold;
  spec.name = NameOf(*this);
  if (absl::Status durations = AddDurations(*this, spec); !durations.ok()) return durations;
  if (absl::Status environment = AddEnvironment(*this, spec); !environment.ok()) return environment;
  if (handler != "exec") return spec;
  if (absl::Status command_is = CheckCommand(*this); !command_is.ok()) return command_is;
  std::error_code error;
  spec.cwd = std::filesystem::absolute(cwd.empty() ? "." : cwd, error).lexically_normal().string();
  return spec;
}

}  // namespace fanmill::cli
