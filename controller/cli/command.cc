#include "controller/cli/command.h"

#include <csignal>
#include <cstdio>

namespace fanmill::cli {
namespace {

volatile std::sig_atomic_t signal_seen = 0;

void OnSignal(int number) { signal_seen = number; }

}  // namespace

absl::StatusOr<std::unique_ptr<client::Cluster>> Connect(const ClusterOptions& options) {
  client::Options client;
  client.controller = options.controller;
  client.key_file = options.key;
  return client::Cluster::Connect(client);
}

void Say(const std::string& line) { std::fprintf(stderr, "fanmill: %s\n", line.c_str()); }

int Complain(const absl::Status& status) {
  Say(std::string(status.message()));
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      return kExitUsage;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitTimedOut;
    default:
      return kExitUnable;
  }
}

void WatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int SignalSeen() { return signal_seen; }

}  // namespace fanmill::cli
