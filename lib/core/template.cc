#include "lib/core/template.h"

#include <algorithm>
#include <utility>

#include "lib/core/shell_quote.h"
#include "lib/core/values.h"

namespace fanmill {
namespace {

constexpr char kNoWords[] = "the command is empty: no program to run";

std::string NulError(std::string_view what, size_t at) {
  return std::string(what) + " has a NUL byte (its byte " + std::to_string(at + 1) +
         "), which no argument of a program can hold; send it in a file, or encode it";
}

std::string WhyNot(const std::vector<std::string>& words) {
  if (words.empty()) return kNoWords;
  for (const std::string& word : words) {
    if (const size_t at = word.find('\0'); at != std::string::npos) {
      return NulError("the command template", at);
    }
  }
  return "";
}

const Placeholder* IfPlaceholder(const Piece& piece) { return std::get_if<Placeholder>(&piece); }

bool IsAllValues(const Piece& piece) {
  const Placeholder* const placeholder = IfPlaceholder(piece);
  return placeholder != nullptr && placeholder->of == Placeholder::Of::kAllValues;
}

}  // namespace

Template::Template(const Recipe& recipe)
    : shell_(recipe.shell),
      packed_(recipe.packed),
      appends_(recipe.replace.empty()),
      error_(WhyNot(recipe.words)) {
  for (const std::string& word : recipe.words) {
    words_.push_back(ParseWord(word, recipe));
    for (const Piece& piece : words_.back()) {
      if (IfPlaceholder(piece) != nullptr) appends_ = false;
    }
  }
}

Expanded Template::Expand(std::optional<std::string_view> payload, uint64_t task_number,
                          uint32_t slot_number) const {
  if (!error_.empty()) return {{}, error_};
  Task task{{}, std::to_string(task_number), std::to_string(slot_number)};
  if (!packed_) {
    task.values = {payload.value_or(std::string_view())};
  } else if (payload) {
    auto values = UnpackValues(*payload);
    if (!values) return {{}, "the task's payload does not hold several values, as it should"};
    task.values = *std::move(values);
  }
  for (const std::string_view value : task.values) {
    const size_t at = value.find('\0');
    if (at != std::string_view::npos) return {{}, NulError("the task's value", at)};
  }
  const bool append = appends_ && payload.has_value();
  Expanded expanded{shell_ ? ScriptArgv(task, append) : Argv(task, append), ""};
  if (expanded.argv.empty()) expanded.error = kNoWords;
  return expanded;
}

std::vector<std::string> Template::Argv(const Task& task, bool append) const {
  std::vector<std::string> argv;
  for (const std::vector<Piece>& word : words_) AddArguments(word, task, argv);
  if (append) argv.insert(argv.end(), task.values.begin(), task.values.end());
  return argv;
}

std::vector<std::string> Template::ScriptArgv(const Task& task, bool append) const {
  std::string script = Word(words_[0], task, Quoting::kShell);
  if (append) {
    for (const std::string_view value : task.values) script.append(" ").append(ShellQuote(value));
  }
  std::vector<std::string> argv = {"sh", "-c", std::move(script)};
  if (words_.size() > 1) argv.emplace_back("sh");  // $0
  for (size_t i = 1; i < words_.size(); ++i) AddArguments(words_[i], task, argv);
  return argv;
}

void Template::AddArguments(const std::vector<Piece>& pieces, const Task& task,
                            std::vector<std::string>& argv) const {
  if (pieces.size() != 1 || !IsAllValues(pieces[0])) {
    argv.push_back(Word(pieces, task, Quoting::kNone));
    return;
  }
  const Placeholder& all = std::get<Placeholder>(pieces[0]);
  for (const std::string_view value : task.values) argv.push_back(PartOf(value, all.part));
}

std::string Template::Word(const std::vector<Piece>& pieces, const Task& task,
                           Quoting quoting) const {
  std::string word;
  for (const Piece& piece : pieces) {
    const Placeholder* const placeholder = IfPlaceholder(piece);
    word +=
        placeholder == nullptr ? std::get<std::string>(piece) : Text(*placeholder, task, quoting);
  }
  return word;
}

std::string Template::Text(const Placeholder& placeholder, const Task& task,
                           Quoting quoting) const {
  const auto part = [&](std::string_view value) {
    std::string text = PartOf(value, placeholder.part);
    return quoting == Quoting::kShell ? ShellQuote(text) : text;
  };
  switch (placeholder.of) {
    case Placeholder::Of::kTaskNumber:
      return task.task_number;
    case Placeholder::Of::kSlotNumber:
      return task.slot_number;
    case Placeholder::Of::kOneValue:
      return part(placeholder.index < task.values.size() ? task.values[placeholder.index]
                                                         : std::string_view());
    case Placeholder::Of::kAllValues:
      break;
  }
  std::string all;
  for (size_t i = 0; i < task.values.size(); ++i) {
    if (i > 0) all += ' ';
    all += part(task.values[i]);
  }
  return all;
}

std::string Template::CommandLine(std::optional<std::string_view> payload, uint64_t task_number,
                                  uint32_t slot_number) const {
  return ShellQuote(Expand(payload, task_number, slot_number).argv);
}

std::optional<std::string> Template::program() const {
  if (!error_.empty()) return std::nullopt;
  if (shell_) return "/bin/sh";
  const std::vector<Piece>& first = words_[0];
  if (first.empty()) return "";
  const std::string* const text = std::get_if<std::string>(&first[0]);
  return first.size() == 1 && text != nullptr ? std::optional(*text) : std::nullopt;
}

size_t Template::values_needed() const {
  size_t needed = 0;
  for (const std::vector<Piece>& word : words_) {
    for (const Piece& piece : word) {
      const Placeholder* const placeholder = IfPlaceholder(piece);
      if (placeholder == nullptr || placeholder->of != Placeholder::Of::kOneValue) continue;
      needed = std::max(needed, placeholder->index + 1);
    }
  }
  return needed;
}

bool Template::takes_all() const {
  if (appends_) return true;
  return std::any_of(words_.begin(), words_.end(), [](const std::vector<Piece>& word) {
    return std::any_of(word.begin(), word.end(), IsAllValues);
  });
}

}  // namespace fanmill
