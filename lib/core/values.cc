#include "lib/core/values.h"

#include <cstdint>

#include "lib/core/limits.h"

namespace fanmill {
namespace {

constexpr int kBitsPerByte = 7;
constexpr int kBitsMax = 28;  // a length below 2^28: more than any payload has
constexpr unsigned char kMore = 0x80;

std::optional<size_t> TakeLength(std::string_view& rest) {
  size_t length = 0;
  for (int bits = 0; bits < kBitsMax && !rest.empty(); bits += kBitsPerByte) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    length |= static_cast<size_t>(byte & ~kMore & 0xff) << bits;
    if ((byte & kMore) == 0) return length;
  }
  return std::nullopt;
}

}  // namespace

void PackValue(std::string_view value, std::string& payload) {
  size_t length = value.size();
  for (; length >= kMore; length >>= kBitsPerByte) {
    payload += static_cast<char>(length | kMore);
  }
  payload += static_cast<char>(length);
  payload += value;
}

std::optional<std::vector<std::string_view>> UnpackValues(std::string_view payload) {
  std::vector<std::string_view> values;
  while (!payload.empty()) {
    const std::optional<size_t> length = TakeLength(payload);
    if (!length || *length > payload.size() || values.size() == kValuesPerTaskMax) {
      return std::nullopt;
    }
    values.push_back(payload.substr(0, *length));
    payload.remove_prefix(*length);
  }
  return values;
}

}  // namespace fanmill
