#include "controller/cli/command_words.h"

#include <iterator>

namespace fanmill::cli {
namespace {

bool IsOption(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

bool TakesValue(const CLI::App& app, const std::string& name) {
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    const CLI::Option* option = level->get_option_no_throw(name);
    if (option != nullptr) return option->get_items_expected_min() > 0;
  }
  return false;
}

// Whether the option that the word names, or the last of several letters, takes the next word as
// its value.
bool TakesNext(const CLI::App& app, const std::string& word) {
  if (word.starts_with("--")) {
    return word.find('=') == std::string::npos && TakesValue(app, word);
  }
  for (size_t i = 1; i < word.size(); ++i) {
    if (TakesValue(app, {'-', word[i]})) return i + 1 == word.size();  // else it has it
  }
  return false;
}

}  // namespace

std::vector<std::string> TakeCommandWords(const CLI::App& app, std::vector<std::string>& words) {
  const CLI::App* level = &app;
  size_t at = 0;
  for (; at < words.size() && words[at] != "--"; ++at) {
    if (IsOption(words[at])) {
      if (TakesNext(*level, words[at])) ++at;
      continue;
    }
    if (level->get_option_no_throw(kCommandName) != nullptr) break;
    const auto named = level->get_subcommands(
        [&word = words[at]](const CLI::App* subcommand) { return subcommand->check_name(word); });
    if (named.empty()) return {};
    level = named.front();
  }
  if (at >= words.size() || level->get_option_no_throw(kCommandName) == nullptr) return {};
  const auto begin = words.begin() + static_cast<ptrdiff_t>(at);
  std::vector<std::string> command(std::make_move_iterator(*begin == "--" ? begin + 1 : begin),
                                   std::make_move_iterator(words.end()));
  if (*begin == "--" && (command.empty() || command[0].starts_with(":::"))) {
    command.insert(command.begin(), "");
  }
  words.erase(begin, words.end());
  return command;
}

}  // namespace fanmill::cli
