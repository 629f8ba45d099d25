#include "lib/io/option_text.h"

#include <algorithm>

#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace fanmill {

std::vector<std::string> NamesOf(const CLI::Option& option) {
  if (option.get_positional()) return {option.get_name()};
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

// The parser's type name is that, and then what the option's checks are called, after colons.
std::string ValueOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "";
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::vector<std::string> words = absl::StrSplit(ValueOf(option), '|');
  return words.size() > 1 ? words : std::vector<std::string>();
}

std::string RangeOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t begin = type.find(" in [");
  if (begin == type.npos) return "";
  const size_t first = begin + std::string(" in [").size();
  return absl::StrReplaceAll(type.substr(first, type.find(']', first) - first), {{" - ", " to "}});
}

std::vector<const CLI::Option*> ExcludedBy(const CLI::Option& option) {
  const std::set<CLI::Option*> excluded = option.get_excludes();  // by address, which is no order
  std::vector<const CLI::Option*> sorted(excluded.begin(), excluded.end());
  std::sort(sorted.begin(), sorted.end(), [](const CLI::Option* a, const CLI::Option* b) {
    return a->get_name() < b->get_name();
  });
  return sorted;
}

bool Repeats(const CLI::Option& option) {
  return option.get_items_expected_max() >= CLI::detail::expected_max_vector_size;
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& app, const std::string& group) {
  if (group.empty()) return {};  // of those that are not shown
  return app.get_options([&group](const CLI::Option* option) {
    return option->get_group() == group && option->nonpositional();
  });
}

std::vector<const CLI::Option*> PositionalsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) { return option->get_positional(); });
}

}  // namespace fanmill
