#include "controller/cli/completion.h"

#include "lib/io/flags.h"
#include "lib/io/option_text.h"

namespace fanmill::cli {
namespace {

void AddShown(const CLI::App& app, std::vector<const CLI::Option*>& options) {
  for (const std::string& group : app.get_groups()) {
    for (const CLI::Option* option : OptionsOf(app, group)) options.push_back(option);
  }
}

}  // namespace

std::vector<const CLI::Option*> OptionsBehind(const CLI::App& command) {
  std::vector<const CLI::Option*> options;
  AddShown(command, options);
  if (command.get_parent() == nullptr) return options;
  std::vector<const CLI::Option*> above;
  AddShown(*command.get_parent(), above);
  for (const CLI::Option* option : above) {
    if (option->get_configurable()) options.push_back(option);  // not --help and its like
  }
  return options;
}

void AddCompletionFlag(CLI::App& app) {
  const auto print = [&app](const std::string& shell) {
    std::string script = shell == "bash" ? BashCompletion(app) : ZshCompletion(app);
    script.pop_back();  // the line's end, which the parser adds
    throw CLI::CallForVersion(script, 0);
  };
  CLI::Option* option = app.add_option_function<std::string>(
      "--completion", print,
      "print the shell's completion of this command; to have it now: source <(fanmill "
      "--completion bash)");
  OneOf(option, {"bash", "zsh"})->configurable(false);
}

}  // namespace fanmill::cli
