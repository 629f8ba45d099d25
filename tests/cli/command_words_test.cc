#include "controller/cli/command_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanmill::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

// A command line with an option and a flag at the top and in `submit`, as fanmill's.
class CommandWords : public ::testing::Test {
 protected:
  CommandWords() {
    app_.add_option("--controller", text_);
    CLI::App* submit = app_.add_subcommand("submit");
    submit->add_flag("-w,--wait", flag_);
    submit->add_option("-a,--arg-file", text_);
    submit->add_option(kCommandName, command_);
    app_.add_subcommand("list");
  }
  Words Take(Words& words) const { return TakeCommandWords(app_, words); }

  CLI::App app_;
  std::string text_;
  bool flag_ = false;
  Words command_;
};

TEST_F(CommandWords, BeginAfterTheTwoDashes) {
  Words words = {"submit", "--wait", "--", "ls", "-l", "{}"};
  EXPECT_THAT(Take(words), ElementsAre("ls", "-l", "{}"));
  EXPECT_THAT(words, ElementsAre("submit", "--wait"));
}

TEST_F(CommandWords, BeginAtTheFirstWordThatIsNoOption) {
  Words words = {"submit", "-a", "file", "--wait", "ls", "--wait", "{}"};
  EXPECT_THAT(Take(words), ElementsAre("ls", "--wait", "{}"));
  EXPECT_THAT(words, ElementsAre("submit", "-a", "file", "--wait"));
}

TEST_F(CommandWords, StayAsTheyAreWhateverTheParserWouldMakeOfThem) {
  Words words = {"submit", "--", "test", "[a,b]", "--", "", "list"};
  EXPECT_THAT(Take(words), ElementsAre("test", "[a,b]", "--", "", "list"));
}

TEST_F(CommandWords, DoNotBeginAtAnOptionsValue) {
  Words words = {"--controller", "host", "submit", "--controller", "host:1", "echo"};
  EXPECT_THAT(Take(words), ElementsAre("echo"));
  Words joined = {"--controller=host", "submit", "-afile", "--arg-file=list", "echo", "x"};
  EXPECT_THAT(Take(joined), ElementsAre("echo", "x"));
}

TEST_F(CommandWords, DoNotBeginAtTheValueOfTheLastOfSeveralLetters) {
  Words apart = {"submit", "-wa", "file", "echo"};
  EXPECT_THAT(Take(apart), ElementsAre("echo"));
  Words joined = {"submit", "-wafile", "echo"};
  EXPECT_THAT(Take(joined), ElementsAre("echo"));
  Words flags = {"submit", "-ww", "echo"};
  EXPECT_THAT(Take(flags), ElementsAre("echo"));
}

TEST_F(CommandWords, BeginAtTheMarkOfValues) {
  Words words = {"submit", "--wait", ":::", "a"};
  EXPECT_THAT(Take(words), ElementsAre(":::", "a"));
}

TEST_F(CommandWords, AreNoneWhereTheSubcommandTakesNoCommand) {
  Words words = {"list", "--", "echo"};
  EXPECT_THAT(Take(words), IsEmpty());
  EXPECT_EQ(words.size(), 3u);
  Words unknown = {"nonsense", "echo"};
  EXPECT_THAT(Take(unknown), IsEmpty());
  EXPECT_EQ(unknown.size(), 2u);
  Words none = {"submit", "--wait"};
  EXPECT_THAT(Take(none), IsEmpty());
  Words nothing = {"submit", "--"};
  EXPECT_THAT(Take(nothing), ElementsAre("")) << "of a variable that is not set";
  Words only_values = {"submit", "--", ":::", "a"};
  EXPECT_THAT(Take(only_values), ElementsAre("", ":::", "a"));
  Words cut = {"submit", "-a"};
  EXPECT_THAT(Take(cut), IsEmpty());
}

}  // namespace
}  // namespace fanmill::cli
