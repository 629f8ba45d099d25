// What every executable of the cluster has on its command line and in its environment, and what it
// does with it before anything else: logging, the key, the sockets, complaints.
#ifndef FANMILL_LIB_IO_FLAGS_H_
#define FANMILL_LIB_IO_FLAGS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/io/sockets.h"

namespace fanmill {

inline constexpr int kUsageExitCode = 2;
inline constexpr int kUnableExitCode = 5;
inline constexpr uint16_t kControlPort = 21000;

struct CommonFlags {
  std::string program;                         // "fanmill-sink"
  std::string controller = "127.0.0.1:21000";  // all but the controller
  std::string log_level = "info";
  std::string key_file;
  bool insecure_network = false;
  bool trace_messages = false;
};

// The parser's words where they are clear, and our own where they are not.
std::string Explained(const CLI::ParseError& error);
// From now on --flag=VALUE is refused, in all subcommands too: most of what people mean by it would
// be taken for yes. To be called when all options are there.
void RefuseValuesOfFlags(CLI::App& app);

// The option takes one of these words: whoever gives another, and whoever asks for help, is told
// so.
CLI::Option* OneOf(CLI::Option* option, const std::vector<std::string>& words);

// A check of options: no empty text, which most often is a variable of the shell that is not set.
std::string NotEmpty(const std::string& text);

// Reads how many bytes: 100000000, 64M or 2G (steps of 1024), no fewer and no more than these.
CLI::Validator Bytes(uint64_t least, uint64_t most);

// --log-level, --key, --insecure-network, --trace-messages, --version, --man-page.
void AddCommonFlags(CLI::App& app, CommonFlags& flags);
void AddControllerFlag(CLI::App& app, CommonFlags& flags);

// An exit code when there is nothing left to do: help was asked for, or the usage is wrong.
std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv);

// From now on spdlog writes one key=value line for each event to stderr. Repeated it does nothing.
void StartLogging(const CommonFlags& flags);

// Loads the key, if one was named.
absl::StatusOr<std::unique_ptr<Sockets>> OpenSockets(const CommonFlags& flags);

// "fanmill-sink: MESSAGE" on stderr; returns the exit code that belongs to the status.
int Complain(const CommonFlags& flags, const absl::Status& status);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_FLAGS_H_
