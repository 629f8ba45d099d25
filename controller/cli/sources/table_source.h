// TableSource: each line is a row, and its columns are the values of one task.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_TABLE_SOURCE_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_TABLE_SOURCE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "controller/cli/sources/line_reader.h"
#include "controller/cli/sources/value_source.h"

namespace fanmill::cli {

// How a row is cut. Quotes as RFC 4180 has them: a column between double quotes may hold
// separators, line ends, and "" for one quote.
struct TableFormat {
  std::string separator = ",";  // REQUIRES: with quotes one byte
  bool quotes = false;
};

class TableSource : public ValueSource {
 public:
  TableSource(LineReader lines, TableFormat format);

  // Empty lines are left out. A row of another number of columns than the first is an error that
  // names its line, as is a quote where none can be.
  absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) override;
  std::string Where() const override { return lines_.Where(row_line_); }

 private:
  enum class State { kBegin, kPlain, kQuoted, kAfterQuote };  // of a column

  absl::Status TakeLine(std::string_view line);
  absl::Status TakeQuotedLine(std::string_view line);
  void TakePlainLine(std::string_view line);
  void BeginColumn();
  absl::Status CheckColumns();
  absl::Status Wrong(const std::string& what) const;

  LineReader lines_;
  TableFormat format_;
  State state_ = State::kBegin;
  std::vector<std::string>
      columns_;  // of the row; more than column_count_ are kept for their memory
  size_t column_count_ = 0;
  size_t row_bytes_ = 0;
  uint64_t row_line_ = 0;
  uint64_t first_line_ = 0;  // of the first row
  size_t first_columns_ = 0;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_TABLE_SOURCE_H_
