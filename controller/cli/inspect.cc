// The commands that only look: list, status, wait, results, report.
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "controller/cli/command.h"
#include "controller/cli/follow.h"
#include "lib/core/duration_text.h"
#include "lib/core/printable.h"
#include "lib/io/clock.h"

namespace fanmill::cli {
namespace {

constexpr Duration kAccountsWait = Seconds(3);  // for the last slot accounts of an ended batch
constexpr size_t kNameShownMax = 40;

std::string Age(Duration age) { return absl::StrFormat("%.1fs", age.count() / 1e6); }

void PrintBatches(const std::vector<client::BatchStatus>& batches) {
  std::printf("%6s  %-10s %10s %10s %8s %8s %8s  %-6s %s\n", "BATCH", "PHASE", "TASKS", "OK",
              "FAILED", "OUT", "AGE", "HANDLER", "NAME");
  for (const client::BatchStatus& batch : batches) {
    const std::string tasks = absl::StrCat(batch.tasks, batch.sealed ? "" : "+");
    std::printf("%6u  %-10s %10s %10llu %8llu %8llu %8s  %-6s %s\n", batch.batch,
                batch.phase.c_str(), tasks.c_str(), static_cast<unsigned long long>(batch.ok),
                static_cast<unsigned long long>(batch.failed),
                static_cast<unsigned long long>(batch.outstanding), Age(batch.age).c_str(),
                batch.handler.c_str(), Printable(batch.name, kNameShownMax).c_str());
    if (!batch.waiting.empty() && !batch.ended) {
      std::printf("        waits: %s\n", Printable(batch.waiting, 200).c_str());
    }
  }
}

std::string StateOf(const client::MemberStatus& member) {
  if (member.gone) return "gone";
  if (member.role == "worker" && !member.ready) return "joining";
  return "ready";
}

void PrintMembers(const std::vector<client::MemberStatus>& members) {
  std::printf("%-11s %4s  %-8s %7s %7s %8s  %s\n", "ROLE", "NO", "STATE", "SLOTS", "RUNNING",
              "HEARD", "NAME");
  for (const client::MemberStatus& member : members) {
    const bool worker = member.role == "worker";
    std::printf("%-11s %4s  %-8s %7s %7s %8s  %s\n", member.role.c_str(),
                worker ? absl::StrCat(member.number).c_str() : "-", StateOf(member).c_str(),
                worker ? absl::StrCat(member.slots).c_str() : "-",
                worker ? absl::StrCat(member.running).c_str() : "-", Age(member.silent).c_str(),
                Printable(member.name.empty() ? absl::StrCat(member.host, ":", member.pid)
                                              : member.name,
                          kNameShownMax)
                    .c_str());
  }
}

int List(const ClusterOptions& options) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  auto status = (*cluster)->Status();
  if (!status.ok()) return Complain(status.status());
  PrintBatches(status->batches);
  return kExitOk;
}

int Status(const ClusterOptions& options, uint32_t batch) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  auto status = (*cluster)->Status(batch);
  if (!status.ok()) return Complain(status.status());
  if (batch == 0) {
    PrintMembers(status->members);
    std::printf("\n");
  }
  PrintBatches(status->batches);
  return kExitOk;
}

int Wait(const ClusterOptions& options, uint32_t batch, const std::string& timeout_text) {
  std::optional<Duration> timeout;
  if (!timeout_text.empty()) {
    timeout = ParseDuration(timeout_text);
    if (!timeout.has_value()) {
      return Complain(absl::InvalidArgumentError(
          absl::StrCat("--timeout '", timeout_text, "' is not a duration: write 30s or 5m")));
    }
  }
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  const Instant deadline = timeout.has_value() ? Now() + *timeout : kNever;
  auto followed = Follow(**cluster, batch, Print::kNothing,
                         [&] { return SignalSeen() != 0 || Now() >= deadline; });
  if (!followed.ok()) return Complain(followed.status());
  if (followed->ended) return Conclude(batch, *followed);
  if (SignalSeen() != 0) return kExitSignalBase + SignalSeen();
  return Complain(absl::DeadlineExceededError(
      absl::StrCat("batch ", batch, " has not ended within ", timeout_text, "; it goes on")));
}

int Results(const ClusterOptions& options, uint32_t batch, bool json) {
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  auto followed = Follow(**cluster, batch, json ? Print::kJson : Print::kOutput,
                         [] { return SignalSeen() != 0; });
  if (!followed.ok()) return Complain(followed.status());
  if (!followed->ended) return kExitSignalBase + SignalSeen();
  return followed->end.cancelled ? kExitCancelled
                                 : (followed->end.failed > 0 ? kExitTaskFailed : kExitOk);
}

int Report(const ClusterOptions& options, uint32_t batch, bool json) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  const Instant deadline = Now() + kAccountsWait;
  while (true) {
    auto report = (*cluster)->ReportOf(batch);
    if (!report.ok()) return Complain(report.status());
    if (report->complete || !report->ended || Now() >= deadline) {
      std::fputs(json ? report->json.c_str() : report->text.c_str(), stdout);
      return kExitOk;
    }
    usleep(10'000);
  }
}

// A subcommand with the positional BATCH.
CLI::App* WithBatch(CLI::App& app, const char* name, const char* what, uint32_t& batch,
                    bool required) {
  CLI::App* command = app.add_subcommand(name, what);
  auto* option = command->add_option("BATCH", batch, "number of the batch")->check(CLI::PositiveNumber);
  if (required) option->required();
  return command;
}

}  // namespace

void AddInspect(CLI::App& app, const ClusterOptions& cluster, Action& chosen) {
  struct Options {
    uint32_t batch = 0;
    bool json = false;
    std::string timeout;
  };
  auto options = std::make_shared<Options>();
  app.add_subcommand("list", "List the batches.")->callback([&chosen, &cluster, options] {
    chosen = [&cluster, options] { return List(cluster); };
  });
  WithBatch(app, "status", "Show who is there and what every batch is doing, or one batch.",
            options->batch, false)
      ->callback([&chosen, &cluster, options] {
        chosen = [&cluster, options] { return Status(cluster, options->batch); };
      });
  CLI::App* wait = WithBatch(
      app, "wait", "Wait for a batch to end; the exit code says how it did.", options->batch, true);
  wait->add_option("--timeout", options->timeout, "give up after this long, with exit code 4");
  wait->callback([&chosen, &cluster, options] {
    chosen = [&cluster, options] { return Wait(cluster, options->batch, options->timeout); };
  });
  CLI::App* results = WithBatch(
      app, "results", "Print the outputs of a batch's tasks, to its end, in the order they came.",
      options->batch, true);
  results->add_flag("--json", options->json, "one JSON object per task and line");
  results->callback([&chosen, &cluster, options] {
    chosen = [&cluster, options] { return Results(cluster, options->batch, options->json); };
  });
  CLI::App* report =
      WithBatch(app, "report", "Print where the time of a batch went.", options->batch, true);
  report->add_flag("--json", options->json, "as JSON");
  report->callback([&chosen, &cluster, options] {
    chosen = [&cluster, options] { return Report(cluster, options->batch, options->json); };
  });
}

}  // namespace fanmill::cli
