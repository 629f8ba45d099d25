// What the definition of an option says, in the parts of which manual pages and completions of
// shells are made. --help is made of the same definitions, by the parser itself.
#ifndef FANMILL_LIB_IO_OPTION_TEXT_H_
#define FANMILL_LIB_IO_OPTION_TEXT_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace fanmill {

// "-k", "--keep-order": as they are typed. Of a positional: its one name.
std::vector<std::string> NamesOf(const CLI::Option& option);

// What stands for the value: "FILE", "text|jsonl". Empty: it takes none.
std::string ValueOf(const CLI::Option& option);

// The values there are, where there are few: "text", "jsonl".
std::vector<std::string> ChoicesOf(const CLI::Option& option);

// "1 to 4096", where the value is a number in a range.
std::string RangeOf(const CLI::Option& option);

// The options that cannot be given together with this one.
std::vector<const CLI::Option*> ExcludedBy(const CLI::Option& option);

// Whether it may be given more than once.
bool Repeats(const CLI::Option& option);

// Those that --help shows in a group, in its order. Positionals are in none.
std::vector<const CLI::Option*> OptionsOf(const CLI::App& app, const std::string& group);
std::vector<const CLI::Option*> PositionalsOf(const CLI::App& app);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_OPTION_TEXT_H_
