// ShellQuote: text as a POSIX shell reads it.
#ifndef FANMILL_LIB_CORE_SHELL_QUOTE_H_
#define FANMILL_LIB_CORE_SHELL_QUOTE_H_

#include <string>
#include <string_view>
#include <vector>

namespace fanmill {

// One word: as it is where that is one word already, else in quotes.
std::string ShellQuote(std::string_view text);
// One command.
std::string ShellQuote(const std::vector<std::string>& words);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_SHELL_QUOTE_H_
