#include "controller/cli/outage.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fanmill::cli {

std::string Outage::OnAnswer() {
  known_ = true;
  since_.reset();
  if (!std::exchange(told_, false)) return {};
  return absl::StrCat("batch ", batch_, ": ", who_, " answers again");
}

std::string Outage::OnSilence(Instant now) {
  if (!since_.has_value()) since_ = now;
  if (now < *since_ + kToldAfter || std::exchange(told_, true)) return {};
  return absl::StrCat("batch ", batch_, ": ", who_,
                      " does not answer; this command goes on asking until it does, or until "
                      "Ctrl-C, which stops nothing else");
}

}  // namespace fanmill::cli
