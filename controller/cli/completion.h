// Completion of `fanmill` in shells, made of the same definitions as its --help: subcommands,
// options, values that are one of a few, files where FILE or DIR is meant. Behind the first word of
// COMMAND the completion is that command's own.
#ifndef FANMILL_CONTROLLER_CLI_COMPLETION_H_
#define FANMILL_CONTROLLER_CLI_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace fanmill::cli {

// Scripts that can be sourced, or installed where the shell looks for completions.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);

// --completion bash|zsh prints the script and ends like --help.
void AddCompletionFlag(CLI::App& app);

// The options that may be typed behind a command: its own, and those of `fanmill` that go with it.
std::vector<const CLI::Option*> OptionsBehind(const CLI::App& command);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_COMPLETION_H_
