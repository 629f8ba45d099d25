#include "controller/cli/output/task_words.h"

#include <memory>
#include <optional>

#include "lib/core/template.h"
#include "lib/core/values.h"

namespace fanmill::cli {
namespace {

std::vector<std::string> Unpacked(std::string_view payload) {
  const std::optional<std::vector<std::string_view>> values = UnpackValues(payload);
  if (!values.has_value()) return {std::string(payload)};
  return {values->begin(), values->end()};
}

}  // namespace

TaskWords WordsOf(const Recipe& recipe, TaskValues& payloads) {
  TaskWords words;
  words.payloads = &payloads;
  words.names = recipe.names;
  if (recipe.packed) words.split = Unpacked;
  if (recipe.words.empty()) return words;
  const auto command = std::make_shared<const Template>(recipe);
  words.command = [command](uint64_t task, uint32_t slot, std::string_view payload) {
    return command->CommandLine(payload, task + 1, slot);
  };
  return words;
}

}  // namespace fanmill::cli
