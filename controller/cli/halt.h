// Halt: when a batch is to be stopped for how its tasks end, as --halt says. Pure.
#ifndef FANMILL_CONTROLLER_CLI_HALT_H_
#define FANMILL_CONTROLLER_CLI_HALT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace fanmill::cli {

class Halt {
 public:
  enum class How { kNever, kSoon, kNow };  // kSoon: what runs may end

  // A percentage counts from this many tasks on that ended so.
  static constexpr uint64_t kForPercentMin = 3;

  // Never.
  Halt() = default;
  // "soon,fail=1", "now,success=3", "soon,fail=10%", "never". A percentage is of the tasks that
  // have ended so far.
  static absl::StatusOr<Halt> Parse(const std::string& text);

  // A task ended. What to do from now on: once it is not kNever it stays.
  How OnEnd(bool ok);
  // Why, for a person: "3 tasks failed".
  std::string Why() const;

 private:
  How how_ = How::kNever;
  bool on_ok_ = false;
  uint64_t count_ = 1;    // so many, unless
  uint64_t percent_ = 0;  // above 0
  uint64_t ended_ = 0;
  uint64_t such_ = 0;  // of these, those that it is about
  bool due_ = false;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_HALT_H_
