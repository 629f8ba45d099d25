#include "controller/cli/sources/grouped_source.h"

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"

namespace fanmill::cli {

absl::StatusOr<Got> GroupedSource::Next(Duration timeout, std::vector<std::string_view>& values) {
  if (std::exchange(given_, false)) {
    bytes_.clear();
    ends_.clear();
  }
  while (ends_.size() < per_task_) {
    const absl::StatusOr<Got> got = source_->Next(timeout, one_);
    if (!got.ok() || *got == Got::kNothingYet) return got;
    if (*got == Got::kEnd && ends_.empty()) return Got::kEnd;
    if (*got == Got::kEnd) break;
    bytes_ += one_[0];
    ends_.push_back(bytes_.size());
    if (bytes_.size() > kTaskPayloadBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(), ": with it the values of one task have more than ",
                       kTaskPayloadBytesMax, " bytes: give each task fewer with -n"));
    }
  }
  values.clear();
  size_t begin = 0;
  for (const size_t end : ends_) {
    values.push_back(std::string_view(bytes_).substr(begin, end - begin));
    begin = end;
  }
  given_ = true;
  return Got::kOne;
}

}  // namespace fanmill::cli
