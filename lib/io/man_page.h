// The manual page of a command, in the language of man(7), made of the same definitions as its
// --help. Texts of --help need no markup for it: lines that begin with spaces are examples, and a
// paragraph that begins with "Exit codes:" is the table of those.
#ifndef FANMILL_LIB_IO_MAN_PAGE_H_
#define FANMILL_LIB_IO_MAN_PAGE_H_

#include <CLI/CLI.hpp>
#include <string>

namespace fanmill {

std::string ManPage(const CLI::App& app);

// --man-page prints the page of the command, or of the subcommand before it, and ends like --help.
// It is for the build, so that no help shows it.
void AddManPageFlag(CLI::App& app);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_MAN_PAGE_H_
