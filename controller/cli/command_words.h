// Where a line such as  submit --wait -- COMMAND WORD...  stops being ours: the words of COMMAND
// belong to the person's program and are never looked at as options.
#ifndef FANMILL_CONTROLLER_CLI_COMMAND_WORDS_H_
#define FANMILL_CONTROLLER_CLI_COMMAND_WORDS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace fanmill::cli {

// The name of the positional that takes a person's command.
inline constexpr char kCommandName[] = "COMMAND";

// Takes the words of COMMAND off the end of `words` (the command line without argv[0]) when the
// subcommand they name has such a positional: those after the first "--", or from the first word
// on that is neither an option nor an option's value. The parser itself would split "[a,b]" there.
// A "--" with nothing after it, as of a shell variable that is not set, gives one empty word.
std::vector<std::string> TakeCommandWords(const CLI::App& app, std::vector<std::string>& words);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_COMMAND_WORDS_H_
