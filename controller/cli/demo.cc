// fanmill demo: the Guide's batch on a cluster of its own, from nothing to the timing report and to
// the end by the kill signal. The main job of ./run.
#include <string>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/demo_cluster.h"
#include "controller/cli/follow.h"
#include "controller/cli/stdout.h"
#include "lib/client/batch_writer.h"
#include "lib/core/random.h"

namespace fanmill::cli {
namespace {

constexpr int kWorkers = 2;
constexpr uint32_t kSlots = 2;
constexpr int kTasks = 100;
constexpr uint64_t kLongestMillis = 100;
constexpr uint64_t kSeed = 1;  // the same tasks each time
constexpr char kShutdownPatience[] = "10s";

// A status that may have several lines of a log in it.
int Fail(const absl::Status& status) {
  if (SignalSeen() != 0) {
    Say("interrupted: ending the cluster");
    return kExitSignalBase + SignalSeen();
  }
  Say(std::string(status.message()));
  return kExitUnable;
}

// The Guide's: each task sleeps between 1 and 100 ms, drawn at random, and its cost is declared.
absl::StatusOr<uint32_t> SubmitGuidesBatch(client::Cluster& cluster) {
  client::BatchSpec spec;
  spec.handler = "sleep";
  spec.name = "the Guide's batch";
  spec.min_workers = kWorkers;
  auto writer = client::BatchWriter::Open(cluster, spec);
  if (!writer.ok()) return writer.status();
  Random random(kSeed);
  for (int i = 0; i < kTasks; ++i) {
    const Duration cost = Millis(static_cast<int64_t>(random.Uniform(kLongestMillis) + 1));
    absl::Status added = (*writer)->Add(absl::StrCat(cost.count()), cost);
    if (!added.ok()) return added;
  }
  if (absl::Status sealed = (*writer)->Seal(); !sealed.ok()) return sealed;
  return (*writer)->batch();
}

// Returns the exit code once the batch has ended and its report was printed.
int RunBatch(DemoCluster& demo, client::Cluster& cluster) {
  absl::StatusOr<uint32_t> batch = SubmitGuidesBatch(cluster);
  if (!batch.ok()) return Fail(batch.status());
  absl::Status health;
  const auto stop = [&demo, &health] { return !(health = demo.Check()).ok(); };
  Output nothing;
  absl::StatusOr<Followed> followed = Follow(cluster, *batch, nothing, {.stop = stop});
  if (!health.ok()) return Fail(health);
  if (!followed.ok()) return Fail(followed.status());
  if (!followed->ended) return Fail(absl::CancelledError("the batch did not end"));
  absl::StatusOr<client::Report> report = AwaitReport(cluster, *batch, true);
  if (!report.ok()) return Fail(report.status());
  const int printed = PrintOut(report->text);
  return printed == kExitOk ? Conclude(*batch, *followed) : printed;
}

int Demo() {
  WatchSignals();
  DemoCluster demo;
  Say(absl::StrCat("starting a cluster on this machine: controller, ventilator, sink, and ",
                   kWorkers, " workers with ", kSlots, " slots each"));
  if (absl::Status started = demo.Start(kWorkers, kSlots); !started.ok()) return Fail(started);
  const ClusterOptions options{demo.controller(), ""};
  auto cluster = Connect(options);
  if (!cluster.ok()) return Fail(cluster.status());
  Say(absl::StrCat("it is ready, its controller at ", demo.controller(),
                   "; running the batch of the ZeroMQ Guide: ", kTasks,
                   " tasks that sleep from 1 to ", kLongestMillis, " ms"));
  const int ran = RunBatch(demo, **cluster);
  if (SignalSeen() != 0 || ran == kExitUnable) return ran;
  Say("ending the cluster by the kill signal:");
  const int shut = ShutDown(options, true, kShutdownPatience);
  absl::Status left = demo.AwaitLeaving();
  if (!left.ok()) return Fail(left);
  if (shut == kExitOk) Say("no process is left, and no file");
  return ran == kExitOk ? shut : ran;
}

}  // namespace

void AddDemo(CLI::App& app, CommandLine& line) {
  CLI::App* demo =
      app.add_subcommand("demo", "Start a cluster, run a batch, print its report, end it all.");
  demo->footer(
      "Starts the real executables on this machine, with free ports and a temporary folder, runs\n"
      "the batch of the ZeroMQ Guide (100 tasks that sleep 1 to 100 ms) through them, prints "
      "where\n"
      "the time went, and ends them by the kill signal. Nothing of it stays.\n"
      "  fanmill demo");
  demo->callback([&line] { line.chosen = [] { return Demo(); }; });
}

}  // namespace fanmill::cli
