// Durations as people write them: "50ms", "1.5s", "2m", "1h", "300us"; a bare number is seconds.
#ifndef FANMILL_LIB_CORE_DURATION_TEXT_H_
#define FANMILL_LIB_CORE_DURATION_TEXT_H_

#include <optional>
#include <string>
#include <string_view>

#include "lib/core/instant.h"

namespace fanmill {

// Nothing when it is no duration, is negative, or is above 10 years.
std::optional<Duration> ParseDuration(std::string_view text);
// The shortest exact form with one unit: "50ms", "1500ms", "2s".
std::string FormatDuration(Duration duration);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_DURATION_TEXT_H_
