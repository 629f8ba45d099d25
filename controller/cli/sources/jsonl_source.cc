#include "controller/cli/sources/jsonl_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/core/limits.h"

namespace fanmill::cli {
namespace {

std::string_view Stripped(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  const size_t begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

JsonlSource::JsonlSource(LineReader lines, JsonlWanted wanted)
    : lines_(std::move(lines)), wanted_(std::move(wanted)) {}

absl::StatusOr<Got> JsonlSource::Next(Duration timeout, std::vector<std::string_view>& values) {
  std::string_view line;
  do {
    const absl::StatusOr<Got> got = lines_.Next(timeout, line);
    if (!got.ok() || *got != Got::kOne) return got;
    line = Stripped(line);
  } while (line.empty());
  values.clear();
  decoded_.clear();
  if (absl::Status taken = TakeLine(line, values); !taken.ok()) return taken;
  const bool has_nul = std::any_of(values.begin(), values.end(), [](std::string_view value) {
    return value.find('\0') != std::string_view::npos;
  });
  if (has_nul) return Wrong("a string has a NUL, which no argument of a program can hold");
  return Got::kOne;
}

absl::Status JsonlSource::TakeLine(std::string_view line, std::vector<std::string_view>& values) {
  const std::optional<JsonText> text = CutJson(line);
  if (!text) return Wrong("it is not JSON: each line is one whole object, array or string");
  if (!wanted_.keys.empty()) {
    for (const std::string& key : wanted_.keys) {
      const absl::StatusOr<std::string_view> value = Find(*text, key);
      if (!value.ok()) return value.status();
      values.push_back(*value);
    }
  } else if (text->kind == JsonText::Kind::kArray) {
    if (text->parts.size() >= kValuesPerTaskMax) {
      return Wrong(absl::StrCat("the array has ", text->parts.size(), " elements: too many"));
    }
    for (const JsonPart& part : text->parts) values.push_back(Keep(part.value));
  } else {
    values.push_back(text->kind == JsonText::Kind::kString ? Keep(line) : line);
  }
  if (wanted_.last_key.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string_view> last = Find(*text, wanted_.last_key);
  if (last.ok()) values.push_back(*last);
  return last.status();
}

// The last of this key, as most readers of JSON have it.
absl::StatusOr<std::string_view> JsonlSource::Find(const JsonText& text, const std::string& key) {
  if (text.kind != JsonText::Kind::kObject) {
    return Wrong(absl::StrCat("it is no object, so that it has no {", key, "}"));
  }
  for (auto part = text.parts.rbegin(); part != text.parts.rend(); ++part) {
    if (JsonValue(part->key, key_) == key) return Keep(part->value);
  }
  const std::string keys = absl::StrJoin(
      text.parts, ", ", [](std::string* out, const JsonPart& part) { out->append(part.key); });
  return Wrong(absl::StrCat("it has no \"", key, "\", but ", keys.empty() ? "nothing" : keys));
}

std::string_view JsonlSource::Keep(std::string_view json) {
  std::string& decoded = decoded_.emplace_back();
  return JsonValue(json, decoded);
}

absl::Status JsonlSource::Wrong(const std::string& what) const {
  return absl::InvalidArgumentError(absl::StrCat(Where(), ": ", what));
}

}  // namespace fanmill::cli
