// What stands for something else in the words of a command template. Pure.
//   {}  the value         {.}  without its extension   {#}  the task's number, from 1
//   {/} its last part     {//} its folder              {%}  the slot's number, from 1
//   {/.} its last part without its extension
// Of several values these are all of them, and {2}, {2.}, {2/}, {2//}, {2/.} the second; a name
// that values were given does what a number does: {name}, {name.} and so on. Of one value {1} is
// it too. Anything else in braces is nothing of ours.
#ifndef FANMILL_LIB_CORE_PLACEHOLDERS_H_
#define FANMILL_LIB_CORE_PLACEHOLDERS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fanmill {

// What a command is made from.
struct Recipe {
  std::vector<std::string> words;  // or one script, and its arguments
  bool shell = false;              // words[0] is a script for /bin/sh
  std::string replace;             // stands for the value, in place of {}; empty: {}
  bool packed = false;             // payloads are several values
  std::vector<std::string> names;  // of them
};

struct Placeholder {
  enum class Of { kAllValues, kOneValue, kTaskNumber, kSlotNumber };
  enum class Part { kWhole, kNoExtension, kLast, kFolder, kLastNoExtension };

  Of of = Of::kAllValues;
  size_t index = 0;  // of the one value, from 0
  Part part = Part::kWhole;
};

using Piece = std::variant<std::string, Placeholder>;  // the former: as it is

// The word in pieces, no two texts in a row. An empty word has none.
std::vector<Piece> ParseWord(std::string_view word, const Recipe& recipe);

// What in the word looks like a {name}, without its /, . and so on: letters, digits, _ - and ., no
// digit first, and no $ before the brace, as a shell's ${variable} has. Whether there is such a
// name is another question.
std::vector<std::string> NamesIn(std::string_view word);

// What braces with a number or a name stand for: "2", "name"; the first of this name, if several.
std::optional<size_t> ValueIndex(std::string_view inside, const Recipe& recipe);

std::string PartOf(std::string_view value, Placeholder::Part part);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_PLACEHOLDERS_H_
