#include "lib/core/duration_text.h"

#include <algorithm>
#include <array>

namespace fanmill {
namespace {

struct Unit {
  std::string_view name;
  int64_t micros;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};
constexpr int64_t kMicrosMax = int64_t{10} * 365 * 24 * 3'600'000'000;

std::optional<int64_t> UnitMicros(std::string_view name) {
  if (name.empty()) return 1'000'000;
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.micros;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Duration> ParseDuration(std::string_view text) {
  const size_t number_bytes = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::optional<int64_t> unit = UnitMicros(text.substr(number_bytes));
  if (!unit) return std::nullopt;
  const std::string_view number = text.substr(0, number_bytes);
  const size_t point = number.find('.');
  const std::string_view whole = number.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view{} : number.substr(point + 1);
  if (whole.size() + fraction.size() == 0 || fraction.find('.') != std::string_view::npos) {
    return std::nullopt;
  }
  int64_t micros = 0;
  for (const char c : whole) {
    micros = micros * 10 + (c - '0') * *unit;
    if (micros > kMicrosMax) return std::nullopt;
  }
  // What is below a microsecond is cut off; an hour's tenth digit is.
  int64_t numerator = 0;
  int64_t denominator = 1;
  for (const char c : fraction.substr(0, 9)) {
    numerator = numerator * 10 + (c - '0');
    denominator *= 10;
  }
  micros += static_cast<int64_t>(static_cast<__int128>(numerator) * *unit / denominator);
  if (micros > kMicrosMax) return std::nullopt;
  return Micros(micros);
}

std::string FormatDuration(Duration duration) {
  const int64_t micros = duration.count();
  if (micros == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (micros % unit.micros == 0) {
      return std::to_string(micros / unit.micros).append(unit.name);
    }
  }
  return {};
}

}  // namespace fanmill
