// fanmill prune: drops the results of batches that have ended.
#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/core/size_text.h"

namespace fanmill::cli {
namespace {

// Those that ended, but for the newest `keep`.
absl::StatusOr<std::vector<uint32_t>> Older(client::Cluster& cluster, uint64_t keep) {
  absl::StatusOr<client::ClusterStatus> status = cluster.Status();
  if (!status.ok()) return status.status();
  std::vector<uint32_t> ended;
  for (const client::BatchStatus& batch : status->batches) {
    if (batch.ended) ended.push_back(batch.batch);
  }
  std::sort(ended.begin(), ended.end());
  ended.resize(ended.size() - std::min<uint64_t>(keep, ended.size()));
  return ended;
}

int Prune(const ClusterOptions& options, std::vector<uint32_t> batches,
          std::optional<uint64_t> keep) {
  if (batches.empty() && !keep.has_value()) {
    return Complain(absl::InvalidArgumentError(
        "prune needs BATCH numbers, or --keep N for all but the newest N that have ended; "
        "`fanmill list` shows what there is"));
  }
  auto cluster = Connect(options);
  if (!cluster.ok()) return Complain(cluster.status());
  if (keep.has_value()) {
    absl::StatusOr<std::vector<uint32_t>> older = Older(**cluster, *keep);
    if (!older.ok()) return Complain(older.status());
    batches = *std::move(older);
  }
  uint64_t dropped = 0;
  uint64_t bytes = 0;
  for (const uint32_t batch : batches) {
    absl::StatusOr<uint64_t> freed = (*cluster)->Prune(batch);
    if (!freed.ok()) {
      // The sink has let go of it altogether: there is nothing to drop.
      if (keep.has_value() && absl::IsNotFound(freed.status())) continue;
      return Complain(freed.status());
    }
    dropped += *freed > 0 ? 1 : 0;
    bytes += *freed;
  }
  Say(absl::StrCat("dropped the results of ", dropped, dropped == 1 ? " batch, " : " batches, ",
                   SizeText(bytes)));
  return kExitOk;
}

}  // namespace

void AddPrune(CLI::App& app, CommandLine& line) {
  struct Options {
    std::vector<uint32_t> batches;
    std::optional<uint64_t> keep;
  };
  auto options = std::make_shared<Options>();
  CLI::App* prune = app.add_subcommand("prune", "Drop the results of batches that have ended.");
  prune->footer(
      "Their reports stay. `fanmill-sink --keep N` does it by itself.\n"
      "  fanmill prune 3 4 5\n"
      "  fanmill prune --keep 10                   all but the newest ten that have ended");
  CLI::Option* batches = AddBatchNumbers(*prune, options->batches);
  prune->add_option("--keep", options->keep, "all that have ended but the newest N")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N")
      ->excludes(batches);
  prune->callback([&line, options] {
    line.chosen = [&line, options] { return Prune(line.cluster, options->batches, options->keep); };
  });
}

}  // namespace fanmill::cli
