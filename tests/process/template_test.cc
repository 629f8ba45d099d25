#include "worker/template.h"

#include <gtest/gtest.h>

namespace fanmill {
namespace {

using Words = std::vector<std::string>;

std::string Word(const std::string& word, std::string_view value) {
  return ExpandTemplate({word}, value, 12, 3).argv.at(0);
}

TEST(TemplateTest, ReplacesWhatGnuParallelReplaces) {
  EXPECT_EQ(
      ExpandTemplate({"cp", "{}", "{//}/x-{/.}.{#}.{%}", "{.}", "{/}"}, "a/b.tar.gz", 12, 3).argv,
      (Words{"cp", "a/b.tar.gz", "a/x-b.tar.12.3", "a/b.tar", "b.tar.gz"}));
}

TEST(TemplateTest, AppendsTheValueOnlyToATemplateWithoutAnyReplacement) {
  EXPECT_EQ(ExpandTemplate({"echo", "x"}, "v w", 1, 1).argv, (Words{"echo", "x", "v w"}));
  EXPECT_EQ(ExpandTemplate({"echo", "{#}"}, "v", 1, 1).argv, (Words{"echo", "1"}));
  EXPECT_EQ(ExpandTemplate({"echo"}, "", 1, 1).argv, (Words{"echo", ""}));
  EXPECT_EQ(ExpandTemplate({"echo"}, std::nullopt, 1, 1).argv, (Words{"echo"}));
  EXPECT_EQ(ExpandTemplate({"echo", "{}"}, std::nullopt, 1, 1).argv, (Words{"echo", ""}));
}

TEST(TemplateTest, LeavesOtherBracesAlone) {
  for (const char* word : {"{x}", "{", "}", "{{", "awk {print}", "{///}", "{}}"}) {
    const std::string expected = std::string(word) == "{}}" ? "v}" : word;
    EXPECT_EQ(Word(word, "v"), expected) << word;
  }
  EXPECT_EQ(Word("{{}}", "v"), "{v}");
}

TEST(TemplateTest, DoesNotLookAgainAtWhatWasPutIn) {
  EXPECT_EQ(Word("{}{}", "{#}{}"), "{#}{}{#}{}");
}

TEST(TemplateTest, ExtensionsAreThoseOfTheLastPart) {
  EXPECT_EQ(Word("{.}", "a.b/c"), "a.b/c");
  EXPECT_EQ(Word("{.}", "a/b."), "a/b.");
  EXPECT_EQ(Word("{.}", ".profile"), "");
  EXPECT_EQ(Word("{/.}", "dir/x.y.z"), "x.y");
  EXPECT_EQ(Word("{/}", "dir/"), "");
}

TEST(TemplateTest, FoldersAreAsDirnameGivesThem) {
  EXPECT_EQ(Word("{//}", "b"), ".");
  EXPECT_EQ(Word("{//}", ""), ".");
  EXPECT_EQ(Word("{//}", "/b"), "/");
  EXPECT_EQ(Word("{//}", "///"), "/");
  EXPECT_EQ(Word("{//}", "a/b/"), "a");
  EXPECT_EQ(Word("{//}", "a//b"), "a");
  EXPECT_EQ(Word("{//}", "/a/b/c"), "/a/b");
}

TEST(TemplateTest, NulIsAnErrorThatSaysWhere) {
  const Expanded expanded = ExpandTemplate({"echo"}, std::string_view("ab\0c", 4), 1, 1);
  EXPECT_TRUE(expanded.argv.empty());
  EXPECT_EQ(expanded.error,
            "the task's value has a NUL byte (its byte 3), which no argument of a program can "
            "hold; send it in a file, or encode it");
  EXPECT_NE(ExpandTemplate({std::string("e\0", 2)}, "v", 1, 1).error, "");
}

TEST(TemplateTest, NoWordsAreAnError) { EXPECT_NE(ExpandTemplate({}, "v", 1, 1).error, ""); }

TEST(TemplateTest, AMegabyteGoesThrough) {
  const std::string value(1 << 20, 'x');
  EXPECT_EQ(Word("-{}-", value).size(), value.size() + 2);
}

TEST(TemplateTest, AScriptGetsItsValuesQuoted) {
  const auto script = [](const Words& words, std::optional<std::string_view> value) {
    return ExpandScript(words, value, 12, 3).argv;
  };
  EXPECT_EQ(script({"cat {} > {/.}.{#}"}, "a/b c.txt"),
            (Words{"sh", "-c", "cat 'a/b c.txt' > 'b c'.12"}));
  EXPECT_EQ(script({"cat"}, "plain.txt"), (Words{"sh", "-c", "cat plain.txt"}));
  EXPECT_EQ(script({"date"}, std::nullopt), (Words{"sh", "-c", "date"}));
  EXPECT_EQ(script({"echo $1", "{}"}, "v w"), (Words{"sh", "-c", "echo $1", "sh", "v w"}));
  EXPECT_NE(ExpandScript({"echo"}, std::string_view("\0", 1), 1, 1).error, "");
  EXPECT_NE(ExpandScript({}, "v", 1, 1).error, "");
}

TEST(TemplateTest, QuotesWhatAShellWouldReadInAnotherWay) {
  EXPECT_EQ(ShellQuote("a-b/c.d_1"), "a-b/c.d_1");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuote("A=1"), "'A=1'");
  EXPECT_EQ(ShellQuote("~"), "'~'");
}

}  // namespace
}  // namespace fanmill
