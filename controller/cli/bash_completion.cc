// A table of each command's words, and the one function of bash that reads it.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/cli/command_words.h"
#include "controller/cli/completion.h"
#include "lib/io/option_text.h"

namespace fanmill::cli {
namespace {

constexpr char kFunction[] = R"sh(
# Words that start with $current, of those that follow, or files.
_fanmill_offer() {
  case $1 in
    FILE) mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames 2>/dev/null ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$current"); compopt -o filenames 2>/dev/null ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current") ;;
  esac
}

# The words of a person's own COMMAND, which begins at COMP_WORDS[$1].
_fanmill_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif [[ $1 == "$COMP_CWORD" && $current != */* ]]; then
    mapfile -t COMPREPLY < <(compgen -c -- "$current")
  else
    _fanmill_offer FILE
  fi
}

# Sets $valued to the option that takes the next word as its value, if $1 ends with one.
_fanmill_expect() {
  local at letter
  valued=
  if [[ $1 == --* ]]; then
    [[ -v takes[$1] ]] && valued=$1
    return
  fi
  for ((at = 1; at < ${#1}; ++at)); do
    letter=-${1:at:1}
    [[ -v takes[$letter] ]] || continue
    ((at + 1 == ${#1})) && valued=$letter
    return
  done
}

_fanmill() {
  local options='' commands='' operand='' valued='' command='' current word line at
  local -a words=() starts=()
  local -A takes=()
  # Bash breaks words at = and : too. Here they are put together again.
  line=$COMP_LINE
  for ((at = 0; at <= COMP_CWORD; ++at)); do
    word=${COMP_WORDS[at]}
    if ((at > 0)) && [[ $line != [[:space:]]* ]]; then
      words[-1]+=$word
    else
      words+=("$word") starts+=("$at")
    fi
    line=${line#"${line%%[![:space:]]*}"}
    line=${line#"$word"}
  done
  current=${words[-1]}
  COMPREPLY=()

  _fanmill_words ''
  for ((at = 1; at + 1 < ${#words[@]}; ++at)); do
    word=${words[at]}
    if [[ -n $valued ]]; then
      valued=
    elif [[ $word == -- && $operand == COMMAND ]]; then
      _fanmill_command "${starts[at + 1]}"
      return
    elif [[ $word == -?* ]]; then
      _fanmill_expect "$word"
    elif [[ $operand == COMMAND ]]; then
      _fanmill_command "${starts[at]}"
      return
    elif [[ -z $command ]]; then
      command=$word
      _fanmill_words "$command"
    fi
  done

  if [[ -z $valued && $current == --*=* ]]; then
    valued=${current%%=*}
    current=${current#*=}
  fi
  if [[ -n $valued ]]; then
    _fanmill_offer "${takes[$valued]-}"
  elif [[ $current == -* ]]; then
    _fanmill_offer "$options"
  elif [[ $operand == COMMAND ]]; then
    _fanmill_command "${starts[-1]}"
  else
    _fanmill_offer "${commands:-$operand}"
  fi
}

complete -F _fanmill fanmill
)sh";

// What of a value is known before it is typed: its few words, or that it is a file.
std::string ValueWords(const CLI::Option& option) {
  const std::string value = option.get_positional() ? option.get_name() : ValueOf(option);
  if (value == "FILE" || value == "DIR" || value == kCommandName) return value;
  return absl::StrJoin(ChoicesOf(option), " ");
}

std::string Entry(const CLI::App& command) {
  std::vector<std::string> names;
  std::string takes;
  for (const CLI::Option* option : OptionsBehind(command)) {
    for (const std::string& each : NamesOf(*option)) {
      names.push_back(each);
      if (ValueOf(*option).empty()) continue;
      absl::StrAppend(&takes, " [", each, "]='", ValueWords(*option), "'");
    }
  }
  const std::string name = command.get_parent() == nullptr ? "''" : command.get_name();
  std::string entry =
      absl::StrCat("    ", name, ")\n      options='", absl::StrJoin(names, " "), "'\n");
  std::vector<std::string> commands;
  for (const CLI::App* each : command.get_subcommands({})) commands.push_back(each->get_name());
  if (!commands.empty()) {
    absl::StrAppend(&entry, "      commands='", absl::StrJoin(commands, " "), "'\n");
  }
  if (!takes.empty()) absl::StrAppend(&entry, "      takes=(", takes.substr(1), ")\n");
  for (const CLI::Option* operand : PositionalsOf(command)) {
    absl::StrAppend(&entry, "      operand='", ValueWords(*operand), "'\n");
  }
  return absl::StrCat(entry, "      ;;\n");
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  std::string script =
      "# Completion of fanmill in bash, made by: fanmill --completion bash\n"
      "\n"
      "# What can be typed behind the subcommand $1, or behind none: sets $options, $takes (those\n"
      "# with a value, and the words it can be), $commands, $operand.\n"
      "_fanmill_words() {\n"
      "  options='' commands='' operand='' takes=()\n"
      "  case $1 in\n";
  absl::StrAppend(&script, Entry(app));
  for (const CLI::App* command : app.get_subcommands({})) absl::StrAppend(&script, Entry(*command));
  absl::StrAppend(&script, "  esac\n}\n", kFunction);
  return script;
}

}  // namespace fanmill::cli
