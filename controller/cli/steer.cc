// The commands that change something: start, cancel, shutdown.
#include <unistd.h>

#include <cstdio>
#include <set>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/core/duration_text.h"
#include "lib/core/printable.h"
#include "lib/io/clock.h"

namespace fanmill::cli {
namespace {

constexpr Duration kAskEvery = Millis(50);
constexpr Duration kCancelPatience = Seconds(15);

int Start(const ClusterOptions& options, uint32_t batch) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  if (absl::Status started = (*cluster)->Start(batch); !started.ok()) return Complain(started);
  return kExitOk;
}

int Cancel(const ClusterOptions& options, uint32_t batch) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  for (const Instant deadline = Now() + kCancelPatience; Now() < deadline;) {
    auto confirmed = (*cluster)->Cancel(batch);
    if (!confirmed.ok()) return Complain(confirmed.status());
    if (*confirmed) {
      Say(absl::StrCat("batch ", batch, " is cancelled: nothing of it runs any more"));
      return kExitOk;
    }
    usleep(static_cast<useconds_t>(kAskEvery.count()));
  }
  Say(absl::StrCat("batch ", batch, " is cancelled, but not every worker has confirmed it within ",
                   FormatDuration(kCancelPatience), ": fanmill status shows who is silent"));
  return kExitNoReceipt;
}

std::string NameOf(const client::MemberStatus& member) {
  std::string text = member.role;
  if (member.role == "worker") absl::StrAppend(&text, " ", member.number);
  const std::string name =
      member.name.empty() ? absl::StrCat(member.host, ":", member.pid) : member.name;
  return absl::StrCat(text, " (", Printable(name, 60), ")");
}

// Says once of each member that it has confirmed.
void TellReceipts(const std::vector<client::MemberStatus>& members, std::set<std::string>& told) {
  for (const client::MemberStatus& member : members) {
    if (!member.confirmed || !told.insert(NameOf(member)).second) continue;
    Say(absl::StrCat(NameOf(member), " confirmed: nothing of it runs any more"));
  }
}

int ReportMissing(const std::vector<client::MemberStatus>& members, const std::string& why) {
  bool missing = false;
  for (const client::MemberStatus& member : members) {
    if (member.confirmed) continue;
    missing = true;
    Say(absl::StrCat(NameOf(member), " did NOT confirm (last heard ",
                     FormatDuration(member.silent), " ago)", why));
  }
  return missing ? kExitNoReceipt : kExitOk;
}

}  // namespace

int ShutDown(const ClusterOptions& options, bool now, const std::string& timeout_text) {
  const std::optional<Duration> timeout = ParseDuration(timeout_text);
  if (!timeout_text.empty() && !timeout.has_value()) {
    return Complain(absl::InvalidArgumentError(
        absl::StrCat("--timeout '", timeout_text, "' is not a duration: write 30s or 5m")));
  }
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  const Instant deadline = timeout_text.empty() ? kNever : Now() + *timeout;
  std::set<std::string> told;
  std::vector<client::MemberStatus> members;
  while (Now() < deadline && SignalSeen() == 0) {
    auto done = (*cluster)->Shutdown(now, &members);
    if (!done.ok()) return Complain(done.status());
    TellReceipts(members, told);
    if (*done) return ReportMissing(members, "");
    usleep(static_cast<useconds_t>(kAskEvery.count()));
  }
  if (SignalSeen() != 0) {
    Say("the shutdown goes on without this command");
    return kExitSignalBase + SignalSeen();
  }
  return ReportMissing(members, "; the shutdown goes on");
}

void AddSteer(CLI::App& app, const ClusterOptions& cluster, Action& chosen) {
  struct Options {
    uint32_t batch = 0;
    bool now = false;
    std::string timeout;
  };
  auto options = std::make_shared<Options>();
  const auto with_batch = [&](const char* name, const char* what) {
    CLI::App* command = app.add_subcommand(name, what);
    command->add_option("BATCH", options->batch, "number of the batch")
        ->required()
        ->check(CLI::PositiveNumber);
    return command;
  };
  with_batch("start", "Start a batch that was submitted with --hold.")
      ->callback([&chosen, &cluster, options] {
        chosen = [&cluster, options] { return Start(cluster, options->batch); };
      });
  with_batch("cancel", "Stop a batch: what runs is stopped, what waits is dropped.")
      ->callback([&chosen, &cluster, options] {
        chosen = [&cluster, options] { return Cancel(cluster, options->batch); };
      });
  CLI::App* shutdown = app.add_subcommand(
      "shutdown",
      "Stop the whole cluster: running tasks end first; with --now they are stopped too.\n"
      "Says who confirmed that nothing of it runs any more; exit code 6 when somebody did not.");
  shutdown->add_flag("--now", options->now, "stop running tasks, by the kill signal");
  shutdown->add_option("--timeout", options->timeout, "return after this long in any case");
  shutdown->callback([&chosen, &cluster, options] {
    chosen = [&cluster, options] { return ShutDown(cluster, options->now, options->timeout); };
  });
}

}  // namespace fanmill::cli
