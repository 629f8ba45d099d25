#include "lib/core/size_text.h"

namespace fanmill {

std::string SizeText(uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  if (bytes < uint64_t{1} << 20) return std::to_string(bytes >> 10) + " KiB";
  const uint64_t mib = bytes >> 20;
  if (mib < 1024) return std::to_string(mib) + " MiB";
  const uint64_t tenths = mib % 1024 * 10 / 1024;
  const std::string whole = std::to_string(mib / 1024);
  return whole + (tenths == 0 ? "" : "." + std::to_string(tenths)) + " GiB";
}

}  // namespace fanmill
