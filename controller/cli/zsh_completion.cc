// A call of _arguments for each command.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "controller/cli/command_words.h"
#include "controller/cli/completion.h"
#include "lib/io/option_text.h"

namespace fanmill::cli {
namespace {

std::string Quoted(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// Inside the brackets, or between the colons, of a specification of _arguments.
std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\\\"}, {":", "\\:"}, {"[", "\\["}, {"]", "\\]"}});
}

// ":what it is:how it is completed"
std::string Value(const CLI::Option& option) {
  const std::string value = option.get_positional() ? option.get_name() : ValueOf(option);
  std::string how;
  if (value == "FILE") how = "_files";
  if (value == "DIR") how = "_files -/";
  if (const auto choices = ChoicesOf(option); !choices.empty()) {
    how = absl::StrCat("(", absl::StrJoin(choices, " "), ")");
  }
  return absl::StrCat(":", Escaped(value), ":", how);
}

// What this option makes pointless: itself once more, and what it excludes.
std::string Against(const CLI::Option& option) {
  std::vector<std::string> names;
  if (!Repeats(option)) names = NamesOf(option);
  for (const CLI::Option* excluded : ExcludedBy(option)) {
    for (const std::string& name : NamesOf(*excluded)) names.push_back(name);
  }
  return names.empty() ? "" : absl::StrCat("(", absl::StrJoin(names, " "), ")");
}

std::vector<std::string> SpecificationsOf(const CLI::Option& option) {
  const std::string value = ValueOf(option).empty() ? "" : Value(option);
  std::vector<std::string> specifications;
  for (const std::string& name : NamesOf(option)) {
    const char* joined = value.empty() ? "" : name.starts_with("--") ? "=" : "+";
    specifications.push_back(
        Quoted(absl::StrCat(Against(option), Repeats(option) ? "*" : "", name, joined, "[",
                            Escaped(option.get_description()), "]", value)));
  }
  return specifications;
}

std::vector<std::string> SpecificationsOfPositional(const CLI::Option& option) {
  if (option.get_name() == kCommandName) {  // behind it no option is ours
    return {"'(-):command: _command_names -e'", "'(-)*::arguments: _normal'"};
  }
  return {Quoted(absl::StrCat(option.get_required() ? "" : ":", Value(option)))};
}

// "_arguments -s -S OPTIONS...", each on a line of its own.
std::string Arguments(const CLI::App& command, const std::string& flags,
                      const std::string& indent) {
  std::vector<std::string> all;
  const auto add = [&all](const std::vector<std::string>& specifications) {
    all.insert(all.end(), specifications.begin(), specifications.end());
  };
  for (const CLI::Option* option : OptionsBehind(command)) add(SpecificationsOf(*option));
  for (const CLI::Option* operand : PositionalsOf(command)) {
    add(SpecificationsOfPositional(*operand));
  }
  if (command.get_parent() == nullptr) add({"'(-): :->command'", "'(-)*:: :->words'"});
  const std::string next = absl::StrCat(" \\\n", indent, "  ");
  return absl::StrCat(indent, "_arguments ", flags, " :", next, absl::StrJoin(all, next));
}

}  // namespace

std::string ZshCompletion(const CLI::App& app) {
  std::string names;
  std::string cases;
  for (const CLI::App* command : app.get_subcommands({})) {
    const std::string& name = command->get_name();
    absl::StrAppend(&names, "    ",
                    Quoted(absl::StrCat(name, ":", Escaped(command->get_description()))), "\n");
    absl::StrAppend(&cases, "        ", name, ")\n", Arguments(*command, "-s -S", "          "),
                    " && ret=0 ;;\n");
  }
  return absl::StrCat(
      "#compdef fanmill\n"
      "# Completion of fanmill in zsh, made by: fanmill --completion zsh\n"
      "\n"
      "_fanmill() {\n"
      "  local curcontext=$curcontext state line ret=1\n"
      "  local -A opt_args\n"
      "  local -a subcommands=(\n",
      names, "  )\n", Arguments(app, "-s -S -C", "  "),
      " && ret=0\n"
      "  case $state in\n"
      "    command) _describe -t subcommands subcommand subcommands && ret=0 ;;\n"
      "    words)\n"
      "      curcontext=${curcontext%:*:*}:fanmill-$words[1]:\n"
      "      case $words[1] in\n",
      cases,
      "      esac ;;\n"
      "  esac\n"
      "  return ret\n"
      "}\n"
      "\n"
      "# Autoloaded as a file of $fpath it is the function itself; sourced it makes it known.\n"
      "if [[ $funcstack[1] == _fanmill ]]; then _fanmill \"$@\"; else compdef _fanmill fanmill; "
      "fi\n");
}

}  // namespace fanmill::cli
