#include "lib/core/placeholders.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/core/limits.h"

namespace fanmill {
namespace {

using Of = Placeholder::Of;
using Part = Placeholder::Part;

constexpr std::pair<std::string_view, Part> kParts[] = {{"/.", Part::kLastNoExtension},
                                                        {"//", Part::kFolder},
                                                        {"/", Part::kLast},
                                                        {".", Part::kNoExtension}};

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

Part TakePart(std::string_view& inside) {
  for (const auto& [suffix, part] : kParts) {
    if (!inside.ends_with(suffix)) continue;
    inside.remove_suffix(suffix.size());
    return part;
  }
  return Part::kWhole;
}

std::optional<Placeholder> Meaning(std::string_view inside, const Recipe& recipe) {
  if (inside == "#") return Placeholder{Of::kTaskNumber};
  if (inside == "%") return Placeholder{Of::kSlotNumber};
  if (inside.empty()) {
    return recipe.replace.empty() ? std::optional(Placeholder{Of::kAllValues}) : std::nullopt;
  }
  if (const auto index = ValueIndex(inside, recipe)) {
    return Placeholder{Of::kOneValue, *index};
  }
  const Part part = TakePart(inside);
  if (part == Part::kWhole) return std::nullopt;
  if (inside.empty()) return Placeholder{Of::kAllValues, 0, part};
  if (const auto index = ValueIndex(inside, recipe)) {
    return Placeholder{Of::kOneValue, *index, part};
  }
  return std::nullopt;
}

struct Found {
  Placeholder placeholder;
  size_t bytes;
};

// What begins the text.
std::optional<Found> Begins(std::string_view text, const Recipe& recipe) {
  if (!recipe.replace.empty() && text.starts_with(recipe.replace)) {
    return Found{{Of::kAllValues}, recipe.replace.size()};
  }
  if (text.front() != '{') return std::nullopt;
  constexpr size_t kBytesMax = kNameBytesMax + sizeof("{//}") - 1;
  const size_t close = text.substr(0, kBytesMax).find('}');
  if (close == std::string_view::npos) return std::nullopt;
  const auto meaning = Meaning(text.substr(1, close - 1), recipe);
  return meaning ? std::optional(Found{*meaning, close + 1}) : std::nullopt;
}

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool IsNameLike(std::string_view text) {
  if (text.empty() || !IsLetter(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

}  // namespace

std::vector<Piece> ParseWord(std::string_view word, const Recipe& recipe) {
  std::vector<Piece> pieces;
  std::string text;
  while (!word.empty()) {
    const std::optional<Found> found = Begins(word, recipe);
    if (!found) {
      text += word.front();
      word.remove_prefix(1);
      continue;
    }
    if (!text.empty()) pieces.emplace_back(std::exchange(text, {}));
    pieces.emplace_back(found->placeholder);
    word.remove_prefix(found->bytes);
  }
  if (!text.empty()) pieces.emplace_back(std::move(text));
  return pieces;
}

std::vector<std::string> NamesIn(std::string_view word) {
  std::vector<std::string> names;
  for (size_t open = word.find('{'); open != std::string_view::npos;
       open = word.find('{', open + 1)) {
    if (open > 0 && word[open - 1] == '$') continue;
    const size_t close = word.find('}', open);
    if (close == std::string_view::npos) break;
    std::string_view inside = word.substr(open + 1, close - open - 1);
    TakePart(inside);
    if (IsNameLike(inside)) names.emplace_back(inside);
  }
  return names;
}

std::optional<size_t> ValueIndex(std::string_view inside, const Recipe& recipe) {
  const auto named = std::find(recipe.names.begin(), recipe.names.end(), inside);
  if (named != recipe.names.end() && !inside.empty()) {
    return static_cast<size_t>(named - recipe.names.begin());
  }
  if (inside.empty() || inside.front() < '1' || inside.front() > '9') return std::nullopt;
  size_t number = 0;
  const char* const end = inside.data() + inside.size();
  const auto [stop, error] = std::from_chars(inside.data(), end, number);
  const size_t most = recipe.packed ? kValuesPerTaskMax : 1;
  if (error != std::errc() || stop != end || number > most) return std::nullopt;
  return number - 1;
}

std::string PartOf(std::string_view value, Placeholder::Part part) {
  switch (part) {
    case Part::kWhole:
      break;
    case Part::kNoExtension:
      return std::string(WithoutExtension(value));
    case Part::kLast:
      return std::string(LastPart(value));
    case Part::kFolder:
      return std::string(Folder(value));
    case Part::kLastNoExtension:
      return std::string(WithoutExtension(LastPart(value)));
  }
  return std::string(value);
}

}  // namespace fanmill
