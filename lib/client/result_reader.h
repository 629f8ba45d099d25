// ResultReader: the results of a batch in the order in which they became durable, from a cursor
// on; can stop and come back.
#ifndef FANMILL_LIB_CLIENT_RESULT_READER_H_
#define FANMILL_LIB_CLIENT_RESULT_READER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "lib/client/cluster.h"

namespace fanmill::client {

// One task's terminal result; or, before it, a part of an output too large for one message.
struct Result {
  uint64_t task = 0;  // from 0
  bool part = false;  // only task, is_stderr and text hold: more of this task follows
  bool is_stderr = false;
  std::string text;
  std::string status;    // "ok", "failed", "signalled", "timed_out", "not_started", "lost"
  int32_t code = 0;      // exit code or signal
  uint64_t epoch = 0;    // of the ventilator that made the attempt
  uint32_t attempt = 0;  // 1: the first
  uint32_t worker = 0;
  Duration run{0};
  std::string value;
  std::string out;
  std::string err;       // of "not_started" and "lost": why, in Fanmill's words
  uint64_t dropped = 0;  // bytes of output beyond the limit, not kept

  bool ok() const { return status == "ok"; }
};

struct BatchEnd {
  bool cancelled = false;
  uint64_t ok = 0;
  uint64_t failed = 0;
  uint64_t cancelled_tasks = 0;
};

class ResultReader {
 public:
  // The cluster outlives the reader. cursor 0: from the beginning.
  ResultReader(Cluster& cluster, uint32_t batch, uint64_t cursor = 0);

  // Waits up to `timeout` for the next result. Nothing: none yet (end() tells whether there ever
  // will be one more). Sinks that do not answer are asked again until the patience is over.
  absl::StatusOr<std::optional<Result>> Next(Duration timeout);
  // Whether Next would return one without asking the sink.
  bool buffered() const { return !fetched_.empty(); }
  // How the batch ended, once every result was returned.
  const std::optional<BatchEnd>& end() const { return end_; }
  // Everything before it was returned.
  uint64_t cursor() const { return cursor_; }

 private:
  struct Fetched {
    Result result;
    uint64_t more;  // so many tasks behind it have the same
  };

  absl::Status Fetch(Duration timeout);

  Cluster& cluster_;
  uint32_t batch_;
  uint64_t cursor_;
  uint64_t next_cursor_;
  uint64_t asked_ = 0;  // the request that has no answer yet; 0: none
  std::deque<Fetched> fetched_;
  std::optional<BatchEnd> end_;
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_RESULT_READER_H_
