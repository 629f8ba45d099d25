// The commands that change something: start, cancel, shutdown.
#include <cstdio>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "controller/cli/batch_options.h"
#include "controller/cli/command.h"
#include "lib/core/printable.h"
#include "lib/io/address.h"
#include "lib/io/clock.h"
#include "lib/io/flags.h"
#include "lib/io/listener.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr Duration kAskEvery = Millis(50);
constexpr Duration kEndPatience = Seconds(2);
constexpr Duration kLookEvery = Millis(5);
constexpr Duration kSilentMax = Seconds(1);
constexpr Duration kCancelPatience = Seconds(15);
constexpr size_t kNameShownMax = 60;

int Start(const ClusterOptions& options, uint32_t batch) {
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  if (absl::Status started = (*cluster)->Start(batch); !started.ok()) return Complain(started);
  return kExitOk;
}

std::string NameOf(const client::MemberStatus& member) {
  const std::string name =
      member.name.empty() ? absl::StrCat(member.host, ":", member.pid) : member.name;
  return absl::StrCat(member.role, member.number == 0 ? "" : absl::StrCat(" ", member.number), " (",
                      Printable(name, kNameShownMax), ")");
}

// Nobody knows of one who was forgotten since.
std::string SilenceOf(const client::MemberStatus& member) {
  if (member.silent == Duration{0}) return {};
  return absl::StrFormat(", last heard %.1f s ago", member.silent.count() / 1e6);
}

// What a person sees of a shutdown while it goes on: each thing once.
class Receipts {
 public:
  explicit Receipts(bool now) : now_(now) {}

  void Show(const std::vector<client::MemberStatus>& members, const std::string& waiting) {
    SayWhatIsWaitedFor(members);
    if (!waiting.empty() && !std::exchange(said_waiting_, true)) Say(waiting);
    for (const client::MemberStatus& member : members) {
      if (!member.confirmed || !told_.insert(NameOf(member)).second) continue;
      Say(absl::StrCat(NameOf(member), " confirmed: nothing of it runs any more"));
    }
  }

  // Returns the exit code.
  int ShowMissing(const std::vector<client::MemberStatus>& members, const std::string& then) const {
    bool missing = false;
    for (const client::MemberStatus& member : members) {
      if (member.confirmed || told_.contains(NameOf(member))) continue;
      missing = true;
      Say(absl::StrCat(NameOf(member), " did NOT confirm", SilenceOf(member),
                       member.gone && member.role == "worker" ? "; what it ran may still run" : "",
                       then));
    }
    return missing ? kExitNoReceipt : kExitOk;
  }

 private:
  void SayWhatIsWaitedFor(const std::vector<client::MemberStatus>& members) {
    if (now_ || said_running_) return;
    uint64_t running = 0;
    for (const client::MemberStatus& member : members) running += member.gone ? 0 : member.running;
    if (running == 0) return;
    said_running_ = true;
    Say(absl::StrCat("waiting for ", running, " running task", running == 1 ? "" : "s",
                     " to end; to stop them: fanmill shutdown --now"));
  }

  bool now_;
  bool said_running_ = false;
  bool said_waiting_ = false;
  std::set<std::string> told_;
};

// The controller has told the end and goes now. Who starts the next one after this command finds
// its address free; where that is done by somebody else at once, no end is seen.
void AwaitItsEnd(const ClusterOptions& options) {
  const absl::StatusOr<Address> controller = ParseAddress(options.controller, kControlPort);
  const Instant deadline = Now() + kEndPatience;
  while (controller.ok() && Now() < deadline && SomebodyListens(*controller)) WaitFor(kLookEvery);
}

