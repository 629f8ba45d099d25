// fanmill submit: streams tasks to a cluster, and with --wait their outputs back.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/command.h"
#include "controller/cli/follow.h"
#include "lib/client/batch_writer.h"
#include "lib/core/duration_text.h"

namespace fanmill::cli {
namespace {

struct SubmitOptions {
  BatchOptions batch;
  bool wait = false;
};

// The declared cost of a task of the sleep handler is its value.
absl::StatusOr<std::optional<Duration>> CostOf(const client::BatchSpec& spec,
                                               const std::string& value, uint64_t number) {
  if (spec.handler != "sleep") return std::optional<Duration>();
  const std::optional<Duration> cost = ParseDuration(value);
  if (cost.has_value()) return cost;
  return absl::InvalidArgumentError(absl::StrCat(
      "task ", number, ": '", value.substr(0, 40),
      "' is not a duration, and --handler sleep needs one: write 50ms, 1.5s, 2m or 1h"));
}

absl::Status AddLines(std::istream& lines, const client::BatchSpec& spec,
                      client::BatchWriter& writer) {
  std::string line;
  while (SignalSeen() == 0 && std::getline(lines, line)) {
    auto cost = CostOf(spec, line, writer.added() + 1);
    if (!cost.ok()) return cost.status();
    if (absl::Status added = writer.Add(line, *cost); !added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status AddTasks(const BatchOptions& options, const client::BatchSpec& spec,
                      client::BatchWriter& writer) {
  if (!options.array.empty()) {
    absl::StatusOr<ArrayRange> range = ParseArray(options.array);
    if (!range.ok()) return range.status();
    return writer.AddRange(range->first, range->step, range->count);
  }
  if (options.file.empty()) return AddLines(std::cin, spec, writer);
  std::ifstream file(options.file);
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read ", options.file, ": ", std::strerror(errno)));
  }
  return AddLines(file, spec, writer);
}

// What is wrong before anything was sent.
absl::Status CheckInput(const BatchOptions& options) {
  if (!options.array.empty()) return ParseArray(options.array).status();
  if (options.file.empty()) return absl::OkStatus();
  std::error_code error;
  const bool directory = std::filesystem::is_directory(options.file, error);
  if (!directory && std::ifstream(options.file).is_open()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "cannot read ", options.file, ": ", directory ? "it is a directory" : std::strerror(errno)));
}

// A second connection, since results are read while tasks are still being sent.
class Follower {
 public:
  Follower(std::unique_ptr<client::Cluster> cluster, uint32_t batch)
      : cluster_(std::move(cluster)), thread_([this, batch] {
          result_ = Follow(*cluster_, batch, Print::kOutput,
                           [this] { return stop_ || SignalSeen() != 0; });
        }) {}
  ~Follower() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  const absl::StatusOr<Followed>& Join() {
    thread_.join();
    return result_;
  }

 private:
  std::unique_ptr<client::Cluster> cluster_;
  std::atomic<bool> stop_{false};
  absl::StatusOr<Followed> result_ = absl::UnknownError("not followed yet");
  std::thread thread_;
};

int Detached(uint32_t batch) {
  Say(absl::StrCat("detached; batch ", batch, " goes on. To wait for it: fanmill wait ", batch,
                   "; its output: fanmill results ", batch, "; to stop it: fanmill cancel ",
                   batch));
  return kExitSignalBase + SignalSeen();
}

int AwaitEnd(uint32_t batch, Follower& follower) {
  const absl::StatusOr<Followed>& followed = follower.Join();
  if (!followed.ok()) return Complain(followed.status());
  if (!followed->ended) return Detached(batch);
  return Conclude(batch, *followed);
}

// A batch whose submitter failed half-way must not look whole.
int Abandon(const ClusterOptions& options, uint32_t batch, const absl::Status& why) {
  const int code = Complain(why);
  absl::StatusOr<std::unique_ptr<client::Cluster>> cluster = Connect(options);
  if (cluster.ok() && (*cluster)->Cancel(batch).ok()) {
    Say(absl::StrCat("batch ", batch, " was cancelled, since not all its tasks could be sent"));
  } else {
    Say(absl::StrCat("batch ", batch, " is incomplete: fanmill cancel ", batch));
  }
  return code;
}

int Submit(const ClusterOptions& options, const SubmitOptions& submit) {
  absl::StatusOr<client::BatchSpec> spec = submit.batch.ToSpec();
  if (!spec.ok()) return Complain(spec.status());
  if (absl::Status input = CheckInput(submit.batch); !input.ok()) return Complain(input);
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  auto writer = client::BatchWriter::Open(**cluster, *spec);
  if (!writer.ok()) return Complain(writer.status());
  const uint32_t batch = (*writer)->batch();
  std::optional<Follower> follower;
  if (submit.wait) {
    auto second = Connect(options);
    if (!second.ok()) return Abandon(options, batch, second.status());
    follower.emplace(*std::move(second), batch);
  }
  if (absl::Status added = AddTasks(submit.batch, *spec, **writer); !added.ok()) {
    return Abandon(options, batch, added);
  }
  if (absl::Status sealed = (*writer)->Seal(); !sealed.ok()) {
    return Abandon(options, batch, sealed);
  }
  if (!submit.wait) {
    std::printf("%u\n", batch);
    return kExitOk;
  }
  return AwaitEnd(batch, *follower);
}

}  // namespace

void AddSubmit(CLI::App& app, const ClusterOptions& cluster, Action& chosen) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* submit = app.add_subcommand(
      "submit",
      "Send a batch of tasks to a cluster and print its id; with --wait, its outputs.\n"
      "Each line of stdin (or of -a FILE, or each number of --array) is one task.\n"
      "  seq 100 | fanmill submit --wait -- sh -c 'echo got $1' sh {}\n"
      "  fanmill submit --array 1-1000 --retries 2 -- ./simulate --seed {}");
  options->batch.AddTo(*submit);
  submit->add_flag("--wait", options->wait, "stay, and print the tasks' outputs as they come");
  submit->callback([&chosen, &cluster, options] {
    chosen = [&cluster, options] { return Submit(cluster, *options); };
  });
}

}  // namespace fanmill::cli
