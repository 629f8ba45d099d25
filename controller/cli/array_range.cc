#include "controller/cli/array_range.h"

#include <charconv>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kTextShownBytesMax = 60;

// Digits only: no sign, so that "1--5" is none.
bool TakeNumber(const char*& at, const char* end, int64_t& number) {
  if (at == end || *at < '0' || *at > '9') return false;
  const auto [next, error] = std::from_chars(at, end, number);
  if (error != std::errc()) return false;
  at = next;
  return true;
}

bool TakeSign(const char*& at, const char* end, char sign) {
  if (at == end || *at != sign) return false;
  ++at;
  return true;
}

}  // namespace

absl::StatusOr<ArrayRange> ParseArray(const std::string& text) {
  const std::string shown = absl::StrCat("--array '", Printable(text, kTextShownBytesMax), "'");
  ArrayRange range;
  int64_t last = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  bool fits =
      TakeNumber(at, end, range.first) && TakeSign(at, end, '-') && TakeNumber(at, end, last);
  if (fits && at != end) fits = TakeSign(at, end, ':') && TakeNumber(at, end, range.step);
  if (!fits || at != end) {
    return absl::InvalidArgumentError(
        absl::StrCat(shown, " is not FIRST-LAST or FIRST-LAST:STEP, such as 1-1000 or 0-100:10"));
  }
  if (last < range.first) {
    return absl::InvalidArgumentError(
        absl::StrCat(shown, " is empty: its first number is above its last"));
  }
  if (range.step == 0) {
    return absl::InvalidArgumentError(absl::StrCat(shown, " never ends: STEP must be 1 or more"));
  }
  range.count = static_cast<uint64_t>(last - range.first) / static_cast<uint64_t>(range.step) + 1;
  if (range.count > kTasksPerBatchMax) {
    return absl::InvalidArgumentError(absl::StrCat(shown, " has ", range.count,
                                                   " tasks; a batch has at most ",
                                                   kTasksPerBatchMax, ": submit it in parts"));
  }
  return range;
}

}  // namespace fanmill::cli
