#include "lib/io/man_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lib/io/flags.h"

namespace fanmill {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ManPage, ShowsEveryCharacterAsItIs) {
  CLI::App app("Test: it's `a` \\ b ~ c ^ d\n\n.hidden and 'quoted", "test");
  app.footer("  .first line\n  'second'\n  third \\n");
  const std::string page = ManPage(app);
  EXPECT_THAT(page, HasSubstr(".SH NAME\ntest \\- test\n"));
  EXPECT_THAT(page, HasSubstr("Test: it\\(aqs \\(gaa\\(ga \\e b \\(ti c \\(ha d\n"));
  EXPECT_THAT(page, HasSubstr("\n\\&.hidden and \\(aqquoted\n"));
  EXPECT_THAT(page, HasSubstr(".nf\n\\&.first line\n\\(aqsecond\\(aq\nthird \\en\n.fi\n"));
}

TEST(ManPage, TellsOfAnOptionAllThatItsDefinitionSays) {
  CLI::App app("Test.", "test");
  int number = 3;
  std::string word;
  std::string hidden;
  bool both = false;
  auto* other = app.add_flag("--other", both, "another");
  app.add_option("-n,--number", number, "how many")
      ->check(CLI::Range(1, 9))
      ->type_name("N")
      ->capture_default_str()
      ->envname("TEST_NUMBER")
      ->excludes(other);
  OneOf(app.add_option("--word", word, "which")->required(), {"a", "b"});
  app.add_option("--hidden", hidden)->group("");
  const std::string page = ManPage(app);
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-n\\fR, \\fB\\-\\-number\\fR \\fIN\\fR\n"
                              "how many (1 to 9; default: 3; environment: TEST_NUMBER; "
                              "not with \\-\\-other)\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n\\fB\\-\\-word\\fR \\fIa|b\\fR\nwhich (required)\n"));
  EXPECT_THAT(page, Not(HasSubstr("hidden")));
}

TEST(ManPage, TakesExamplesAndExitCodesOutOfTheText) {
  CLI::App app("Test.", "test");
  app.footer(
      "More of\nit.\n  test one         what it shows\n  test two\nAfter.\n"
      "Exit codes: 0 ok, 5 no, never, 128+N by a signal.");
  const std::string page = ManPage(app);
  EXPECT_THAT(page, HasSubstr(".SH DESCRIPTION\nTest.\n.PP\nMore of it.\n.PP\nAfter.\n.SH"));
  EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS\n.TP\n\\fB0\\fR\nok\n.TP\n\\fB5\\fR\nno, never\n"
                              ".TP\n\\fB128+N\\fR\nby a signal\n.SH"));
  EXPECT_THAT(page, HasSubstr(".nf\ntest one\n    # what it shows\ntest two\n.fi\n"));
}

TEST(ManPage, IsPrintedOfTheSubcommandThatIsNamed) {
  CLI::App app("Test.\n\nMuch.", "test");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("Exit codes: 0 ok.");
  CLI::App* command = app.add_subcommand("go", "Go: far.");
  std::string where;
  command->add_option("WHERE", where)->required();
  AddManPageFlag(app);
  try {
    app.parse("go --man-page");
    FAIL() << "it went on";
  } catch (const CLI::CallForVersion& page) {
    EXPECT_THAT(page.what(), HasSubstr(".SH SYNOPSIS\n\\fBtest go\\fR [OPTIONS] WHERE\n"));
    EXPECT_THAT(page.what(), HasSubstr(".SH EXIT STATUS\n.TP\n\\fB0\\fR\nok\n"));
  }
}

}  // namespace
}  // namespace fanmill
