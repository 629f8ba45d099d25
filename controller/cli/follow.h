// Follows a batch to its end: prints what its tasks wrote, remembers what failed.
#ifndef FANMILL_CONTROLLER_CLI_FOLLOW_H_
#define FANMILL_CONTROLLER_CLI_FOLLOW_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "controller/cli/failures.h"
#include "lib/client/cluster.h"
#include "lib/client/result_reader.h"

namespace fanmill::cli {

enum class Print { kNothing, kOutput, kJson };

struct Followed {
  bool ended = false;        // false: stopped before its end
  bool reader_gone = false;  // because nobody reads stdout any more
  client::BatchEnd end;
  Failures failures;
};

// Until the end, until `stop` returns true, or an error. Each task's output comes whole, stdout
// then stderr. Says on stderr why nothing moves when nothing has for a second. Asks `stop` several
// times a second.
absl::StatusOr<Followed> Follow(client::Cluster& cluster, uint32_t batch, Print print,
                                const std::function<bool()>& stop);

// Until the end or `stop`, by the controller's word alone: no result is read. Says likewise why
// nothing moves.
absl::StatusOr<client::BatchStatus> AwaitEnd(client::Cluster& cluster, uint32_t batch,
                                             const std::function<bool()>& stop);

// The report of the batch; of one that has just ended, with the last of the workers' accounts.
absl::StatusOr<client::Report> AwaitReport(client::Cluster& cluster, uint32_t batch);

// The exit code of a batch that ended, and the words about it on stderr.
int Conclude(uint32_t batch, const Followed& followed);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_FOLLOW_H_
