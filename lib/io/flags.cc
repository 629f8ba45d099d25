#include "lib/io/flags.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <mutex>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/core/printable.h"
#include "lib/io/man_page.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

constexpr size_t kMessageBytesMax = 2000;
constexpr size_t kWordShownBytesMax = 60;
constexpr std::string_view kUnits = "KMGT";

std::optional<uint64_t> ParseBytes(std::string text) {
  int shift = 0;
  if (!text.empty()) {
    const size_t unit = kUnits.find(absl::ascii_toupper(static_cast<unsigned char>(text.back())));
    if (unit != kUnits.npos) {
      shift = 10 * static_cast<int>(unit + 1);
      text.pop_back();
    }
  }
  uint64_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count > (UINT64_MAX >> shift)) return std::nullopt;
  return count << shift;
}

// In the largest unit that is exact.
std::string BytesText(uint64_t bytes) {
  for (size_t unit = kUnits.size(); unit > 0 && bytes > 0; --unit) {
    const uint64_t each = uint64_t{1} << (10 * unit);
    if (bytes % each == 0) return absl::StrCat(bytes / each, std::string(1, kUnits[unit - 1]));
  }
  return absl::StrCat(bytes);
}

}  // namespace

CLI::Validator Bytes(uint64_t least, uint64_t most) {
  const auto read = [least, most](std::string& text) {
    const std::optional<uint64_t> bytes = ParseBytes(text);
    if (!bytes.has_value() || *bytes < least || *bytes > most) {
      return absl::StrCat(
          "'", Printable(text, kWordShownBytesMax),
          "' is not how many bytes: write a number, or one with K, M, G or T, from ",
          BytesText(least), " to ", BytesText(most));
    }
    text = absl::StrCat(*bytes);
    return std::string();
  };
  return CLI::Validator(read, "");
}

std::string Explained(const CLI::ParseError& error) {
  const std::string said = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    if (absl::EndsWith(said, " missing")) {
      return absl::StrCat(said.substr(0, said.find(':')), " needs a value");
    }
    if (absl::StrContains(said, "At Most 1 required")) {
      return absl::StrCat(said.substr(0, said.find(':')), " is given more than once");
    }
    if (absl::EndsWith(said, " flag override")) {
      const std::string name = said.substr(0, said.find(' '));  // without its dashes
      return absl::StrCat(name.size() == 1 ? "-" : "--", name, " takes no value");
    }
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string extra = said.substr(said.find(": ") + 2);
    return extra.starts_with("-") ? absl::StrCat("there is no option ", extra)
                                  : absl::StrCat("too many words: ", extra);
  }
  return said;
}

void RefuseValuesOfFlags(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() == 0) option->disable_flag_override();
  }
  for (CLI::App* subcommand : app.get_subcommands({})) RefuseValuesOfFlags(*subcommand);
}

CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& words) {
  return option->check(CLI::IsMember(words).description(""))->type_name(absl::StrJoin(words, "|"));
}

std::string NotEmpty(const std::string& text) {
  return text.empty() ? "it is empty: is a shell variable in it unset?" : "";
}

void AddCommonFlags(CLI::App& app, CommonFlags& flags) {
  OneOf(app.add_option("--log-level", flags.log_level, "how much to log to stderr"),
        {"trace", "debug", "info", "warn", "error", "off"})
      ->envname("FANMILL_LOG")
      ->capture_default_str();
  app.add_option(
         "--key", flags.key_file,
         "the cluster's key file (fanmill keygen makes one): encrypts everything and admits "
         "only who has it")
      ->envname("FANMILL_KEY")
      ->check(NotEmpty)
      ->type_name("FILE");
  app.add_flag(
      "--insecure-network", flags.insecure_network,
      "without a key, use addresses that others can reach: whoever does can run code here");
  app.add_flag("--trace-messages", flags.trace_messages,
               "print every message with the pair of sockets it crosses, to watch the ring turn; "
               "the wire counts tasks from 0");
  app.set_version_flag("--version", absl::StrCat(flags.program, " ", Version()));
  AddManPageFlag(app);
}

void AddControllerFlag(CLI::App& app, CommonFlags& flags) {
  app.add_option("--controller", flags.controller,
                 "where the controller listens: HOST[:PORT], [IPV6]:PORT or ipc:///PATH")
      ->envname("FANMILL_CONTROLLER")
      ->capture_default_str()
      ->check(NotEmpty)
      ->type_name("ADDRESS");
}

std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv) {
  RefuseValuesOfFlags(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help and --version
    std::fprintf(stderr, "%s: %s; %s --help tells what there is\n", app.get_name().c_str(),
                 Printable(Explained(error), kMessageBytesMax).c_str(), app.get_name().c_str());
    return kUsageExitCode;
  }
  return std::nullopt;
}

void StartLogging(const CommonFlags& flags) {
  static std::mutex one_at_a_time;  // spdlog throws when somebody makes the same one meanwhile
  const std::lock_guard lock(one_at_a_time);
  if (spdlog::get(flags.program) != nullptr) return;
  spdlog::set_default_logger(spdlog::stderr_logger_mt(flags.program));
  spdlog::set_pattern("time=%Y-%m-%dT%H:%M:%S.%f%z level=%l program=%n pid=%P %v");
  spdlog::set_level(spdlog::level::from_str(flags.log_level));
}

absl::StatusOr<std::unique_ptr<Sockets>> OpenSockets(const CommonFlags& flags) {
  SocketsOptions options;
  options.insecure_network = flags.insecure_network;
  if (!flags.key_file.empty()) {
    absl::StatusOr<KeyPair> key = LoadKeyFile(flags.key_file);
    if (!key.ok()) return key.status();
    options.key = *std::move(key);
  }
  return Sockets::Open(std::move(options));
}

int Complain(const CommonFlags& flags, const absl::Status& status) {
  std::fprintf(stderr, "%s: %s\n", flags.program.c_str(), std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? kUsageExitCode : kUnableExitCode;
}

}  // namespace fanmill
