#include "controller/cli/sources/table_source.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"

namespace fanmill::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";  // as some programs begin a file

}  // namespace

TableSource::TableSource(LineReader lines, TableFormat format)
    : lines_(std::move(lines)), format_(std::move(format)) {}

absl::StatusOr<Got> TableSource::Next(Duration timeout, std::vector<std::string_view>& values) {
  do {
    std::string_view line;
    const absl::StatusOr<Got> got = lines_.Next(timeout, line);
    if (!got.ok() || *got == Got::kNothingYet) return got;
    if (*got == Got::kEnd) {
      if (state_ == State::kQuoted) return Wrong("a quote is opened and never closed");
      return Got::kEnd;
    }
    if (lines_.lines() == 1 && line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    if (absl::Status taken = TakeLine(line); !taken.ok()) return taken;
  } while (state_ == State::kQuoted || column_count_ == 0);
  if (absl::Status checked = CheckColumns(); !checked.ok()) return checked;
  values.clear();
  for (size_t i = 0; i < column_count_; ++i) values.push_back(columns_[i]);
  return Got::kOne;
}

absl::Status TableSource::TakeLine(std::string_view line) {
  if (state_ != State::kQuoted) {
    column_count_ = 0;
    row_bytes_ = 0;
    row_line_ = lines_.lines();
    if (line.empty()) return absl::OkStatus();
    BeginColumn();
  }
  row_bytes_ += line.size() + 1;
  if (row_bytes_ > kTaskPayloadBytesMax) {
    return Wrong(absl::StrCat("the row has more than ", kTaskPayloadBytesMax,
                              " bytes; is a quote never closed?"));
  }
  if (format_.quotes) return TakeQuotedLine(line);
  TakePlainLine(line);
  return absl::OkStatus();
}

void TableSource::BeginColumn() {
  if (column_count_ == columns_.size()) columns_.emplace_back();
  columns_[column_count_++].clear();
  state_ = State::kBegin;
}

void TableSource::TakePlainLine(std::string_view line) {
  while (true) {
    const size_t end = line.find(format_.separator);
    columns_[column_count_ - 1] = line.substr(0, end);
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + format_.separator.size());
    BeginColumn();
  }
}

absl::Status TableSource::TakeQuotedLine(std::string_view line) {
  if (state_ == State::kQuoted) columns_[column_count_ - 1] += '\n';
  for (const char c : line) {
    std::string& column = columns_[column_count_ - 1];
    if (state_ == State::kQuoted) {
      if (c == '"') {
        state_ = State::kAfterQuote;
      } else {
        column += c;
      }
    } else if (c == format_.separator[0]) {
      BeginColumn();
    } else if (c == '"' && state_ == State::kBegin) {
      state_ = State::kQuoted;
    } else if (c == '"' && state_ == State::kAfterQuote) {
      column += c;
      state_ = State::kQuoted;
    } else if (state_ == State::kAfterQuote) {
      return Wrong(
          absl::StrCat("column ", column_count_,
                       " goes on after its closing quote; a quote inside is written \"\""));
    } else {
      column += c;
      state_ = State::kPlain;
    }
  }
  if (state_ != State::kQuoted) state_ = State::kBegin;
  return absl::OkStatus();
}

absl::Status TableSource::CheckColumns() {
  if (first_columns_ == 0) {
    first_columns_ = column_count_;
    first_line_ = row_line_;
  }
  if (column_count_ > kValuesPerTaskMax) {
    return Wrong(
        absl::StrCat("the row has ", column_count_, " columns; the most is ", kValuesPerTaskMax));
  }
  if (column_count_ == first_columns_) return absl::OkStatus();
  return Wrong(absl::StrCat("the row has ", column_count_, " columns, and the first (line ",
                            first_line_, ") has ", first_columns_));
}

absl::Status TableSource::Wrong(const std::string& what) const {
  return absl::InvalidArgumentError(absl::StrCat(Where(), ": ", what));
}

}  // namespace fanmill::cli
