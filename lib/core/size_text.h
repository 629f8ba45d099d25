// A number of bytes as people read it.
#ifndef FANMILL_LIB_CORE_SIZE_TEXT_H_
#define FANMILL_LIB_CORE_SIZE_TEXT_H_

#include <cstdint>
#include <string>

namespace fanmill {

// Rounded down: "17 bytes", "512 KiB", "1.5 GiB"; tenths from GiB on.
std::string SizeText(uint64_t bytes);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_SIZE_TEXT_H_
