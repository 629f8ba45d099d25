// LineSource: each line is one value.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_LINE_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_LINE_SOURCE_H_

#include <string>
#include <utility>

#include "controller/cli/sources/line_reader.h"
#include "controller/cli/sources/value_source.h"

namespace fanmill::cli {

class LineSource : public ValueSource {
 public:
  explicit LineSource(LineReader lines) : lines_(std::move(lines)) {}

  absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) override {
    values.resize(1);
    return lines_.Next(timeout, values[0]);
  }
  std::string Where() const override { return lines_.Where(); }

 private:
  LineReader lines_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_LINE_SOURCE_H_
