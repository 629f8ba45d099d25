#include "lib/core/signal.h"

#include <array>
#include <charconv>
#include <limits>

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill {
namespace {

constexpr uint64_t kGenerationLimit = 1'000'000'000'000;
constexpr std::array<std::string_view, 4> kVerbs = {"KILL", "DRAIN", "START", "ASK"};

// The decimal number that is all of `text`; nothing when it has another form too ("007", "+7").
std::optional<uint64_t> Number(std::string_view text, uint64_t limit) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (number >= limit || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  return number;
}

// The text before the first space, which goes too; all of it when there is none.
std::string_view TakeWord(std::string_view* text) {
  const size_t space = text->find(' ');
  const std::string_view word = text->substr(0, space);
  text->remove_prefix(space == std::string_view::npos ? text->size() : space + 1);
  return word;
}

bool ReadTopic(std::string_view word, Signal* signal) {
  if (word == "all") return true;
  if (word.starts_with("w/")) {
    signal->topic = Signal::Topic::kWorker;
  } else if (word.starts_with("b/")) {
    signal->topic = Signal::Topic::kBatch;
  } else {
    return false;
  }
  constexpr uint64_t kIdLimit = uint64_t{std::numeric_limits<uint32_t>::max()} + 1;
  const std::optional<uint64_t> id = Number(word.substr(2), kIdLimit);
  if (!id) return false;
  signal->id = static_cast<uint32_t>(*id);
  return true;
}

bool ReadVerb(std::string_view word, Signal* signal) {
  for (size_t i = 0; i < kVerbs.size(); ++i) {
    if (word != kVerbs[i]) continue;
    signal->verb = static_cast<Signal::Verb>(i);
    return true;
  }
  return false;
}

}  // namespace

std::string EncodeSignal(const Signal& signal) {
  FANMILL_CHECK(signal.generation < kGenerationLimit);
  std::string text = SignalPrefix(signal.topic, signal.id);
  text.append(kVerbs[static_cast<size_t>(signal.verb)]).append(" ");
  text.append(std::to_string(signal.generation));
  FANMILL_CHECK(text.size() <= kSignalFrameBytesMax);
  return text;
}

std::optional<Signal> DecodeSignal(std::string_view text) {
  if (text.size() > kSignalFrameBytesMax) return std::nullopt;
  Signal signal;
  if (!ReadTopic(TakeWord(&text), &signal)) return std::nullopt;
  if (!ReadVerb(TakeWord(&text), &signal)) return std::nullopt;
  const std::optional<uint64_t> generation = Number(text, kGenerationLimit);
  if (!generation) return std::nullopt;
  signal.generation = *generation;
  return signal;
}

std::string SignalPrefix(Signal::Topic topic, uint32_t id) {
  switch (topic) {
    case Signal::Topic::kAll:
      return "all ";
    case Signal::Topic::kWorker:
      return "w/" + std::to_string(id) + " ";
    case Signal::Topic::kBatch:
      return "b/" + std::to_string(id) + " ";
  }
  return {};
}

}  // namespace fanmill
