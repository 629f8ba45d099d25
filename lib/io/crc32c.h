// CRC32C (Castagnoli), as RFC 3720, appendix B.4, has it: what a row of a journal is checked by.
#ifndef FANMILL_LIB_IO_CRC32C_H_
#define FANMILL_LIB_IO_CRC32C_H_

#include <cstdint>
#include <string_view>

namespace fanmill {

// Of the bytes; goes on from the sum of those before them.
uint32_t Crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_CRC32C_H_
