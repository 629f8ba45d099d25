// fanmill: the person's command.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "controller/cli/command.h"
#include "controller/cli/command_words.h"
#include "controller/cli/completion.h"
#include "controller/cli/stdout.h"
#include "controller/run/run.h"
#include "lib/core/printable.h"
#include "lib/io/flags.h"
#include "lib/io/man_page.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr char kAbout[] =
    "Fanmill runs batches of tasks on a cluster of workers: nothing lost, no orphan left,\n"
    "and a report that says where the time went.\n"
    "\n"
    "See it at work, on this machine, in a second:\n"
    "  fanmill demo\n"
    "Start a cluster (each in its own terminal, in any order):\n"
    "  fanmill-controller\n"
    "  fanmill-ventilator\n"
    "  fanmill-sink\n"
    "  fanmill-worker --slots 4\n"
    "and give it work:\n"
    "  seq 100 | fanmill submit --wait -- echo task {}\n"
    "  fanmill report 1\n"
    "  fanmill shutdown";

constexpr size_t kWordShownBytesMax = 60;
constexpr size_t kMessageBytesMax = 2000;

constexpr char kFooter[] =
    "More on each: fanmill SUBCOMMAND --help\n"
    "Exit codes: 0 ok, 1 a task failed, 2 usage, 3 cancelled, 4 a wait timed out,\n"
    "5 Fanmill could not, 6 receipts missing, 128+N ended by signal N.";

constexpr char kWhereTheClusterIs[] =
    "\n\n"
    "Which cluster: --controller HOST[:PORT], --key FILE, --insecure-network, or the "
    "environment's\n"
    "FANMILL_CONTROLLER and FANMILL_KEY; without them the one at 127.0.0.1:21000.";

// The parser's own words, but for the mistake that it words badly.
int Explain(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining();
  if (app.get_subcommands().empty() && !unknown.empty() && unknown[0][0] != '-') {
    Say("there is no command '" + Printable(unknown[0], kWordShownBytesMax) +
        "': fanmill --help lists those there are");
    return kExitUsage;
  }
  if (error.get_exit_code() == 0) {  // --help and --version
    std::ostringstream text;
    app.exit(error, text, std::cerr);
    return PrintOut(text.str());
  }
  std::string command = app.get_name();
  for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
  Say(Printable(Explained(error), kMessageBytesMax) + "; " + command +
      " --help tells how it is used");
  return kExitUsage;
}

// COMMAND has words of its own, and -- may stand before it.
class Usage : public CLI::Formatter {
  std::string make_option_usage(const CLI::Option* option) const override {
    return option->get_name() == kCommandName ? "[[--] COMMAND [ARGS...]]"
                                              : CLI::Formatter::make_option_usage(option);
  }
};

// Options of `fanmill` itself are valid behind each subcommand too, but its help would not say so.
void TeachWhereTheClusterIs(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands({})) {
    const std::string name = command->get_name();
    if (name == "demo" || name == "keygen" || name == "verify") continue;
    command->footer(command->get_footer() + kWhereTheClusterIs);
  }
}

int Main(int argc, char** argv) {
  CLI::App app(kAbout, "fanmill");
  app.footer(kFooter);
  app.set_version_flag("--version", "fanmill " + Version());
  app.require_subcommand(1);
  app.fallthrough();
  app.formatter(std::make_shared<Usage>());
  CommandLine line;
  app.add_option("--controller", line.cluster.controller,
                 "where the controller is: HOST[:PORT], [IPV6]:PORT or ipc:///PATH")
      ->envname("FANMILL_CONTROLLER")
      ->capture_default_str()
      ->type_name("ADDRESS");
  app.add_option("--key", line.cluster.key, "the cluster's key file")
      ->envname("FANMILL_KEY")
      ->check(NotEmpty)
      ->type_name("FILE");
  app.add_flag("--insecure-network", line.cluster.insecure_network,
               "without a key, use a controller on another machine: anybody between can run code");
  AddCompletionFlag(app);
  AddManPageFlag(app);
  AddDemo(app, line);
  AddRun(app, line);
  AddSubmit(app, line);
  AddSteer(app, line);
  AddPrune(app, line);
  AddInspect(app, line);
  AddVerify(app, line);
  AddKeygen(app, line);
  TeachWhereTheClusterIs(app);
  RefuseValuesOfFlags(app);
  if (argc == 1) {
    std::fputs(app.help().c_str(), stderr);
    return kExitUsage;
  }
  std::vector<std::string> words(argv + 1, argv + argc);
  line.command = TakeCommandWords(app, words);
  line.controller_named = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "--controller" || word.starts_with("--controller=");
  });
  std::reverse(words.begin(), words.end());  // as the parser wants them
  try {
    app.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return Explain(app, error);
  }
  return line.chosen();
}

}  // namespace
}  // namespace fanmill::cli

int main(int argc, char** argv) { return fanmill::cli::Main(argc, argv); }
