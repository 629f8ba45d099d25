#include "controller/cli/output/one_line_command.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_format.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kCharacterBytesMax = 4;
constexpr size_t kEscapedBytesMax = 64;

bool IsAscii(char byte) { return byte >= ' ' && byte <= '~'; }

// How many bytes the harmless character takes that the text begins with; 0: there is none.
size_t HarmlessBytes(std::string_view text) {
  for (size_t bytes = 1; bytes <= std::min(kCharacterBytesMax, text.size()); ++bytes) {
    if (Printable(text.substr(0, bytes), kEscapedBytesMax) == text.substr(0, bytes)) return bytes;
  }
  return 0;
}

}  // namespace

std::string OneLineCommand(std::string_view command) {
  std::string line;
  bool escaping = false;
  while (!command.empty()) {
    const size_t harmless = IsAscii(command[0]) ? 1 : HarmlessBytes(command);
    if ((harmless == 0) != escaping) line += escaping ? "''" : "'$'";
    escaping = harmless == 0;
    if (escaping) {
      line += absl::StrFormat("\\x%02x", static_cast<unsigned char>(command[0]));
    } else {
      line += command.substr(0, harmless);
    }
    command.remove_prefix(std::max<size_t>(harmless, 1));
  }
  return line;
}

}  // namespace fanmill::cli
