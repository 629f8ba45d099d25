// JsonlSource: each line is JSON, and gives the values of one task: a string as it is, any other
// value as its JSON text.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_JSONL_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_JSONL_SOURCE_H_

#include <deque>
#include <string>
#include <vector>

#include "controller/cli/sources/json_text.h"
#include "controller/cli/sources/line_reader.h"
#include "controller/cli/sources/value_source.h"

namespace fanmill::cli {

// What is wanted of a line.
struct JsonlWanted {
  // Of an object: the values of these. None: the elements of an array, else the line as one value.
  std::vector<std::string> keys;
  std::string last_key;  // the value of this comes behind them; empty: none does
};

class JsonlSource : public ValueSource {
 public:
  JsonlSource(LineReader lines, JsonlWanted wanted);

  // Empty lines are left out. A line that is not JSON, or is not what is wanted, is an error that
  // names it.
  absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) override;
  std::string Where() const override { return lines_.Where(); }

 private:
  absl::Status TakeLine(std::string_view line, std::vector<std::string_view>& values);
  absl::StatusOr<std::string_view> Find(const JsonText& text, const std::string& key);
  std::string_view Keep(std::string_view json);
  absl::Status Wrong(const std::string& what) const;

  LineReader lines_;
  JsonlWanted wanted_;
  std::deque<std::string> decoded_;  // strings that had escapes
  std::string key_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_JSONL_SOURCE_H_
