// GroupedSource: so many values of another source for each task; the last may have fewer.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_GROUPED_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_GROUPED_SOURCE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controller/cli/sources/value_source.h"

namespace fanmill::cli {

class GroupedSource : public ValueSource {
 public:
  GroupedSource(std::unique_ptr<ValueSource> values, size_t per_task)
      : source_(std::move(values)), per_task_(per_task) {}

  absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) override;
  std::string Where() const override { return source_->Where(); }  // of the last of them

 private:
  std::unique_ptr<ValueSource> source_;
  size_t per_task_;
  std::vector<std::string_view> one_;
  std::string bytes_;         // of the values gathered so far, side by side
  std::vector<size_t> ends_;  // of each of them
  bool given_ = false;        // these were returned
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_GROUPED_SOURCE_H_
