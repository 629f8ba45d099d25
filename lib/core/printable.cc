#include "lib/core/printable.h"

#include <cstdint>

namespace fanmill {
namespace {

struct Character {
  size_t bytes;  // how many it takes; 0: not UTF-8
  uint32_t code_point;
};

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// REQUIRES: not empty.
Character Next(std::string_view text) {
  const unsigned char lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {1, lead};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {0, 0};
  uint32_t code_point = lead & (0x7f >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if (!IsContinuation(text[i])) return {0, 0};
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
  }
  const bool overlong = (bytes == 3 && code_point < 0x800) || (bytes == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (overlong || surrogate || code_point > 0x10ffff) return {0, 0};
  return {bytes, code_point};
}

bool IsHarmless(uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
  const bool separator = c == 0x2028 || c == 0x2029;
  const bool turns_writing =
      c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return !control && !separator && !turns_writing;
}

std::string Escaped(std::string_view bytes) {
  if (bytes == "\n") return "\\n";
  if (bytes == "\r") return "\\r";
  if (bytes == "\t") return "\\t";
  constexpr char kDigits[] = "0123456789abcdef";
  std::string escaped;
  for (const char byte : bytes) {
    const unsigned char value = static_cast<unsigned char>(byte);
    escaped += {'\\', 'x', kDigits[value >> 4], kDigits[value & 15]};
  }
  return escaped;
}

}  // namespace

std::string Printable(std::string_view text, size_t bytes_max) {
  constexpr std::string_view kCut = "...";
  std::string printable;
  size_t cut_at = 0;  // the longest beginning that leaves room for the mark of a cut
  while (!text.empty()) {
    const Character next = Next(text);
    const std::string_view bytes = text.substr(0, next.bytes == 0 ? 1 : next.bytes);
    const bool plain = next.bytes > 0 && IsHarmless(next.code_point);
    const std::string piece = plain ? std::string(bytes) : Escaped(bytes);
    if (printable.size() + piece.size() > bytes_max) {
      printable.resize(cut_at);
      return printable += kCut.substr(0, bytes_max);
    }
    printable += piece;
    if (printable.size() + kCut.size() <= bytes_max) cut_at = printable.size();
    text.remove_prefix(bytes.size());
  }
  return printable;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = Next(text).bytes;
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace fanmill
