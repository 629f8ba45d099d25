// Several values of one task in one payload ("packed"): each as a varint of its length, then its
// bytes.
#ifndef FANMILL_LIB_CORE_VALUES_H_
#define FANMILL_LIB_CORE_VALUES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanmill {

// Appends one more value to a packed payload.
void PackValue(std::string_view value, std::string& payload);

// The values, which lie inside the payload. Nothing when it is not a packed one, or has more than
// kValuesPerTaskMax.
std::optional<std::vector<std::string_view>> UnpackValues(std::string_view payload);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_VALUES_H_
