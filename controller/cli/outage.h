// Outage: the silence of one whom a command that follows a batch goes on asking, and what a person
// is told of it: once when it has lasted for a while, and once when it is over. Pure.
#ifndef FANMILL_CONTROLLER_CLI_OUTAGE_H_
#define FANMILL_CONTROLLER_CLI_OUTAGE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/instant.h"

namespace fanmill::cli {

class Outage {
 public:
  static constexpr Duration kToldAfter = Seconds(4);

  // `who`: "the controller".
  Outage(std::string who, uint32_t batch) : who_(std::move(who)), batch_(batch) {}

  // Whether it has ever answered: until then there may be nobody to wait for.
  bool known() const { return known_; }
  // Each returns what to say now; empty: nothing.
  std::string OnAnswer();
  std::string OnSilence(Instant now);

 private:
  const std::string who_;
  const uint32_t batch_;
  bool known_ = false;
  bool told_ = false;
  std::optional<Instant> since_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTAGE_H_
