// Text as a JSON string. Values and outputs of tasks are any bytes; JSON is UTF-8.
#ifndef FANMILL_CONTROLLER_CLI_JSON_TEXT_H_
#define FANMILL_CONTROLLER_CLI_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace fanmill::cli {

// Appends `text` in quotes. Each byte that is no part of valid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string& to);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_JSON_TEXT_H_
