#include "controller/cli/command.h"

#include <atomic>
#include <csignal>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "controller/cli/progress.h"
#include "lib/core/printable.h"
#include "lib/io/flags.h"

namespace fanmill::cli {
namespace {

constexpr size_t kMessageBytesMax = 2000;
constexpr size_t kWordShownBytesMax = 60;

// Written by a signal handler and read by every thread.
std::atomic<int> signal_seen{0};
static_assert(std::atomic<int>::is_always_lock_free);

void OnStopSignal(int number) { signal_seen = number; }

std::string WhyNoBatchNumber(const std::string& text) {
  uint32_t number = 0;
  if (absl::SimpleAtoi(text, &number) && number > 0) return "";
  return absl::StrCat("'", Printable(text, kWordShownBytesMax),
                      "' is not the number of a batch; fanmill list shows those there are");
}

}  // namespace

CLI::Option* AddBatchNumber(CLI::App& command, uint32_t& batch) {
  return command.add_option("BATCH", batch, "its number, as submit printed it and list shows it")
      ->check(WhyNoBatchNumber)
      ->type_name("");
}

CLI::Option* AddBatchNumbers(CLI::App& command, std::vector<uint32_t>& batches) {
  return command.add_option("BATCH", batches, "their numbers, as list shows them")
      ->check(WhyNoBatchNumber)
      ->type_name("");
}

void AddTimeout(CLI::App& command, std::string& timeout, const std::string& what) {
  command.add_option("--timeout", timeout, what)->check(NotEmpty)->type_name("DURATION");
}

absl::StatusOr<std::unique_ptr<client::Cluster>> Connect(const ClusterOptions& options,
                                                         OnSignal on_signal) {
  client::Options client;
  client.controller = options.controller;
  client.key_file = options.key;
  client.insecure_network = options.insecure_network;
  if (on_signal == OnSignal::kStopWaiting) client.interrupted = [] { return SignalSeen() != 0; };
  return client::Cluster::Connect(client);
}

void Say(const std::string& line) {
  const auto above = AboveProgress();
  std::fprintf(stderr, "fanmill: %s\n", line.c_str());
}

int Complain(const absl::Status& status) {
  if (status.code() == absl::StatusCode::kCancelled && SignalSeen() != 0) {
    return kExitSignalBase + SignalSeen();
  }
  Say(Printable(std::string(status.message()), kMessageBytesMax));
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
      return kExitUsage;
    case absl::StatusCode::kAborted:
      return kExitSignalBase + SIGPIPE;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitTimedOut;
    default:
      return kExitUnable;
  }
}

void WatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);  // nohup stays nohup
  }
  std::signal(SIGPIPE, SIG_IGN);
}

int SignalSeen() { return signal_seen; }

}  // namespace fanmill::cli
