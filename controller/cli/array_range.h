// "A-B" or "A-B:STEP", as --array takes it: the numbers A, A+STEP, ... up to B.
#ifndef FANMILL_CONTROLLER_CLI_ARRAY_RANGE_H_
#define FANMILL_CONTROLLER_CLI_ARRAY_RANGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace fanmill::cli {

struct ArrayRange {
  int64_t first = 0;
  int64_t step = 1;
  uint64_t count = 0;
};

// An error says what is wrong with the text.
absl::StatusOr<ArrayRange> ParseArray(const std::string& text);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_ARRAY_RANGE_H_
