// A task's command made fit for a terminal and for one line of a log, so that a shell still reads
// it as what it was.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_ONE_LINE_COMMAND_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_ONE_LINE_COMMAND_H_

#include <string>
#include <string_view>

namespace fanmill::cli {

// Whatever would do something to a terminal, newlines among it, as $'\x0a', which bash, zsh and ksh
// read. REQUIRES: in `command` such characters stand in single quotes, as ShellQuote puts them.
std::string OneLineCommand(std::string_view command);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_ONE_LINE_COMMAND_H_
