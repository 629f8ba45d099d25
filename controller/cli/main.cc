// fanmill: the person's command.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "controller/cli/command.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr char kAbout[] =
    "Fanmill runs batches of tasks on a cluster of workers: nothing lost, no orphan left,\n"
    "and a report that says where the time went.\n"
    "\n"
    "Start a cluster on this machine (each in its own terminal, in any order):\n"
    "  fanmill-controller\n"
    "  fanmill-ventilator\n"
    "  fanmill-sink\n"
    "  fanmill-worker --slots 4\n"
    "Then:\n"
    "  seq 100 | fanmill submit --wait -- echo task {}\n"
    "  fanmill report 1\n"
    "  fanmill shutdown";

constexpr char kExitCodes[] =
    "Exit codes: 0 ok, 1 a task failed, 2 usage, 3 cancelled, 4 wait timed out,\n"
    "5 Fanmill could not work, 6 receipts missing, 128+N ended by signal N.";

int Main(int argc, char** argv) {
  CLI::App app(kAbout, "fanmill");
  app.footer(kExitCodes);
  app.set_version_flag("--version", Version());
  app.require_subcommand(1);
  app.fallthrough();
  ClusterOptions cluster;
  app.add_option("--controller", cluster.controller, "address of the controller, HOST[:PORT]")
      ->envname("FANMILL_CONTROLLER")
      ->capture_default_str();
  app.add_option("--key", cluster.key, "the cluster's key file")->envname("FANMILL_KEY");
  Action chosen;
  AddSubmit(app, cluster, chosen);
  AddSteer(app, cluster, chosen);
  AddInspect(app, cluster, chosen);
  AddKeygen(app, chosen);
  AddDemo(app, chosen);
  if (argc == 1) {
    std::fprintf(stderr, "%s", app.help().c_str());
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return chosen ? chosen() : kExitUsage;
}

}  // namespace
}  // namespace fanmill::cli

int main(int argc, char** argv) { return fanmill::cli::Main(argc, argv); }
