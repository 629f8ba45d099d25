#include "controller/cli/command_words.h"

#include <iterator>

namespace fanmill::cli {
namespace {

bool IsOption(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

// Whether the option that the word names takes the next word as its value.
bool TakesNext(const CLI::App& app, const std::string& word) {
  const bool is_long = word.starts_with("--");
  if (is_long ? word.find('=') != std::string::npos : word.size() > 2) return false;  // has it
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    const CLI::Option* option = level->get_option_no_throw(word);
    if (option != nullptr) return option->get_items_expected_min() > 0;
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
  words.erase(begin, words.end());
  return command;
}

}  // namespace fanmill::cli
