// fanmill submit: streams tasks to a cluster, and with --wait their outputs back.
#include "controller/cli/submit.h"

#include <csignal>
#include <optional>

#include "absl/strings/str_cat.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/command.h"
#include "controller/cli/dry_run.h"
#include "controller/cli/following.h"
#include "controller/cli/output/output.h"
#include "controller/cli/output/task_values.h"
#include "controller/cli/stdout.h"
#include "controller/cli/task_source.h"
#include "lib/client/batch_writer.h"
#include "lib/core/names.h"

namespace fanmill::cli {
namespace {

constexpr char kExamples[] =
    "Each line of stdin (or of -a FILE, or each number of --array, or each word after :::) is one\n"
    "task. Options end at the first word of COMMAND; -- before it makes that plain.\n"
    "  seq 100 | fanmill submit --wait -- echo task {}\n"
    "  find . -name '*.png' -print0 | fanmill submit -0 -- convert {} {.}.jpg\n"
    "  fanmill submit --array 1-1000 --retries 2 --timeout 10m -- ./simulate {}\n"
    "  fanmill submit -a hosts.txt --shell --wait -- 'ping -c1 {} | tail -1'\n"
    "  fanmill submit --csv --header -a runs.csv --expect {cost} -- ./job {name}\n"
    "  fanmill submit --wait echo {1}-{2} ::: a b c ::: 1 2\n"
    "  batch=$(fanmill submit --hold --min-workers 4 -a jobs.txt -- ./job {})  # later:\n"
    "  fanmill start $batch; fanmill wait $batch; fanmill report $batch\n"
    "In COMMAND: {} the value, {.} without extension, {/} its last part, {//} its folder,\n"
    "{/.} its last part without extension, {#} the task's number, {%} the slot's; of several\n"
    "values {2} the second, {NAME} one of --header or --jsonl, both also as {2.} and so on, and "
    "{}\n"
    "all of them. Without any of these the values are added at the end. A line may end in CR LF.";

struct SubmitOptions {
  BatchOptions batch;
  OutputOptions output;
  bool wait = false;
};

int Detached(uint32_t batch, int signal) {
  Say(absl::StrCat("detached: batch ", batch, " goes on. Wait for it: fanmill wait ", batch,
                   "; see its outputs: fanmill results ", batch, "; stop it: fanmill cancel ",
                   batch));
  return kExitSignalBase + signal;
}

int ConcludeWait(uint32_t batch, Following& follow) {
  const absl::StatusOr<Followed>& followed = follow.Result();
  if (!followed.ok()) {
    const int code = Complain(followed.status());
    if (absl::IsUnavailable(followed.status())) {
      Say(absl::StrCat("batch ", batch, " may go on: fanmill status ", batch));
    }
    return code;
  }
  if (followed->ended) return Conclude(batch, *followed);
  return Detached(batch, followed->reader_gone ? SIGPIPE : SignalSeen());
}

// Whether the ventilator takes no more tasks because somebody has cancelled the batch.
bool CancelledMeanwhile(client::Cluster& cluster, uint32_t batch, const absl::Status& why) {
  if (!absl::IsFailedPrecondition(why)) return false;
  const absl::StatusOr<client::ClusterStatus> status = cluster.Status(batch);
  if (!status.ok() || status->batches.empty()) return false;
  const std::string& phase = status->batches.front().phase;
  return phase == PhaseName(v1::DRAINING) || phase == PhaseName(v1::BATCH_CANCELLED);
}

// A batch of which not all tasks could be sent must not look whole: it is cancelled.
int Abandon(const ClusterOptions& options, uint32_t batch, const absl::Status& why) {
  absl::StatusOr<std::unique_ptr<client::Cluster>> cluster = Connect(options, OnSignal::kGoOn);
  if (cluster.ok() && CancelledMeanwhile(**cluster, batch, why)) {
    Say(absl::StrCat("batch ", batch, " was cancelled while its tasks were being sent"));
    return kExitCancelled;
  }
  const int code = Complain(why);
  std::vector<client::MemberStatus> workers;
  if (cluster.ok() && (*cluster)->Cancel(batch, &workers).ok()) {
    Say(absl::StrCat("batch ", batch, " was cancelled, since not all of its tasks were sent"));
  } else {
    Say(absl::StrCat("batch ", batch, " lacks tasks and never ends by itself: fanmill cancel ",
                     batch));
  }
  return code;
}

// Not all tasks could be sent; it may be that the batch ended meanwhile, by somebody's cancel.
int ConcludeUnsent(const ClusterOptions& options, uint32_t batch, const absl::Status& why,
                   std::optional<Following>& follow) {
  if (!follow.has_value() || !follow->over()) return Abandon(options, batch, why);
  const absl::StatusOr<Followed>& followed = follow->Result();
  if (!followed.ok()) return Abandon(options, batch, followed.status());
  if (followed->ended) return Conclude(batch, *followed);
  return Abandon(options, batch, followed->reader_gone ? NobodyReads() : why);
}

// The batch goes on where its id found no taker, so that it is said elsewhere.
int PrintId(uint32_t batch) {
  const int code = PrintOut(absl::StrCat(batch, "\n"));
  if (code != kExitOk) Say(absl::StrCat("batch ", batch, " goes on: fanmill status ", batch));
  return code;
}

int Submit(const ClusterOptions& options, const SubmitOptions& submit) {
  if (!submit.wait && submit.output.any()) {
    return Complain(absl::InvalidArgumentError(
        "-k, --tag, --output, --results and --joblog are about outputs: add --wait, or see them "
        "later with fanmill results"));
  }
  absl::StatusOr<client::BatchSpec> spec = submit.batch.ToSpec();
  if (!spec.ok()) return Complain(spec.status());
  absl::StatusOr<TaskSource> source = TaskSource::Open(submit.batch, *spec);
  if (!source.ok()) return Complain(source.status());
  if (submit.batch.dry_run) return DryRun(*source, *spec);
  TaskValues values;
  auto output = submit.wait ? Output::Open(submit.output, WordsOf(RecipeOf(*spec), values))
                            : std::make_unique<Output>();
  if (!output.ok()) return Complain(output.status());
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  auto writer = client::BatchWriter::Open(**cluster, *spec);
  if (!writer.ok()) return Complain(writer.status());
  const uint32_t batch = (*writer)->batch();
  std::optional<Following> follow;
  if (submit.wait) {
    auto second = Connect(options);
    if (!second.ok()) return Abandon(options, batch, second.status());
    follow.emplace(*std::move(second), batch, **output,
                   Watch{.stop = [] { return SignalSeen() != 0; }});
  }
  absl::Status sent = source->AddTo(
      **writer, [&follow] { return SignalSeen() != 0 || (follow.has_value() && follow->over()); },
      submit.wait ? Remembering(*source, values) : nullptr);
  if (sent.ok()) sent = (*writer)->Seal();
  if (!sent.ok()) return ConcludeUnsent(options, batch, sent, follow);
  if (submit.wait) return ConcludeWait(batch, *follow);
  return PrintId(batch);
}

}  // namespace

int SubmitAndWait(const ClusterOptions& cluster, const BatchOptions& batch,
                  const OutputOptions& output) {
  return Submit(cluster, {batch, output, true});
}

void AddSubmit(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* submit = app.add_subcommand(
      "submit", "Send a batch of tasks and print its id; with --wait, the tasks' outputs.");
  submit->footer(kExamples);
  submit->add_flag("--wait", options->wait,
                   "stay, and print the outputs as they come; Ctrl-C leaves without a stop");
  options->batch.AddTo(*submit);
  options->output.AddTo(*submit);
  submit->callback([&line, options] {
    line.chosen = [&line, options] {
      options->batch.command = line.command;
      return Submit(line.cluster, *options);
    };
  });
}

}  // namespace fanmill::cli