int Cancel(const ClusterOptions& options, uint32_t batch) {
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  std::vector<client::MemberStatus> workers;
  std::string waiting;
  const Instant begun = Now();
  bool said_waiting = false;
  while (Now() < begun + kCancelPatience) {
    absl::StatusOr<bool> confirmed = (*cluster)->Cancel(batch, &workers, &waiting);
    if (!confirmed.ok()) return Complain(confirmed.status());
    if (*confirmed) {
      const bool all = workers.empty();
      Say(absl::StrCat("batch ", batch, " is cancelled",
                       all ? ": nothing of it runs any more" : ", but not everybody confirmed it"));
      return Receipts(true).ShowMissing(workers, "");
    }
    if (!waiting.empty() && Now() - begun > kSilentMax && !std::exchange(said_waiting, true)) {
      Say(absl::StrCat("batch ", batch, ": ", waiting));
    }
    WaitFor(kAskEvery);
  }
  Say(absl::StrCat("batch ", batch, " is cancelled, but it has not ended within ",
                   kCancelPatience / Seconds(1), " s: ", waiting, "; fanmill status ", batch,
                   " shows how it goes on"));
  Receipts(true).ShowMissing(workers, "");
  return kExitNoReceipt;
}

}  // namespace

int ShutDown(const ClusterOptions& options, bool now, const std::string& timeout_text) {
  absl::StatusOr<std::optional<Duration>> timeout = DurationOption("--timeout", timeout_text);
  if (!timeout.ok()) return Complain(timeout.status());
  WatchSignals();
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  const Instant deadline = timeout->has_value() ? After(Now(), **timeout) : kNever;
  Receipts receipts(now);
  std::vector<client::MemberStatus> members;
  std::string waiting;
  bool asked = false;
  do {
    absl::StatusOr<bool> done = (*cluster)->Shutdown(now, &members, &waiting);
    if (absl::IsCancelled(done.status())) break;
    if (!done.ok()) return Complain(done.status());
    asked = true;
    receipts.Show(members, waiting);
    if (*done) {
      AwaitItsEnd(options);
      return receipts.ShowMissing(members, "");
    }
    WaitFor(kAskEvery);
  } while (Now() < deadline && SignalSeen() == 0);
  if (SignalSeen() == 0) return receipts.ShowMissing(members, "; the shutdown goes on");
  if (asked) Say("the shutdown goes on without this command");
  return kExitSignalBase + SignalSeen();
}

void AddSteer(CLI::App& app, CommandLine& line) {
  struct Options {
    uint32_t batch = 0;
    bool now = false;
    std::string timeout;
  };
  auto options = std::make_shared<Options>();
  const auto with_batch = [&](const char* name, const char* what, const char* footer) {
    CLI::App* command = app.add_subcommand(name, what);
    AddBatchNumber(*command, options->batch)->required();
    command->footer(footer);
    return command;
  };
  with_batch("start", "Start a batch that was submitted with --hold.",
             "  batch=$(fanmill submit --hold -a jobs.txt -- ./job {})\n"
             "  fanmill start $batch")
      ->callback([&line, options] {
        line.chosen = [&line, options] { return Start(line.cluster, options->batch); };
      });
  with_batch("cancel", "Stop a batch: what runs is stopped, what waits is dropped.",
             "Ends when every worker has confirmed that nothing of the batch runs there any more; "
             "exit\n"
             "code 6 names those who did not. Results that came before stay.\n"
             "  fanmill cancel 3")
      ->callback([&line, options] {
        line.chosen = [&line, options] { return Cancel(line.cluster, options->batch); };
      });
  CLI::App* shutdown = app.add_subcommand("shutdown", "Stop the whole cluster, with receipts.");
  shutdown->footer(
      "Running tasks end first; what waits is not started. With --now running tasks are stopped\n"
      "too, by the kill signal. Every process confirms that nothing of it runs any more; exit "
      "code\n"
      "6 names those who did not.\n"
      "  fanmill shutdown\n"
      "  fanmill shutdown --now --timeout 30s");
  shutdown->add_flag("--now", options->now, "stop running tasks, by the kill signal");
  AddTimeout(*shutdown, options->timeout, "return after this long in any case");
  shutdown->callback([&line, options] {
    line.chosen = [&line, options] {
      return ShutDown(line.cluster, options->now, options->timeout);
    };
  });
}

}  // namespace fanmill::cli
