// ValueSource: the values of one task after another, from wherever a person has them.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_VALUE_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_VALUE_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/core/instant.h"

namespace fanmill::cli {

enum class Got { kOne, kNothingYet, kEnd };

class ValueSource {
 public:
  virtual ~ValueSource() = default;

  // Waits up to `timeout` for the values of the next task, which are good until the next call. A
  // signal ends the wait early.
  virtual absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) = 0;
  // Where these last ones stand, for a person: "line 3 of stdin".
  virtual std::string Where() const = 0;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_VALUE_SOURCE_H_
