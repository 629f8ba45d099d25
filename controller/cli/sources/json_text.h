// One line of JSON, cut into its parts as they stand there, so that a number keeps its every digit.
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_JSON_TEXT_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_JSON_TEXT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanmill::cli {

struct JsonPart {
  std::string_view key;  // of an object's member, as it stands there: with its quotes
  std::string_view value;
};

struct JsonText {
  enum class Kind { kObject, kArray, kString, kOther };

  Kind kind = Kind::kOther;
  std::vector<JsonPart> parts;  // members or elements; of all else the whole alone
};

// Nothing when the line is not one JSON value.
std::optional<JsonText> CutJson(std::string_view line);

// A string's text without quotes and escapes, any other value as it stands there. The result lies
// in the value, or in `decoded`.
std::string_view JsonValue(std::string_view value, std::string& decoded);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_JSON_TEXT_H_
