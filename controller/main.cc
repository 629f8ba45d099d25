// fanmill-controller: the one whom everybody finds first.
#include "controller/controller.h"
#include "lib/io/daemon.h"

namespace fanmill {
namespace {

constexpr char kAbout[] =
    "The controller of a Fanmill cluster: the one address that everybody needs. It brings\n"
    "ventilator, sink and workers together, decides when a batch starts, and makes sure that\n"
    "what is cancelled or shut down really ends. No task and no result passes through it, and\n"
    "what runs goes on without it.";

constexpr char kExamples[] =
    "Ports: control where it listens (21000), signal on the next one.\n"
    "\n"
    "Examples:\n"
    "  fanmill-controller                              for this machine alone\n"
    "  fanmill keygen cluster.key\n"
    "  fanmill-controller --listen 10.0.0.1 --key cluster.key\n"
    "\n"
    "Exit codes: 0 it was asked to leave and did, 2 wrong usage, 5 it could not work.";

absl::StatusOr<int> Serve(const DaemonFlags& flags) {
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(flags);
  if (!daemon.ok()) return daemon.status();
  const absl::StatusOr<std::string> control = (*daemon)->Bind(Channel::kControl, 0);
  if (!control.ok()) return control.status();
  const absl::StatusOr<std::string> signal = (*daemon)->Bind(Channel::kSignal, 1);
  if (!signal.ok()) return signal.status();

  ControllerOptions options;
  (*daemon)->Introduce(options);
  // A restarted controller is still the same cluster.
  options.cluster = (*daemon)->state().id();
  options.signal = *signal;
  Controller controller(options);
  return (*daemon)->Run(controller);
}

int Main(int argc, char** argv) {
  DaemonFlags flags;
  flags.common.program = "fanmill-controller";
  flags.common.controller = "";
  flags.role = "controller";
  flags.journal = "book";
  flags.port = kControlPort;
  flags.listen = "127.0.0.1:21000";
  CLI::App app(kAbout, flags.common.program);
  app.footer(kExamples);
  return RunDaemon(app, flags, argc, argv, [&flags] { return Serve(flags); });
}

}  // namespace
}  // namespace fanmill

int main(int argc, char** argv) { return fanmill::Main(argc, argv); }
