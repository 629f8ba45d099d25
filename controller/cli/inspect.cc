// The commands that only look: list, status, wait, results, report.
#include <csignal>
#include <optional>

#include "absl/strings/str_cat.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/command.h"
#include "controller/cli/follow.h"
#include "controller/cli/stdout.h"
#include "controller/cli/tables.h"
#include "lib/io/clock.h"

namespace fanmill::cli {
namespace {

// batch 0: all of them; `members` too.
int Status(const ClusterOptions& options, uint32_t batch, bool members) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  absl::StatusOr<client::ClusterStatus> status = (*cluster)->Status(batch);
  if (!status.ok()) return Complain(status.status());
  const std::string who =
      members ? MemberTable(status->members) + DurabilityLine(status->durability) + "\n" : "";
  return PrintOut(who + BatchTable(status->batches));
}

// What came of the tasks; which of them failed and why stands in their results.
Followed OutcomeOf(client::Cluster& cluster, const client::BatchStatus& batch) {
  Followed outcome;
  outcome.end = {batch.phase == "cancelled", batch.ok, batch.failed, batch.cancelled};
  if (batch.failed == 0) return outcome;
  Output nothing;
  absl::StatusOr<Followed> followed =
      Follow(cluster, batch.batch, nothing, {.stop = [] { return SignalSeen() != 0; }});
  return followed.ok() && followed->ended ? *followed : outcome;
}

int Wait(const ClusterOptions& options, uint32_t batch, const std::string& timeout_text) {
  absl::StatusOr<std::optional<Duration>> timeout = DurationOption("--timeout", timeout_text);
  if (!timeout.ok()) return Complain(timeout.status());
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  const Instant deadline = timeout->has_value() ? After(Now(), **timeout) : kNever;
  absl::StatusOr<client::BatchStatus> status =
      AwaitEnd(**cluster, batch, [deadline] { return SignalSeen() != 0 || Now() >= deadline; });
  if (!status.ok()) return Complain(status.status());
  if (status->ended) return Conclude(batch, OutcomeOf(**cluster, *status));
  if (SignalSeen() != 0) return kExitSignalBase + SignalSeen();
  return Complain(absl::DeadlineExceededError(
      absl::StrCat("batch ", batch, " did not end within ", timeout_text, "; it goes on")));
}

int Results(const ClusterOptions& options, uint32_t batch, bool json) {
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  OutputOptions wanted;
  wanted.format = json ? "jsonl" : "text";
  auto output = Output::Open(wanted);
  if (!output.ok()) return Complain(output.status());
  auto followed = Follow(**cluster, batch, **output, {.stop = [] { return SignalSeen() != 0; }});
  if (!followed.ok()) return Complain(followed.status());
  if (followed->ended) return Conclude(batch, *followed);
  return kExitSignalBase + (followed->reader_gone ? SIGPIPE : SignalSeen());
}

int Report(const ClusterOptions& options, uint32_t batch, bool json) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  absl::StatusOr<client::Report> report = AwaitReport(**cluster, batch);
  if (!report.ok()) return Complain(report.status());
  if (!report->complete) {
    Say(absl::StrCat("batch ", batch,
                     !report->ended  ? " still runs: this is the report so far"
                     : report->final ? ": some worker never told where its time went"
                                     : ": some worker has not told yet where its time went"));
  }
  return PrintOut(json ? report->json : report->text);
}

// A subcommand with the positional BATCH.
CLI::App* WithBatch(CLI::App& app, const char* name, const char* what, uint32_t& batch,
                    const char* footer) {
  CLI::App* command = app.add_subcommand(name, what);
  AddBatchNumber(*command, batch)->required();
  command->footer(footer);
  return command;
}

struct InspectOptions {
  uint32_t batch = 0;
  bool json = false;
  std::string timeout;
};

void AddResultsAndReport(CLI::App& app, CommandLine& line,
                         const std::shared_ptr<InspectOptions>& options) {
  CLI::App* results = WithBatch(
      app, "results", "Print the outputs of a batch's tasks, to its end.", options->batch,
      "In the order in which they came, from the first on; waits for those that still run.\n"
      "  fanmill results 3 > all.txt\n"
      "  fanmill results 3 --json | jq 'select(.status != \"ok\") | .task'");
  results->add_flag("--json", options->json, "one JSON object per task and line");
  results->callback([&line, options] {
    line.chosen = [&line, options] { return Results(line.cluster, options->batch, options->json); };
  });
  CLI::App* report = WithBatch(
      app, "report", "Print where the time of a batch went.", options->batch,
      "Of a batch that still runs: so far. Run time and the causes of lost time add up to "
      "the\n"
      "time that all slots were there.\n"
      "  fanmill report 3\n"
      "  fanmill report 3 --json | jq .efficiency");
  report->add_flag("--json", options->json, "as JSON");
  report->callback([&line, options] {
    line.chosen = [&line, options] { return Report(line.cluster, options->batch, options->json); };
  });
}

}  // namespace

void AddInspect(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* list = app.add_subcommand("list", "List the batches.");
  list->footer(
      "Those that run, and the newest of those that have ended.\n"
      "  fanmill list\n"
      "  fanmill list | awk '$2 == \"running\" {print $1}'");
  list->callback([&line] { line.chosen = [&line] { return Status(line.cluster, 0, false); }; });
  CLI::App* status = app.add_subcommand("status", "Show who is there and what the batches do.");
  AddBatchNumber(*status, options->batch);
  status->footer(
      "With BATCH, that one alone. Where nothing moves, it says what is waited for.\n"
      "  fanmill status\n"
      "  fanmill status 3");
  status->callback([&line, options] {
    line.chosen = [&line, options] {
      return Status(line.cluster, options->batch, options->batch == 0);
    };
  });
  CLI::App* wait = WithBatch(
      app, "wait", "Wait for a batch to end; the exit code says how it did.", options->batch,
      "With 0 all tasks are ok, with 1 some failed, with 3 it was cancelled. Waits through a\n"
      "restart of the controller too; with 5 the cluster was shut down first.\n"
      "  fanmill wait 3 --timeout 1h && fanmill results 3 > all.txt");
  AddTimeout(*wait, options->timeout, "give up after this long, with exit code 4");
  wait->callback([&line, options] {
    line.chosen = [&line, options] { return Wait(line.cluster, options->batch, options->timeout); };
  });
  AddResultsAndReport(app, line, options);
}

}  // namespace fanmill::cli
