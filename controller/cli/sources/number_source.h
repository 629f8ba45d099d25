// NumberSource: the numbers of a range, one by one, where they cannot go as a range.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_NUMBER_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_NUMBER_SOURCE_H_

#include <string>

#include "controller/cli/array_range.h"
#include "controller/cli/sources/value_source.h"

namespace fanmill::cli {

class NumberSource : public ValueSource {
 public:
  explicit NumberSource(const ArrayRange& range) : range_(range) {}

  absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) override {
    if (given_ == range_.count) return Got::kEnd;
    text_ = std::to_string(range_.first + static_cast<int64_t>(given_) * range_.step);
    ++given_;
    values.assign(1, text_);
    return Got::kOne;
  }
  std::string Where() const override { return "number " + text_ + " of --array"; }

 private:
  ArrayRange range_;
  uint64_t given_ = 0;
  std::string text_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_NUMBER_SOURCE_H_
