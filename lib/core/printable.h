// Text that a peer or a person sent, made fit for a terminal and a log line.
#ifndef FANMILL_LIB_CORE_PRINTABLE_H_
#define FANMILL_LIB_CORE_PRINTABLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace fanmill {

// At most `bytes_max` bytes of valid UTF-8 on one line. Control characters (of ANSI sequences and
// C1 too), marks that turn the direction of writing, and bytes that are not UTF-8 become \n, \r,
// \t or \xNN. What is cut ends in "...", never inside a character or an escape.
std::string Printable(std::string_view text, size_t bytes_max);

// Whether all of it is UTF-8, as a protobuf string must be.
bool IsUtf8(std::string_view text);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_PRINTABLE_H_
