// What the command says when it is used wrongly, or finds nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/cluster/local_cluster.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

TEST(NoController, IsSaidWithTheAddressAndHowToStartOne) {
  LocalCluster cluster;  // of which nothing was started
  const Finished alone = cluster.Fanmill({"submit", "--", "echo"}, "x\n");
  EXPECT_EQ(alone.exit_code, 5);
  EXPECT_THAT(alone.out, IsEmpty());
  EXPECT_THAT(alone.err, AllOf(HasSubstr("no controller answered at tcp://" + cluster.address()),
                               HasSubstr("for 5s. Start one with: fanmill-controller")));
}

TEST(NoVentilator, IsSaidWithHowToStartOne) {
  LocalCluster cluster;
  cluster.StartController();
  const Finished alone = cluster.Fanmill({"submit", "--", "echo"}, "x\n");
  EXPECT_EQ(alone.exit_code, 5);
  EXPECT_THAT(alone.err,
              HasSubstr("Start one with: fanmill-ventilator --controller " + cluster.address()));
}

TEST(Usage, IsShownToWhoSaysNothing) {
  const LocalCluster cluster;
  const Finished nothing =
      StartCommand({Executable("fanmill")}, cluster.folder() + "/usage", "").Wait();
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.out, IsEmpty());
  EXPECT_THAT(nothing.err, HasSubstr("Usage: fanmill"));
}

TEST(Usage, IsTaughtByAnExampleOfEveryCommand) {
  const LocalCluster cluster;
  const auto help = [&cluster](const Words& words) {
    Words argv = {Executable("fanmill")};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.push_back("--help");
    const Finished told = StartCommand(argv, cluster.folder() + "/help", "").Wait();
    EXPECT_EQ(told.exit_code, 0);
    return told.out;
  };
  std::istringstream all(help({}));
  std::string line;
  while (std::getline(all, line) && line != "Subcommands:") {
  }
  int commands = 0;
  for (; std::getline(all, line) && !line.empty(); ++commands) {
    std::string name;
    std::istringstream(line) >> name;
    EXPECT_THAT(help({name}), ContainsRegex("\n  .*fanmill " + name)) << name;
  }
  EXPECT_EQ(commands, 14);
}

TEST(DryRun, ShowsTheCommandsAndNeedsNoCluster) {
  LocalCluster cluster;  // of which nothing was started
  const Finished shown =
      cluster.Fanmill({"submit", "--dry-run", "--", "cp", "{}", "{#}.{.}"}, "a b.c\nit's\n");
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(shown.out, "cp 'a b.c' '1.a b'\ncp 'it'\\''s' '2.it'\\''s'\n");
  EXPECT_THAT(shown.err, IsEmpty());
  const Finished wrong = cluster.Fanmill({"submit", "--dry-run", "--csv", "echo"}, "a,b\nc\n");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("line 2 of stdin: the row has 1 columns"));
}

TEST(Usage, IsWrongWhereStdinIsClosed) {
  const LocalCluster cluster;
  const Words words = {"/bin/sh", "-c",  "exec \"$@\" <&-", "sh", Executable("fanmill"),
                       "submit",  "echo"};
  const Finished closed = StartCommand(words, cluster.folder() + "/closed", "").Wait();
  EXPECT_EQ(closed.exit_code, 2);
  EXPECT_THAT(closed.err, HasSubstr("stdin is closed, and values would come from there"));
}

TEST(Usage, IsWrongWhereAKeyIsMissing) {
  const LocalCluster cluster;
  const auto list = [&cluster](const char* name, Words words) {
    words.insert(words.begin(), Executable("fanmill"));
    return StartCommand(words, cluster.folder() + "/" + name, "");
  };
  const Finished refused = list("refused", {"--controller", "192.0.2.1", "list"}).Wait();
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("refusing to use tcp://192.0.2.1:21000 without a key"));
  const Finished silent =
      list("silent", {"--controller", "192.0.2.1", "--insecure-network", "list"}).Wait();
  EXPECT_EQ(silent.exit_code, 5);
  EXPECT_THAT(silent.err, HasSubstr("no controller answered at tcp://192.0.2.1:21000"));
}

TEST(Usage, IsWrongInManyWaysAndEachIsSaid) {
  LocalCluster cluster;
  const struct {
    Words words;
    const char* said;
  } all[] = {{{"frobnicate"}, "there is no command 'frobnicate'"},
             {{"list", "--frobnicate"}, "there is no option --frobnicate"},
             {{"list", "3"}, "too many words: 3"},
             {{"shutdown", "--now=no"}, "--now takes no value"},
             {{"wait", "1", "--timeout"}, "--timeout needs a value"},
             {{"keygen", ""}, "FILE: it is empty"},
             {{"verify", "x"}, "BATCH: 'x' is neither the number of a batch nor the word all"},
             {{"verify", "--state", "/no"}, "cannot read /no/controller/book.db: no such file"},
             {{"submit", "--timeout", "0", "--", "x"}, "--timeout '0' is no time at all"},
             {{"submit", "--array", "1-3"}, "COMMAND is missing"},
             {{"submit", "--"}, "begins with an empty word"},
             {{"submit", "--", ""}, "begins with an empty word"},
             {{"submit", "--", "echo {}"}, "add --shell"},
             {{"submit", "--handler", "python", "--", "x"}, "--handler 'python' is not known"},
             {{"submit", "--array", "9-1", "--", "x"}, "--array '9-1' is empty"},
             {{"submit", "-a", "/no/such/file", "--", "x"}, "cannot read /no/such/file: no such"},
             {{"submit", "-a", "/usr", "--", "x"}, "cannot read /usr: it is a directory"},
             {{"submit", "--retries", "-1", "--", "x"}, "--retries"},
             {{"submit", "--retries", "1", "--retry-on", "0", "--", "x"}, "such as 75,100-110"},
             {{"submit", "--retry-on", "1", "--", "x"}, "--retries"},
             {{"submit", "--timeout", "x", "--", "x"}, "--timeout 'x' is not a duration"},
             {{"wait", "0"}, "BATCH: '0' is not the number of a batch; fanmill list shows"},
             {{"status", "x"}, "BATCH: 'x' is not the number of a batch; fanmill list shows"},
             {{"cancel", "-1"}, "is not the number of a batch"},
             {{"report", "4294967296"}, "BATCH: '4294967296' is not the number of a batch"},
             {{"results", ""}, "BATCH: '' is not the number of a batch"},
             {{"wait", "1", "--timeout", ""}, "--timeout: it is empty"},
             {{"submit", "--timeout", "", "--", "x"}, "--timeout: it is empty"},
             {{"submit", "--cwd", "", "--", "x"}, "--cwd: it is empty"},
             {{"list", "--key", ""}, "--key: it is empty"},
             {{"list", "--controller", "127.0.0.1"}, "--controller is given more than once"}};
  for (const auto& wrong : all) {
    const Finished said = cluster.Fanmill(wrong.words);
    EXPECT_EQ(said.exit_code, 2) << ::testing::PrintToString(wrong.words);
    EXPECT_THAT(said.err, HasSubstr(wrong.said));
    EXPECT_THAT(said.out, IsEmpty());
  }
}

}  // namespace
}  // namespace fanmill
