// fanmill-sink: writes down what became of every task.
#include <cstdint>
#include <string>

#include "lib/io/daemon.h"
#include "sink/ledger.h"

namespace fanmill {
namespace {

constexpr uint16_t kSinkPort = 21002;
constexpr uint16_t kFactsOffset = 3;

constexpr char kAbout[] =
    "The sink of a Fanmill cluster: where the results of all workers come together. It writes\n"
    "down what became of every task, tells the ventilator, decides when a batch is over, and\n"
    "gives results to whoever reads them.";

constexpr char kExamples[] =
    "Ports: results where it listens (21002), facts and reads three above (21005).\n"
    "\n"
    "Examples:\n"
    "  fanmill-sink                                    for a controller on this machine\n"
    "  fanmill-sink --controller 10.0.0.1 --listen 10.0.0.3 --key cluster.key\n"
    "  fanmill-sink --disk 200G                        of it no more than that\n"
    "\n"
    "Exit codes: 0 it was asked to leave and did, 2 wrong usage, 5 it could not work.";

// Each row of results must fit, and so must some of every worker's.
constexpr uint64_t kDiskMin = 16 << 20;
constexpr uint64_t kDiskMax = uint64_t{1} << 40;

absl::StatusOr<int> Serve(const DaemonFlags& flags, uint64_t keep_batches) {
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(flags);
  if (!daemon.ok()) return daemon.status();
  const absl::StatusOr<std::string> results = (*daemon)->Bind(Channel::kResults, 0);
  if (!results.ok()) return results.status();
  const absl::StatusOr<std::string> facts = (*daemon)->Bind(Channel::kFacts, kFactsOffset);
  if (!facts.ok()) return facts.status();

  LedgerOptions options;
  (*daemon)->Introduce(options);
  options.controller = (*daemon)->controller();
  options.keep_batches = keep_batches;
  options.endpoints.set_results(*results);
  options.endpoints.set_facts(*facts);
  Ledger ledger(options);
  return (*daemon)->Run(ledger);
}

int Main(int argc, char** argv) {
  DaemonFlags flags;
  flags.common.program = "fanmill-sink";
  flags.role = "sink";
  flags.journal = "ledger";
  flags.port = kSinkPort;
  flags.listen = "127.0.0.1:21002";
  uint64_t keep_batches = LedgerOptions().keep_batches;
  CLI::App app(kAbout, flags.common.program);
  app.footer(kExamples);
  AddControllerFlag(app, flags.common);
  app.add_option("--disk", flags.journal_bytes,
                 "how much of results it keeps there; when full, those of batches that have ended "
                 "are dropped, and then no more tasks are handed out. Without it all that the disk "
                 "of --state has")
      ->transform(Bytes(kDiskMin, kDiskMax))
      ->type_name("BYTES");
  app.add_option("--keep", keep_batches,
                 "of so many batches that have ended the results are kept, of the newest; without "
                 "it of all, as far as there is room. `fanmill prune` drops those of one")
      ->check(CLI::PositiveNumber)
      ->type_name("BATCHES");
  return RunDaemon(app, flags, argc, argv, [&] { return Serve(flags, keep_batches); });
}

}  // namespace
}  // namespace fanmill

int main(int argc, char** argv) { return fanmill::Main(argc, argv); }
