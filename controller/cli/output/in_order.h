// InOrder: passes tasks on in the order of their numbers. Of the task whose turn it is everything
// passes at once; what comes too early waits, in memory or in a file.
//
// Beyond its limits it takes all the same, and says that it is full: whoever fills it stops, until
// the task that all wait for has ended.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_IN_ORDER_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_IN_ORDER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "controller/cli/output/stage.h"
#include "controller/cli/output/text_store.h"

namespace fanmill::cli {

struct OrderLimits {
  uint64_t tasks = 200'000;
  uint64_t memory_bytes = 32 << 20;  // of texts; more of them go to the file
  // Half of what is free there at the first use of the file, if that is less.
  uint64_t disk_bytes = uint64_t{16} << 30;
};

class InOrder final : public Stage {
 public:
  // `next` outlives it. `directory`: of the file, if it comes to one.
  InOrder(Stage& next, std::string directory, OrderLimits limits = {});

  absl::Status Take(const client::Result& result, const std::string* payload) override;
  absl::Status Flush() override { return next_.Flush(); }

  // Whether something that waited can pass now.
  bool Due() const;
  // Passes on one piece of it. REQUIRES: Due().
  absl::Status Advance();
  // No more tasks end: those that wait need not wait for others any longer.
  void TakeNoMore() { over_ = true; }

  bool Full() const;
  std::string WhyFull() const;  // for a person, in few words

 private:
  struct Waiting {
    std::deque<TextStore::Text> pieces;
    bool ended = false;  // the last of them is its end
  };

  void LimitDisk();

  Stage& next_;
  std::string directory_;
  OrderLimits limits_;
  bool disk_limited_ = false;
  TextStore store_;
  std::map<uint64_t, Waiting> waiting_;  // by task
  uint64_t turn_ = 0;                    // the task that may pass
  bool over_ = false;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_IN_ORDER_H_
