// Tally: what is counted of results as they come, for the line of progress and for --halt.
#ifndef FANMILL_CONTROLLER_RUN_TALLY_H_
#define FANMILL_CONTROLLER_RUN_TALLY_H_

#include <cstdint>
#include <mutex>
#include <string>

#include "controller/cli/halt.h"
#include "controller/cli/progress.h"
#include "controller/run/embedded_cluster.h"
#include "lib/client/result_reader.h"
#include "lib/io/clock.h"
#include "lib/io/pause_hook.h"

namespace fanmill::cli {

// For any thread.
class Tally {
 public:
  Tally(Halt halt, EmbeddedCluster& cluster, uint32_t slots) : halt_(halt), cluster_(cluster) {
    facts_.slots = slots;
  }

  // True once it is time to halt, which has begun then.
  bool OnResult(const client::Result& result);
  void OnPause(const std::string& why);
  void OnSealed(uint64_t tasks);
  uint64_t outputs_cut();  // of how many tasks not all could be kept
  // Elapsed is without the time for which the process was stopped (Ctrl-Z).
  ProgressFacts Facts();

 private:
  void OnStopped(bool stopped);

  std::mutex mutex_;
  Halt halt_;
  bool halted_ = false;
  uint64_t outputs_cut_ = 0;
  EmbeddedCluster& cluster_;
  ProgressFacts facts_;
  Instant begun_ = Now();
  Instant stopped_ = kNever;
  PauseHook hook_{[this] { OnStopped(true); }, [this] { OnStopped(false); }};
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_RUN_TALLY_H_
