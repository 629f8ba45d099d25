#include "controller/run/run.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/dry_run.h"
#include "controller/cli/follow.h"
#include "controller/cli/task_source.h"
#include "controller/run/embedded_cluster.h"
#include "controller/run/stopping.h"
#include "lib/client/batch_writer.h"
#include "lib/core/limits.h"
#include "lib/io/clock.h"
#include "lib/io/flags.h"
#include "lib/io/process.h"
#include "worker/guardian.h"
#include "worker/usable_cpus.h"

namespace fanmill::cli {
namespace {

constexpr char kExamples[] =
    "Each line of stdin (or of -a FILE, or each number of --array) is one task. Options end at "
    "the\n"
    "first word of COMMAND; -- before it makes that plain.\n"
    "  ls *.log | fanmill run gzip\n"
    "  find . -name '*.png' | fanmill run -j8 -- convert {} {.}.jpg\n"
    "  fanmill run --array 1-1000 --retries 2 --timeout 10m -- ./simulate --seed {}\n"
    "  fanmill run -a hosts.txt --shell 'ping -c1 {} | tail -1'\n"
    "In COMMAND: {} the value, {.} without extension, {/} its last part, {//} its folder,\n"
    "{#} the task's number, {%} the slot's. Without any of them the value is added at the end.\n"
    "\n"
    "Ctrl-C ends what runs in peace; again: kills it.";

struct RunOptions {
  BatchOptions batch;
  uint32_t slots = 1;
  std::string state;
};

// What happens to a run, for whoever waits for it.
class Events {
 public:
  enum Event { kReadOver = 1, kWorkerLeft = 2, kTrouble = 4 };

  void Tell(Event event) {
    const std::lock_guard lock(mutex_);
    happened_ |= event;
    changed_.notify_all();
  }
  bool Happened(int events) {
    const std::lock_guard lock(mutex_);
    return (happened_ & events) != 0;
  }
  void AwaitAny(int events) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, events] { return (happened_ & events) != 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int happened_ = 0;
};

// Reads and prints results while tasks are still being added.
class Reader {
 public:
  Reader(std::unique_ptr<client::Cluster> cluster, uint32_t batch, Events& events)
      : cluster_(std::move(cluster)), thread_([this, batch, &events] {
          result_ = Follow(*cluster_, batch, Print::kOutput, [] { return false; });
          events.Tell(Events::kReadOver);
        }) {}
  ~Reader() {
    if (thread_.joinable()) thread_.join();
  }
  const absl::StatusOr<Followed>& Result() {
    thread_.join();
    return result_;
  }

 private:
  std::unique_ptr<client::Cluster> cluster_;
  absl::StatusOr<Followed> result_ = absl::UnknownError("not read yet");
  std::thread thread_;
};

EmbeddedOptions EmbeddedOf(const RunOptions& options, uint64_t pid, Events& events) {
  EmbeddedOptions embedded;
  embedded.pid = pid;
  embedded.executor.spill_dir = options.state;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    embedded.executor.environment.push_back(*entry);
  }
  embedded.on_worker_left = [&events] { events.Tell(Events::kWorkerLeft); };
  return embedded;
}

// What was not begun when the worker left never will be.
void EndBatch(client::Cluster& control, uint32_t batch, Events& events) {
  events.AwaitAny(Events::kReadOver | Events::kWorkerLeft);
  std::vector<client::MemberStatus> workers;
  while (!events.Happened(Events::kReadOver) && control.Cancel(batch, &workers).ok()) {
    WaitFor(Millis(10));
  }
}

int CodeOf(const absl::StatusOr<Followed>& followed, const absl::Status& sent, int signal,
           uint32_t batch) {
  if (!followed.ok()) return Complain(followed.status());
  if (followed->reader_gone) return kExitSignalBase + SIGPIPE;
  if (!sent.ok() && !absl::IsCancelled(sent)) return Complain(sent);
  const int code = Conclude(batch, *followed);
  return code == kExitCancelled && signal != 0 ? kExitSignalBase + signal : code;
}

int RunInside(const RunOptions& options, SlotTable& table, int signals_fd, uint64_t pid) {
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_level(spdlog::level::err);
  absl::StatusOr<client::BatchSpec> spec = options.batch.ToSpec();
  if (!spec.ok()) return Complain(spec.status());
  absl::StatusOr<TaskSource> source = TaskSource::Open(options.batch, *spec);
  if (!source.ok()) return Complain(source.status());
  if (options.batch.dry_run) return DryRun(*source, *spec);
  Events events;
  auto own = EmbeddedCluster::Start(EmbeddedOf(options, pid, events), table);
  if (!own.ok()) return Complain(own.status());
  EmbeddedCluster& cluster = **own;
  const Stopping stopping(signals_fd, {.drain = [&cluster] { cluster.StopWorker(); },
                                       .kill = [&cluster] { cluster.StopWorker(); },
                                       .running = [&cluster] { return cluster.running(); }});
  client::Options for_clients = cluster.ForClients();
  auto control = client::Cluster::Connect(for_clients);
  if (!control.ok()) return Complain(control.status());
  for_clients.only_reader = true;
  auto reading = client::Cluster::Connect(for_clients);
  if (!reading.ok()) return Complain(reading.status());
  for_clients.interrupted = [&stopping, &events] {
    return stopping.signal() != 0 || events.Happened(Events::kReadOver | Events::kTrouble);
  };
  auto adding = client::Cluster::Connect(for_clients);
  if (!adding.ok()) return Complain(adding.status());
  auto writer = client::BatchWriter::Open(**adding, *spec);
  if (!writer.ok()) return Complain(writer.status());
  const uint32_t batch = (*writer)->batch();
  Reader reader(*std::move(reading), batch, events);
  absl::Status sent = source->AddTo(**writer, for_clients.interrupted);
  if (sent.ok()) sent = (*writer)->Seal();
  if (!sent.ok() && stopping.signal() == 0 && !events.Happened(Events::kReadOver)) {
    cluster.StopWorker();
  }
  EndBatch(**control, batch, events);
  const int code = CodeOf(reader.Result(), sent, stopping.signal(), batch);
  return code;
}

int Run(const RunOptions& options) {
  SlotTable table(options.slots);
  const auto pid = static_cast<uint64_t>(getpid());
  return RunGuarded([&](int signals_fd) { return RunInside(options, table, signals_fd, pid); }, {});
}

}  // namespace

void AddRun(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<RunOptions>();
  options->slots = static_cast<uint32_t>(UsableCpus());
  options->state = "/var/tmp";
  CLI::App* run =
      app.add_subcommand("run", "Run a batch of tasks on this machine, and print their outputs.");
  run->footer(kExamples);
  run->add_option("-j,-P,--slots", options->slots,
                  "tasks at a time; without it one for each usable CPU")
      ->check(CLI::Range(1u, kSlotsPerWorkerMax))
      ->type_name("N");
  options->batch.AddTo(*run);
  run->callback([&line, options] {
    line.chosen = [&line, options] {
      options->batch.command = line.command;
      return Run(*options);
    };
  });
}

}  // namespace fanmill::cli
