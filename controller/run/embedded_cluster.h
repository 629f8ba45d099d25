// EmbeddedCluster: a whole cluster in one process, for one machine: the four nodes that the
// executables have, each with a loop on a thread of its own, over inproc://. What it holds is in
// memory, and in unnamed files of one directory.
#ifndef FANMILL_CONTROLLER_RUN_EMBEDDED_CLUSTER_H_
#define FANMILL_CONTROLLER_RUN_EMBEDDED_CLUSTER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "controller/run/stop_button.h"
#include "lib/client/options.h"
#include "lib/core/node.h"
#include "lib/io/loop.h"
#include "lib/io/sockets.h"
#include "worker/executor.h"
#include "worker/slot_table.h"

namespace fanmill {

struct EmbeddedOptions {
  ExecutorOptions executor;                                  // its spill_dir takes results too
  uint64_t pid = 0;                                          // who hears signals, for people
  uint64_t results_bytes_max = uint64_t{4} << 30;            // that nobody has read yet, on disk
  std::function<void()> on_worker_left = {};                 // on a thread of the cluster
  std::function<void(const absl::Status&)> on_trouble = {};  // likewise: results cannot be kept
};

class EmbeddedCluster {
 public:
  // As many slots as the table has. The table outlives it.
  static absl::StatusOr<std::unique_ptr<EmbeddedCluster>> Start(const EmbeddedOptions& options,
                                                                SlotTable& table);
  // Kills what runs, and waits for its end. No client is left by then.
  ~EmbeddedCluster();

  // How a client in this process reaches it.
  client::Options ForClients() const;
  // The worker ends what runs, begins nothing more, and leaves.
  void DrainWorker() { stop_worker_.Press(); }
  // It kills what runs, and does not wait for who reads lines that are not printed yet.
  void KillWorker() {
    executor_.AbandonLines();
    stop_worker_.Press(2);
  }
  uint32_t running() const { return running_; }  // tasks, now

 private:
  EmbeddedCluster(const EmbeddedOptions& options, SlotTable& table,
                  std::unique_ptr<Sockets> sockets);
  void RunController();
  void RunVentilator();
  void RunSink();
  void RunWorker();
  Loop MakeLoop(const char* program) const;
  template <class Options>
  Options Introduced() const;

  const EmbeddedOptions options_;
  SlotTable& table_;
  const std::unique_ptr<Sockets> sockets_;
  Executor executor_;  // outlives the worker's loop
  std::atomic<uint32_t> running_{0};
  StopButton stop_controller_, stop_ventilator_, stop_sink_, stop_worker_;
  std::thread controller_, ventilator_, sink_, worker_;
};

}  // namespace fanmill

#endif  // FANMILL_CONTROLLER_RUN_EMBEDDED_CLUSTER_H_
