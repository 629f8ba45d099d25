#include "controller/cli/json_text.h"

#include <cstddef>
#include <cstdint>

namespace fanmill::cli {
namespace {

// How many bytes the character at the begin of `text` has; 0 when it is not valid UTF-8 (RFC 3629:
// neither overlong, nor a surrogate, nor above U+10FFFF).
size_t CharacterBytes(std::string_view text) {
  const auto byte = [text](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const auto goes_on = [&byte](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return goes_on(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return goes_on(1) && goes_on(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return goes_on(1) && goes_on(2) && goes_on(3) ? 4 : 0;
  }
  return 0;
}

void AppendAscii(char c, std::string& to) {
  constexpr char kHex[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    to += '\\';
    to += c;
  } else if (c == '\n') {
    to += "\\n";
  } else if (c == '\t') {
    to += "\\t";
  } else if (c == '\r') {
    to += "\\r";
  } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
    to += "\\u00";
    to += kHex[static_cast<uint8_t>(c) >> 4];
    to += kHex[static_cast<uint8_t>(c) & 15];
  } else {
    to += c;
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& to) {
  to += '"';
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    if (bytes == 1) {
      AppendAscii(text[0], to);
    } else if (bytes == 0) {
      to += "\\ufffd";
    } else {
      to += text.substr(0, bytes);
    }
    text.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  to += '"';
}

}  // namespace fanmill::cli
