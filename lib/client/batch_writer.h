// BatchWriter: opens a batch, streams its tasks to the ventilator with backpressure, seals it.
#ifndef FANMILL_LIB_CLIENT_BATCH_WRITER_H_
#define FANMILL_LIB_CLIENT_BATCH_WRITER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/client/cluster.h"
#include "lib/client/options.h"

namespace fanmill::client {

class BatchWriter {
 public:
  // The cluster outlives the writer.
  static absl::StatusOr<std::unique_ptr<BatchWriter>> Open(Cluster& cluster, const BatchSpec& spec);
  ~BatchWriter();

  uint32_t batch() const;
  uint64_t added() const;  // tasks given to Add so far

  // Adds the next task. Blocks while the ventilator has no room. The payload is at most 1 MiB.
  absl::Status Add(std::string_view payload, std::optional<Duration> cost = {});
  // Adds `count` tasks whose payloads are the numbers start, start + step, ... No memory per task.
  absl::Status AddRange(int64_t start, int64_t step, uint64_t count);
  // Sends what waits to be sent, without waiting for its answer. For producers that pause.
  absl::Status Flush();
  // Returns once everything added is durable and the batch is closed to more.
  absl::Status Seal();

 private:
  struct State;
  explicit BatchWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_BATCH_WRITER_H_
