// fanmill-worker: runs tasks for a cluster. Three processes: this one and its fork are guardians,
// the fork of that works (see guardian.h).
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/core/limits.h"
#include "lib/io/address.h"
#include "lib/io/flags.h"
#include "lib/io/keys.h"
#include "lib/io/loop.h"
#include "lib/io/person.h"
#include "lib/io/process.h"
#include "lib/io/trace.h"
#include "worker/death_report.h"
#include "worker/executor.h"
#include "worker/guarded_session.h"
#include "worker/guardian.h"
#include "worker/session.h"
#include "worker/slot_table.h"
#include "worker/usable_cpus.h"

namespace fanmill {
namespace {

constexpr char kAbout[] =
    "Runs tasks for a Fanmill cluster, as many at a time as it has slots. It needs the "
    "controller's\n"
    "address alone, opens no port, and may come and go at any time.\n"
    "\n"
    "Tasks are commands with the rights of whoever starts this. They inherit its environment, and\n"
    "find FANMILL_BATCH_ID, FANMILL_TASK_ID (from 1, as {#}), FANMILL_ATTEMPT and FANMILL_SLOT\n"
    "(from 1, as {%}) there. When this ends, in whatever way, so does everything they started.";

constexpr char kExamples[] =
    "Examples:\n"
    "  fanmill-worker                                  one slot for each CPU, for a cluster here\n"
    "  fanmill-worker --controller head:21000 --key cluster.key\n"
    "  fanmill-worker --slots 2 --handler sleep        for trying things out: runs no commands\n"
    "\n"
    "Ctrl-C, or SIGTERM, lets running tasks end and gives the others back; a second one kills.\n"
    "Exit codes: 0 it was asked to leave and did, 2 wrong usage, 5 it could not work, 128+N "
    "killed\n"
    "by signal N, the second one.";

constexpr uint64_t kSpoolBytesMax = uint64_t{1} << 40;

struct WorkerFlags {
  CommonFlags common;
  uint32_t slots = 1;
  uint64_t pid = static_cast<uint64_t>(getpid());  // of the guardian: it is who hears signals
  std::string name;
  std::vector<std::string> handlers = HandlerNames();
  uint64_t spool_bytes = SessionOptions().spool_bytes;
  std::string spill_dir = "/var/tmp";
};

void AddWorkerFlags(CLI::App& app, WorkerFlags& flags) {
  flags.slots = std::min<uint32_t>(static_cast<uint32_t>(UsableCpus()), kSlotsPerWorkerMax);
  flags.name = absl::StrCat(HostName(), ":", flags.pid);
  app.footer(kExamples);
  AddControllerFlag(app, flags.common);
  app.add_option("--slots", flags.slots, "tasks at a time; without it one for each usable CPU")
      ->check(CLI::Range(1u, kSlotsPerWorkerMax))
      ->type_name("N");
  app.add_option("--name", flags.name, "what people call it; without it HOST:PID")
      ->check([](const std::string& name) {
        return name.size() <= kNameBytesMax ? ""
                                            : absl::StrCat("at most ", kNameBytesMax, " bytes");
      })
      ->type_name("NAME");
  OneOf(
      app.add_option("--handler", flags.handlers,
                     "what to offer, may be repeated; without it all of them: exec runs commands, "
                     "sleep and noop run none"),
      HandlerNames())
      ->allow_extra_args(false);
  app.add_option("--spool-bytes", flags.spool_bytes,
                 "results kept until the sink has them; when full, no more tasks are taken")
      ->transform(Bytes(1, kSpoolBytesMax))
      ->type_name("BYTES")
      ->capture_default_str();
  app.add_option("--spill-dir", flags.spill_dir,
                 absl::StrCat("where outputs above ", kInlineOutputBytesMax >> 10,
                              " KiB wait, in files without a name"))
      ->capture_default_str()
      ->check(NotEmpty)
      ->type_name("DIR");
  AddCommonFlags(app, flags.common);
}

SessionOptions SessionOptionsOf(const WorkerFlags& flags, const Address& controller) {
  SessionOptions options;
  options.incarnation = RandomId();
  options.seed = RandomId();
  options.version = Version();
  options.host = HostName();
  options.name = flags.name;
  options.pid = flags.pid;
  options.controller = controller.Endpoint();
  options.slots = flags.slots;
  options.handlers = flags.handlers;
  options.spool_bytes = flags.spool_bytes;
  return options;
}

ExecutorOptions ExecutorOptionsOf(const WorkerFlags& flags) {
  ExecutorOptions options;
  options.handlers = flags.handlers;
  options.spill_dir = flags.spill_dir;
  options.environment = OwnEnvironment();
  return options;
}

absl::Status CheckSpillDir(const std::string& folder) {
  if (access(folder.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot keep large outputs in ", folder, ": ",
                                             ErrorText(errno),
                                             "; choose a folder with "
                                             "--spill-dir"));
}

// The working child.
absl::StatusOr<int> Work(const WorkerFlags& flags, SlotTable& table, int signals_fd) {
  RaiseFileLimit();
  if (absl::Status usable = CheckSpillDir(flags.spill_dir); !usable.ok()) return usable;
  absl::StatusOr<Address> controller = ParseAddress(flags.common.controller, kControlPort);
  if (!controller.ok()) return controller.status();
  absl::StatusOr<std::unique_ptr<Sockets>> sockets = OpenSockets(flags.common);
  if (!sockets.ok()) return sockets.status();
  if (absl::Status allowed = (*sockets)->Allow(*controller); !allowed.ok()) return allowed;

  std::vector<int> signals;  // that came, in order
  Person person(signals_fd, [&signals, signals_fd] {
    const std::vector<int> more = TakeSignals(signals_fd);
    signals.insert(signals.end(), more.begin(), more.end());
    return static_cast<int>(more.size());
  });
  Executor executor(ExecutorOptionsOf(flags), table);
  const SessionOptions options = SessionOptionsOf(flags, *controller);
  Session session(options);
  GuardedSession node(session, table, options);
  spdlog::info("event=started version={} name={} slots={} handlers={} controller={}", Version(),
               Quoted(flags.name), flags.slots, absl::StrJoin(flags.handlers, ","),
               controller->Endpoint());
  int code = 0;
  {
    Loop loop(**sockets, {flags.common.program, flags.common.trace_messages});
    loop.AddPeer(Channel::kPerson, person);
    loop.AddPeer(Channel::kExecutor, executor);
    code = loop.Run(node);
  }
  if (code == 0 && signals.size() >= 2) code = 128 + signals[1];
  spdlog::info("event=left code={}", code);
  ExitWatchdog watchdog(code);
  sockets->reset();
  return code;
}

int WorkOrComplain(const WorkerFlags& flags, SlotTable& table, int signals_fd) {
  StartLogging(flags.common);
  const absl::StatusOr<int> code = Work(flags, table, signals_fd);
  return code.ok() ? *code : Complain(flags.common, code.status());
}

// A guardian, when the working child died and all that could be killed of it is.
void OnDeath(const WorkerFlags& flags, SlotTable& table, const Death& death) {
  const ExitWatchdog watchdog(kGuardianDiedCode, 3 * kDeathReportPatience);
  StartLogging(flags.common);
  absl::StatusOr<KeyPair> key = KeyPair();
  if (!flags.common.key_file.empty()) key = LoadKeyFile(flags.common.key_file);
  const KeyPair* curve = key.ok() && !key->public_key.empty() ? &*key : nullptr;
  const absl::Status ventilator =
      key.ok() ? TellVentilator(table, death.status, curve) : key.status();
  const absl::Status controller =
      key.ok() ? TellController(table, death.left_over == 0, curve) : key.status();
  const auto told = [](const absl::Status& status) {
    return Quoted(status.ok() ? "told" : std::string(status.message()));
  };
  spdlog::error("event=worker_died cause={} attempts={} left_over={} ventilator={} controller={}",
                Quoted(CauseOfDeath(death.status)), table.Started().size(), death.left_over,
                told(ventilator), told(controller));
}

int Main(int argc, char** argv) {
  WorkerFlags flags;
  flags.common.program = "fanmill-worker";
  CLI::App app(kAbout, flags.common.program);
  AddWorkerFlags(app, flags);
  if (const std::optional<int> code = ParseCommandLine(app, argc, argv)) return *code;
  SlotTable table(flags.slots);
  GuardianHooks hooks;
  hooks.on_child_death = [&](const Death& death) { OnDeath(flags, table, death); };
  return RunGuarded([&](int signals_fd) { return WorkOrComplain(flags, table, signals_fd); },
                    hooks);
}

}  // namespace
}  // namespace fanmill

int main(int argc, char** argv) { return fanmill::Main(argc, argv); }
