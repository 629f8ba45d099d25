// What every subcommand of `fanmill` is made of: its options registered on the command line, and a
// function that runs it and returns the exit code.
#ifndef FANMILL_CONTROLLER_CLI_COMMAND_H_
#define FANMILL_CONTROLLER_CLI_COMMAND_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/cli/exit_code.h"
#include "lib/client/cluster.h"

namespace fanmill::cli {

// Options of every command that talks to a cluster.
struct ClusterOptions {
  std::string controller = "127.0.0.1:21000";
  std::string key;
};

using Action = std::function<int()>;

// Registers the subcommand; `chosen` is set to its action when it is the one that was typed.
void AddSubmit(CLI::App& app, const ClusterOptions& cluster, Action& chosen);
void AddInspect(CLI::App& app, const ClusterOptions& cluster, Action& chosen);  // list, status, ...
void AddSteer(CLI::App& app, const ClusterOptions& cluster, Action& chosen);    // start, cancel, ...
void AddKeygen(CLI::App& app, Action& chosen);
void AddDemo(CLI::App& app, Action& chosen);

absl::StatusOr<std::unique_ptr<client::Cluster>> Connect(const ClusterOptions& options);

// Prints "fanmill: MESSAGE" to stderr and returns the code that belongs to the status.
int ShutDown(const ClusterOptions& options, bool now, const std::string& timeout);

int Complain(const absl::Status& status);
void Say(const std::string& line);  // "fanmill: LINE" to stderr

// SIGINT, SIGTERM and SIGHUP since WatchSignals: the last one's number, 0 for none.
void WatchSignals();
int SignalSeen();

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_COMMAND_H_
