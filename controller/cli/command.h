// What every subcommand of `fanmill` is made of: its options registered on the command line, and a
// function that runs it and returns the exit code.
#ifndef FANMILL_CONTROLLER_CLI_COMMAND_H_
#define FANMILL_CONTROLLER_CLI_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/cli/exit_code.h"
#include "lib/client/cluster.h"

namespace fanmill::cli {

// Options of every command that talks to a cluster.
struct ClusterOptions {
  std::string controller = "127.0.0.1:21000";
  std::string key;
  bool insecure_network = false;
};

// What was typed.
struct CommandLine {
  ClusterOptions cluster;
  bool controller_named = false;     // by --controller itself, not by the environment
  std::vector<std::string> command;  // the words of a person's own COMMAND
  std::function<int()> chosen;       // runs the subcommand and returns the exit code
};

// Each registers its subcommands; the one that is typed sets `line.chosen`.
void AddSubmit(CLI::App& app, CommandLine& line);
void AddInspect(CLI::App& app, CommandLine& line);  // list, status, wait, results, report
void AddSteer(CLI::App& app, CommandLine& line);    // start, cancel, shutdown
void AddPrune(CLI::App& app, CommandLine& line);
void AddKeygen(CLI::App& app, CommandLine& line);
void AddVerify(CLI::App& app, CommandLine& line);
void AddDemo(CLI::App& app, CommandLine& line);

// The positional BATCH: the number of one.
CLI::Option* AddBatchNumber(CLI::App& command, uint32_t& batch);
CLI::Option* AddBatchNumbers(CLI::App& command, std::vector<uint32_t>& batches);
// --timeout, a duration.
void AddTimeout(CLI::App& command, std::string& timeout, const std::string& what);

// What a stop signal does to calls that wait for the cluster.
enum class OnSignal { kStopWaiting, kGoOn };
absl::StatusOr<std::unique_ptr<client::Cluster>> Connect(
    const ClusterOptions& options, OnSignal on_signal = OnSignal::kStopWaiting);

// Asks for the shutdown until all have left, and shows the receipts. `timeout` empty: no limit.
int ShutDown(const ClusterOptions& options, bool now, const std::string& timeout);

void Say(const std::string& line);  // "fanmill: LINE" to stderr
// Says the status's message and returns the code that belongs to it.
int Complain(const absl::Status& status);

// SIGINT, SIGTERM and SIGHUP since WatchSignals: the last one's number, 0 for none.
void WatchSignals();
int SignalSeen();

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_COMMAND_H_
