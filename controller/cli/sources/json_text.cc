#include "controller/cli/sources/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fanmill::cli {
namespace {

// Reads text that is known to be JSON.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) { SkipSpace(); }

  bool TakeMark(char mark) {
    const bool is_there = at_ < text_.size() && text_[at_] == mark;
    if (is_there) ++at_;
    SkipSpace();
    return is_there;
  }

  char Next() const { return text_[at_]; }

  std::string_view TakeValue() {
    const size_t begin = at_;
    if (Next() == '"') {
      PassString();
    } else if (Next() == '{' || Next() == '[') {
      PassNested();
    } else {
      at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    }
    const std::string_view value = text_.substr(begin, at_ - begin);
    SkipSpace();
    return value;
  }

 private:
  void SkipSpace() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  void PassString() {
    for (++at_; text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  void PassNested() {
    int depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        PassString();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::optional<JsonText> CutJson(std::string_view line) {
  if (!nlohmann::json::accept(line)) return std::nullopt;
  Cutter cutter(line);
  JsonText text;
  if (cutter.TakeMark('{')) {
    text.kind = JsonText::Kind::kObject;
    while (!cutter.TakeMark('}')) {
      const std::string_view key = cutter.TakeValue();
      cutter.TakeMark(':');
      text.parts.push_back({key, cutter.TakeValue()});
      cutter.TakeMark(',');
    }
  } else if (cutter.TakeMark('[')) {
    text.kind = JsonText::Kind::kArray;
    while (!cutter.TakeMark(']')) {
      text.parts.push_back({{}, cutter.TakeValue()});
      cutter.TakeMark(',');
    }
  } else {
    text.kind = cutter.Next() == '"' ? JsonText::Kind::kString : JsonText::Kind::kOther;
    text.parts.push_back({{}, cutter.TakeValue()});
  }
  return text;
}

std::string_view JsonValue(std::string_view value, std::string& decoded) {
  if (!value.starts_with('"')) return value;
  if (value.find('\\') == std::string_view::npos) return value.substr(1, value.size() - 2);
  decoded = nlohmann::json::parse(value).get<std::string>();
  return decoded;
}

}  // namespace fanmill::cli
