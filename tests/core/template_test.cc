#include "lib/core/template.h"

#include <gtest/gtest.h>

#include "lib/core/shell_quote.h"
#include "lib/core/values.h"

namespace fanmill {
namespace {

using Words = std::vector<std::string>;

Expanded ExpandTemplate(const Words& words, std::optional<std::string_view> value,
                        uint64_t task_number, uint32_t slot_number) {
  return Template({words, false, "", false, {}}).Expand(value, task_number, slot_number);
}

Expanded ExpandScript(const Words& words, std::optional<std::string_view> value,
                      uint64_t task_number, uint32_t slot_number) {
  return Template({words, true, "", false, {}}).Expand(value, task_number, slot_number);
}

std::string Word(const std::string& word, std::string_view value) {
  return ExpandTemplate({word}, value, 12, 3).argv.at(0);
}

std::string Pack(const Words& values) {
  std::string payload;
  for (const std::string& value : values) PackValue(value, payload);
  return payload;
}

// What a command becomes with several values, called "name" and "file" when `named`.
Words Several(const Words& words, const Words& values, bool named = false) {
  const Words names = named ? Words{"name", "file"} : Words{};
  return Template({words, false, "", true, names}).Expand(Pack(values), 12, 3).argv;
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

TEST(TemplateTest, TakesEachOfSeveralValuesByItsNumber) {
  EXPECT_EQ(Several({"cp", "{2}", "{1}/{2/.}.{1//}.{2.}"}, {"a/b", "c/d.e"}),
            (Words{"cp", "c/d.e", "a/b/d.a.c/d"}));
  EXPECT_EQ(Several({"{3}", "-{3}-", "{0}", "{01}", "{-1}"}, {"a", "b"}),
            (Words{"", "--", "{0}", "{01}", "{-1}"}));
}

TEST(TemplateTest, GivesEachOfSeveralValuesAnArgumentWhereAWordIsAllOfThem) {
  EXPECT_EQ(Several({"cmd", "{}", "x={}", "{/}"}, {"a a", "b/c"}),
            (Words{"cmd", "a a", "b/c", "x=a a b/c", "a a", "c"}));
  EXPECT_EQ(Several({"cmd"}, {"a", "", "c"}), (Words{"cmd", "a", "", "c"}));
  EXPECT_EQ(Several({"cmd", "{}"}, {}), (Words{"cmd"}));
  EXPECT_EQ(Several({"{}"}, {"echo", "x"}), (Words{"echo", "x"}));
  EXPECT_NE(Template({{"{}"}, false, "", true, {}}).Expand("", 1, 1).error, "");
}

TEST(TemplateTest, TakesNamedValuesByNameAndByNumber) {
  EXPECT_EQ(Several({"{name}", "{file/.}:{2//}", "{other}", "{Name}"}, {"n", "d/f.x"}, true),
            (Words{"n", "f:d", "{other}", "{Name}"}));
  EXPECT_EQ(Template({{"{a b}", "{x.}", "{}"}, false, "", true, {"x.", "a b", "x"}})
                .Expand(Pack({"1.1", "2", "3"}), 1, 1)
                .argv,
            (Words{"2", "1.1", "1.1", "2", "3"}));
}

TEST(TemplateTest, LeavesNamesAndFurtherNumbersAloneWhereATaskHasOneValue) {
  EXPECT_EQ(Word("{1}-{1/}-{2}-{name}", "d/v"), "d/v-v-{2}-{name}");
}

TEST(TemplateTest, ReplacesWhatItIsToldToInsteadOfEmptyBraces) {
  const Words words = {"echo", "%%-{}", "{.}", "%"};
  EXPECT_EQ(Template({words, false, "%", false, {}}).Expand("a.b", 1, 1).argv,
            (Words{"echo", "a.ba.b-{}", "a", "a.b"}));
  EXPECT_EQ(Template({{"%"}, false, "%", true, {}}).Expand(Pack({"a", "b"}), 1, 1).argv,
            (Words{"a", "b"}));
  // As with xargs -I: what is not there is not added.
  EXPECT_EQ(Template({{"date"}, false, "{}", false, {}}).Expand("v", 1, 1).argv, (Words{"date"}));
}

TEST(TemplateTest, AScriptGetsEachOfSeveralValuesQuoted) {
  const auto script = [](const Words& words) {
    return Template({words, true, "", true, {}}).Expand(Pack({"a b", "c", ""}), 1, 1).argv;
  };
  EXPECT_EQ(script({"ls {} -- {2} {9}"}), (Words{"sh", "-c", "ls 'a b' c '' -- c ''"}));
  EXPECT_EQ(script({"ls"}), (Words{"sh", "-c", "ls 'a b' c ''"}));
  EXPECT_EQ(script({"ls", "{}"}), (Words{"sh", "-c", "ls", "sh", "a b", "c", ""}));
}

TEST(TemplateTest, APayloadThatDoesNotHoldSeveralValuesIsAnError) {
  const Template several({{"echo"}, false, "", true, {}});
  EXPECT_NE(several.Expand("\x05x", 1, 1).error, "");
  EXPECT_NE(several.Expand(Pack({std::string("a\0", 2)}), 1, 1).error, "");
  EXPECT_EQ(several.Expand(std::nullopt, 1, 1).argv, (Words{"echo"}));
}

TEST(TemplateTest, ShowsTheCommandAsAShellReadsIt) {
  EXPECT_EQ(Template({{"cp", "{}", "it's {#} {%}"}, false, "", false, {}}).CommandLine("a b", 3),
            R"(cp 'a b' 'it'\''s 3 1')");
  EXPECT_EQ(Template({{"cat {} | wc"}, true, "", false, {}}).CommandLine("f", 1),
            "sh -c 'cat f | wc'");
  EXPECT_EQ(Template({{}, false, "", false, {}}).CommandLine("f", 1), "");
}

TEST(TemplateTest, KnowsWhatItTakes) {
  const auto template_of = [](const Words& words, bool shell = false) {
    return Template({words, shell, "", true, {}});
  };
  EXPECT_EQ(template_of({"ls", "{}"}).program(), "ls");
  EXPECT_EQ(template_of({"{1}"}).program(), std::nullopt);
  EXPECT_EQ(template_of({"/bin/{1}"}).program(), std::nullopt);
  EXPECT_EQ(template_of({"{1} | wc"}, true).program(), "/bin/sh");
  EXPECT_EQ(template_of({}).program(), std::nullopt);
  EXPECT_EQ(template_of({"ls", "{}"}).values_needed(), 0u);
  EXPECT_EQ(template_of({"ls", "{2}{7/}", "{3}"}).values_needed(), 7u);
  EXPECT_TRUE(template_of({"ls"}).takes_all());
  EXPECT_TRUE(template_of({"ls", "-{/}"}).takes_all());
  EXPECT_FALSE(template_of({"ls", "{2}"}).takes_all());
}

TEST(Placeholders, LookLikeNamesWhereTheyCouldBeOne) {
  EXPECT_EQ(NamesIn("{a} {b_1/.} ${HOME} {c.d} {print $1} {\"x\":1} {} {2} {-x} {gr\xc3\xb6\xc3\x9f"
                    "e} {{e}} {f"),
            (Words{"a", "b_1", "c.d",
                   "gr\xc3\xb6\xc3\x9f"
                   "e",
                   "e"}));
}

TEST(TemplateTest, QuotesWhatAShellWouldReadInAnotherWay) {
  EXPECT_EQ(ShellQuote("a-b/c.d_1"), "a-b/c.d_1");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellQuote("A=1"), "'A=1'");
  EXPECT_EQ(ShellQuote("~"), "'~'");
  EXPECT_EQ(ShellQuote(Words{"a", "", "b c"}), "a '' 'b c'");
}

}  // namespace
}  // namespace fanmill
