// A result as bytes and back, within one process.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_PACKED_RESULT_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_PACKED_RESULT_H_

#include <optional>
#include <string>
#include <string_view>

#include "lib/client/result_reader.h"

namespace fanmill::cli {

std::string PackResult(const client::Result& result, const std::string* payload);

struct UnpackedResult {
  client::Result result;
  std::optional<std::string> payload;
};
// REQUIRES: what PackResult returned.
UnpackedResult UnpackResult(std::string_view packed);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_PACKED_RESULT_H_
