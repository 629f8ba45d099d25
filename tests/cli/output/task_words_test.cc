#include "controller/cli/output/task_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/core/values.h"

namespace fanmill::cli {
namespace {

using ::testing::ElementsAre;

TEST(TaskWords, OfOneValueAreThatAndTheCommandOfIt) {
  TaskValues payloads;
  Recipe recipe;
  recipe.words = {"echo", "{}", "{#}", "{%}"};
  const TaskWords words = WordsOf(recipe, payloads);
  EXPECT_EQ(words.payloads, &payloads);
  EXPECT_THAT(words.ValuesOf("a b"), ElementsAre("a b"));
  const std::string payload = "a b";
  EXPECT_EQ(words.CommandOf(6, &payload), "echo 'a b' 7 1");
  EXPECT_EQ(words.CommandOf(6, nullptr), "");
}

TEST(TaskWords, OfSeveralValuesAreAllOfThem) {
  TaskValues payloads;
  Recipe recipe;
  recipe.words = {"echo", "{size}-{name}"};
  recipe.packed = true;
  recipe.names = {"name", "size"};
  const TaskWords words = WordsOf(recipe, payloads);
  std::string payload;
  PackValue("a b", payload);
  PackValue("7", payload);
  EXPECT_THAT(words.ValuesOf(payload), ElementsAre("a b", "7"));
  EXPECT_THAT(words.names, ElementsAre("name", "size"));
  EXPECT_EQ(words.CommandOf(0, &payload), "echo '7-a b'");
}

TEST(TaskWords, OfAHandlerWithoutACommandAreTheValuesAlone) {
  TaskValues payloads;
  const std::string payload = "50";
  EXPECT_EQ(WordsOf(Recipe(), payloads).CommandOf(0, &payload), "");
}

}  // namespace
}  // namespace fanmill::cli
