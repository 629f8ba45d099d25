// Follows a batch to its end: gives its results to an Output, remembers what failed.
#ifndef FANMILL_CONTROLLER_CLI_FOLLOW_H_
#define FANMILL_CONTROLLER_CLI_FOLLOW_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "controller/cli/output/failures.h"
#include "controller/cli/output/output.h"
#include "lib/client/cluster.h"
#include "lib/client/result_reader.h"

namespace fanmill::cli {

// Whoever watches a batch being followed; each may be left out. All are called by the thread that
// follows.
struct Watch {
  std::function<bool()> stop = nullptr;  // asked several times a second: true ends it
  // Each result, parts of outputs too, before the output takes it.
  std::function<void(const client::Result&)> on_result = nullptr;
  // No more is read, for this reason, since the output is full; empty: it goes on. Without this,
  // it is said on stderr.
  std::function<void(const std::string& why)> on_pause = nullptr;
};

struct Followed {
  bool ended = false;        // false: stopped before its end
  bool reader_gone = false;  // because nobody reads stdout any more
  client::BatchEnd end;
  Failures failures;
};

// Until the end, until watch.stop() returns true, or an error. At the end, all of the output is
// printed. Says on stderr why nothing moves when nothing has for a second. Once the sink has
// answered, its silence is waited out, and that is said; kFailedPrecondition, with what became of
// the batch, when the cluster was shut down meanwhile.
absl::StatusOr<Followed> Follow(client::Cluster& cluster, uint32_t batch, Output& output,
                                const Watch& watch);

// Until the end or `stop`, by the controller's word alone: no result is read. Says likewise why
// nothing moves, and waits out the controller's silence.
absl::StatusOr<client::BatchStatus> AwaitEnd(client::Cluster& cluster, uint32_t batch,
                                             const std::function<bool()>& stop);

// The report of the batch; of one that has just ended, with the last of the workers' accounts.
// `ended`: the caller knows that it has, which the controller may hear a little later.
absl::StatusOr<client::Report> AwaitReport(client::Cluster& cluster, uint32_t batch,
                                           bool ended = false);

// The failures and the commands that run them again, on stderr.
void SayFailures(const Failures& failures);

// The exit code of a batch that ended, and the words about it on stderr.
int Conclude(uint32_t batch, const Followed& followed);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_FOLLOW_H_
