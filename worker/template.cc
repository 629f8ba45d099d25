#include "worker/template.h"

#include <utility>

namespace fanmill {
namespace {

std::string_view LastPart(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "a/b.tar.gz" gives "a/b.tar"; "b." has no extension, ".profile" is all extension.
std::string_view WithoutExtension(std::string_view path) {
  const size_t dot = path.find_last_of("./");
  const bool has_extension =
      dot != std::string_view::npos && path[dot] == '.' && dot + 1 < path.size();
  return has_extension ? path.substr(0, dot) : path;
}

// As dirname: "a/b/" gives "a", "b" gives ".", "/b" gives "/".
std::string_view Folder(std::string_view path) {
  const size_t last = path.find_last_not_of('/');
  if (last == std::string_view::npos) return path.empty() ? "." : "/";
  const size_t slash = path.substr(0, last + 1).rfind('/');
  if (slash == std::string_view::npos) return ".";
  const size_t end = path.substr(0, slash).find_last_not_of('/');
  return end == std::string_view::npos ? "/" : path.substr(0, end + 1);
}

struct Values {
  std::string_view value;
  std::string task_number;
  std::string slot_number;
};

// What the braces' content stands for; nullopt when it is nothing of ours.
std::optional<std::string_view> Meaning(std::string_view inside, const Values& values) {
  if (inside.empty()) return values.value;
  if (inside == "#") return values.task_number;
  if (inside == "%") return values.slot_number;
  if (inside == ".") return WithoutExtension(values.value);
  if (inside == "/") return LastPart(values.value);
  if (inside == "//") return Folder(values.value);
  if (inside == "/.") return WithoutExtension(LastPart(values.value));
  return std::nullopt;
}

constexpr size_t kInsideBraces = 2;  // the longest of the above

enum class Quoting { kNone, kShell };

std::string ExpandWord(std::string_view word, const Values& values, Quoting quoting,
                       bool* replaced) {
  std::string expanded;
  size_t copied = 0;
  for (size_t open = word.find('{'); open != std::string_view::npos;
       open = word.find('{', open + 1)) {
    const size_t close = word.substr(0, open + kInsideBraces + 2).find('}', open);
    if (close == std::string_view::npos) continue;
    const auto meaning = Meaning(word.substr(open + 1, close - open - 1), values);
    if (!meaning) continue;
    expanded.append(word.substr(copied, open - copied));
    expanded.append(quoting == Quoting::kShell ? ShellQuote(*meaning) : std::string(*meaning));
    copied = close + 1;
    open = close;
    *replaced = true;
  }
  return expanded.append(word.substr(copied));
}

std::string NulError(std::string_view what, size_t at) {
  return std::string(what) + " has a NUL byte (its byte " + std::to_string(at + 1) +
         "), which no argument of a program can hold; send it in a file, or encode it";
}

// Why these cannot be expanded; empty: they can.
std::string WhyNot(const std::vector<std::string>& words, std::string_view value) {
  if (words.empty()) return "the command is empty: no program to run";
  if (const size_t at = value.find('\0'); at != std::string_view::npos) {
    return NulError("the task's value", at);
  }
  for (const std::string& word : words) {
    if (const size_t at = word.find('\0'); at != std::string::npos) {
      return NulError("the command template", at);
    }
  }
  return "";
}

}  // namespace

Expanded ExpandTemplate(const std::vector<std::string>& words,
                        std::optional<std::string_view> value, uint64_t task_number,
                        uint32_t slot_number) {
  const Values values{value.value_or(std::string_view()), std::to_string(task_number),
                      std::to_string(slot_number)};
  Expanded expanded{{}, WhyNot(words, values.value)};
  if (!expanded.error.empty()) return expanded;
  bool replaced = false;
  for (const std::string& word : words) {
    expanded.argv.push_back(ExpandWord(word, values, Quoting::kNone, &replaced));
  }
  if (!replaced && value) expanded.argv.emplace_back(*value);
  return expanded;
}

Expanded ExpandScript(const std::vector<std::string>& words, std::optional<std::string_view> value,
                      uint64_t task_number, uint32_t slot_number) {
  const Values values{value.value_or(std::string_view()), std::to_string(task_number),
                      std::to_string(slot_number)};
  Expanded expanded{{}, WhyNot(words, values.value)};
  if (!expanded.error.empty()) return expanded;
  bool replaced = false;
  std::string script = ExpandWord(words[0], values, Quoting::kShell, &replaced);
  std::vector<std::string> arguments;
  for (size_t i = 1; i < words.size(); ++i) {
    arguments.push_back(ExpandWord(words[i], values, Quoting::kNone, &replaced));
  }
  if (!replaced && value) script += " " + ShellQuote(*value);
  expanded.argv = {"sh", "-c", std::move(script)};
  if (!arguments.empty()) expanded.argv.push_back("sh");  // $0
  expanded.argv.insert(expanded.argv.end(), arguments.begin(), arguments.end());
  return expanded;
}

std::string ShellQuote(std::string_view text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace fanmill
