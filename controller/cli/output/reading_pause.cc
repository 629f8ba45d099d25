#include "controller/cli/output/reading_pause.h"

#include <algorithm>

namespace fanmill::cli {

void ReadingPause::OnFull(Instant now, std::optional<Seen> seen) {
  if (!since_.has_value()) since_ = now;
  if (seen.has_value() && !seen->runs) {
    read_until_ = std::max(seen->ended, taken_ + 1);  // what was seen may be old
  } else if (now - *since_ >= kReadOnAfter) {
    since_ = now;
    read_until_ = taken_ + 1;
  }
}

}  // namespace fanmill::cli
