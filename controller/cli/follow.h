// Follows a batch to its end: prints what its tasks wrote, remembers what failed.
#ifndef FANMILL_CONTROLLER_CLI_FOLLOW_H_
#define FANMILL_CONTROLLER_CLI_FOLLOW_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/client/cluster.h"
#include "lib/client/result_reader.h"

namespace fanmill::cli {

enum class Print { kNothing, kOutput, kJson };

struct Followed {
  bool ended = false;        // false: stopped before its end
  client::BatchEnd end;
  std::vector<std::string> first_failures;  // at most kFailuresShownMax sentences
};

inline constexpr size_t kFailuresShownMax = 10;

// Until the end, until `stop` returns true, or an error. Each task's output comes whole, stdout
// then stderr. Asks `stop` at least every 200 ms.
absl::StatusOr<Followed> Follow(client::Cluster& cluster, uint32_t batch, Print print,
                                const std::function<bool()>& stop);

// The exit code of a batch that ended, and the words about it on stderr.
int Conclude(uint32_t batch, const Followed& followed);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_FOLLOW_H_
