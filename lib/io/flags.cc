#include "lib/io/flags.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/io/process.h"

namespace fanmill {

void AddCommonFlags(CLI::App& app, CommonFlags& flags) {
  app.add_option("--log-level", flags.log_level, "how much to log to stderr")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->envname("FANMILL_LOG")
      ->capture_default_str();
  app.add_option(
         "--key", flags.key_file,
         "the cluster's key file (fanmill keygen makes one): encrypts everything and admits "
         "only who has it")
      ->envname("FANMILL_KEY");
  app.add_flag(
      "--insecure-network", flags.insecure_network,
      "without a key, use addresses that others can reach: whoever does can run code here");
  app.add_flag("--trace-messages", flags.trace_messages,
               "print every message with the pair of sockets it crosses, to watch the ring turn");
  app.set_version_flag("--version", absl::StrCat(flags.program, " ", Version()));
}

void AddControllerFlag(CLI::App& app, CommonFlags& flags) {
  app.add_option("--controller", flags.controller,
                 "where the controller listens: HOST[:PORT], [IPV6]:PORT or ipc:///PATH")
      ->envname("FANMILL_CONTROLLER")
      ->capture_default_str();
}

std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv) {
  app.failure_message([](const CLI::App* of, const CLI::Error& error) {
    return absl::StrCat(of->get_name(), ": ", error.what(), "; ", of->get_name(),
                        " --help tells what there is\n");
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageExitCode;
  }
  return std::nullopt;
}

void StartLogging(const CommonFlags& flags) {
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
  const bool usage = status.code() == absl::StatusCode::kInvalidArgument ||
                     status.code() == absl::StatusCode::kFailedPrecondition;
  return usage ? kUsageExitCode : kUnableExitCode;
}

}  // namespace fanmill
