// The commands against a real cluster, one for all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/cluster/local_cluster.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;
using Words = std::vector<std::string>;

std::string Sorted(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  for (const std::string& line : lines) sorted += line;
  return sorted;
}

// One cluster for all of them: none leaves anything behind that another would see, but for batches.
class Commands : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<LocalCluster>();
    cluster_->StartAll();
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  static Finished Run(const Words& words, const std::string& input = "") {
    return cluster_->Fanmill(words, input);
  }
  static LocalCluster& cluster() { return *cluster_; }
  // A batch of which nobody knows when it ends; its id.
  static std::string Submit(Words words, const std::string& input = "") {
    words.insert(words.begin(), "submit");
    const Finished submitted = Run(words, input);
    EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
    EXPECT_THAT(submitted.out, MatchesRegex("[0-9]+\n"));
    return submitted.out.substr(0, submitted.out.find('\n'));
  }

  static std::unique_ptr<LocalCluster> cluster_;
};

std::unique_ptr<LocalCluster> Commands::cluster_;

TEST_F(Commands, SubmitPrintsTheBareIdAndResultsTheOutputs) {
  const std::string batch = Submit({"--", "echo", "got", "{}"}, "a\nb\nc\n");
  const Finished results = Run({"results", batch});
  EXPECT_EQ(results.exit_code, 0);
  EXPECT_EQ(Sorted(results.out), "got a\ngot b\ngot c\n");
  EXPECT_THAT(results.err, IsEmpty());
  EXPECT_EQ(Run({"wait", batch}).exit_code, 0);
  EXPECT_EQ(Run({"wait", batch, "--timeout", "1ms"}).exit_code, 0) << "it asks in any case";
}

TEST_F(Commands, SubmitWithWaitPrintsTheOutputsAlone) {
  const Finished waited = Run({"submit", "--wait", "echo", "--wait", "[a,b]", "{#}={}"}, "x\ny");
  EXPECT_EQ(waited.exit_code, 0) << waited.err;
  EXPECT_EQ(Sorted(waited.out), "--wait [a,b] 1=x\n--wait [a,b] 2=y\n");
  EXPECT_THAT(waited.err, IsEmpty());
}

TEST_F(Commands, SubmitWithWaitMakesOfTheOutputsWhatIsAsked) {
  const Finished ordered = Run(
      {"submit", "--wait", "-k", "--tag", "--shell", "sleep 0.{}; echo {}", ":::", "3", "2", "1"});
  EXPECT_EQ(ordered.exit_code, 0) << ordered.err;
  EXPECT_EQ(ordered.out, "3\t3\n2\t2\n1\t1\n");
  const Finished later = Run({"submit", "-k", "echo"}, "a\n");
  EXPECT_EQ(later.exit_code, 2);
  EXPECT_THAT(later.err, HasSubstr("add --wait"));
}

TEST_F(Commands, RunOnANamedControllerIsSubmitWithWait) {
  const Finished ran = Run({"run", "-k", "echo", ":::", "a", "b"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_EQ(ran.out, "a\nb\n");
  EXPECT_THAT(Run({"list"}).out, HasSubstr("echo"));
  const Finished direct = Run({"run", "-u", "echo"}, "a\n");
  EXPECT_EQ(direct.exit_code, 2);
  EXPECT_THAT(direct.err, HasSubstr("on this machine"));
}

TEST_F(Commands, SubmitTakesValuesFromAFileOrARange) {
  const std::string path = cluster().folder() + "/values";
  std::ofstream(path) << "from\na file\n";
  EXPECT_EQ(Sorted(Run({"submit", "--wait", "-a", path, "--", "echo"}).out), "a file\nfrom\n");
  EXPECT_EQ(Sorted(Run({"submit", "--wait", "--array", "3-9:3", "--", "echo", "{}"}).out),
            "3\n6\n9\n");
}

TEST_F(Commands, SubmitGivesATaskSeveralValues) {
  const Finished csv =
      Run({"submit", "--wait", "--csv", "--header", "--", "printf", "%s|", "{size}", "{}"},
          "name,size\n\"a, b\",1\n");
  EXPECT_EQ(csv.out, "1|a, b|1|") << csv.err;
  EXPECT_EQ(Sorted(Run({"submit", "--wait", "echo", "{2}{1}", ":::", "a", "b", ":::", "1"}).out),
            "1a\n1b\n");
  EXPECT_EQ(Run({"submit", "--wait", "-0I@", "printf", "%s|", "<@>"}, std::string("a\nb\0", 4)).out,
            "<a\nb>|");
}

TEST_F(Commands, SubmitWithoutACommandRunsEachLineInAShell) {
  const Finished lines = Run({"submit", "--wait"}, "echo a | tr a b\n\n# nothing\nexit 3\n");
  EXPECT_EQ(lines.exit_code, 1);
  EXPECT_EQ(lines.out, "b\n");
  EXPECT_THAT(lines.err, HasSubstr("task 4: exit code 3"));
}

TEST_F(Commands, TheReportKnowsTheCostsOfAColumn) {
  const std::string batch =
      Submit({"--csv", "--header", "--expect", "{cost}", "true"}, "n,cost\na,60\nb,500ms\n");
  EXPECT_EQ(Run({"wait", batch}).exit_code, 0);
  EXPECT_THAT(Run({"report", batch}).out, StartsWith("Total expected cost: 60500 msec\n"));
}

TEST_F(Commands, TasksRunWhereTheSubmitterIsWithTheVariablesItNames) {
  const std::string here = std::filesystem::current_path();
  const Finished run = Run({"submit", "--wait", "--env", "GREETING=good day", "--shell", "--",
                            ": {}; pwd; echo $GREETING"},
                           "1\n");
  EXPECT_EQ(run.out, here + "\ngood day\n") << run.err;
  EXPECT_EQ(Run({"submit", "--wait", "--cwd", "/usr", "--", "pwd"}, "-P\n").out, "/usr\n");
}

TEST_F(Commands, SubmitOfNoLinesIsABatchThatIsDone) {
  const Finished none = Run({"submit", "--wait", "--", "echo"}, "");
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_THAT(none.out, IsEmpty());
  EXPECT_THAT(none.err, HasSubstr("there are no tasks: stdin has no lines"));
}

TEST_F(Commands, FailuresStandAtTheEndByTheirCause) {
  const Finished failed =
      Run({"submit", "--wait", "--shell", "--", "test {} = 2 || { echo no {} >&2; exit 3; }"},
          "1\n2\n3\n");
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err,
              AllOf(HasSubstr(": 2 of 3 tasks failed"), HasSubstr("task 1: exit code 3: no 1"),
                    HasSubstr("task 3: exit code 3: no 3")));
  const Finished missing = Run({"submit", "--wait", "--", "/no/such/program"}, "1\n2\n3\n");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("tasks 1-3: could not be started"));
}

TEST_F(Commands, RetriesAreFurtherAttempts) {
  const std::string tried = cluster().folder() + "/tried";
  const std::string command = absl::StrCat("echo {} $FANMILL_ATTEMPT >> ", tried, "; exit 1");
  EXPECT_EQ(Run({"submit", "--wait", "--retries", "2", "--shell", "--", command}, "x\n").exit_code,
            1);
  std::ifstream in(tried);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "x 1\nx 2\nx 3\n");
}

TEST_F(Commands, ATimeoutStopsATask) {
  const Finished late = Run({"submit", "--wait", "--timeout", "50ms", "--", "sleep"}, "1000\n");
  EXPECT_EQ(late.exit_code, 1);
  EXPECT_THAT(late.err, HasSubstr("task 1: stopped at its --timeout"));
}

TEST_F(Commands, AHeldBatchWaitsForItsStart) {
  const std::string batch = Submit({"--hold", "--", "echo"}, "now\n");
  const Finished waiting = Run({"wait", batch, "--timeout", "1200ms"});
  EXPECT_EQ(waiting.exit_code, 4);
  EXPECT_THAT(waiting.err, AllOf(HasSubstr("it is held: fanmill start " + batch),
                                 HasSubstr("did not end within 1200ms; it goes on")));
  EXPECT_EQ(Run({"start", batch}).exit_code, 0);
  EXPECT_EQ(Run({"wait", batch}).exit_code, 0);
  EXPECT_EQ(Run({"results", batch}).out, "now\n");
  const Finished again = Run({"start", batch});
  EXPECT_EQ(again.exit_code, 5);
  EXPECT_THAT(again.err, HasSubstr("has ended (done)"));
  EXPECT_EQ(Run({"cancel", batch}).exit_code, 5) << "there is nothing to cancel";
}

TEST_F(Commands, CtrlCDetachesAndSaysHowToGoOn) {
  RunningCommand submit =
      cluster().StartFanmill({"submit", "--wait", "--min-workers", "9", "--", "echo"}, "never\n");
  ASSERT_TRUE(WaitUntil([&] { return submit.Err().find("2 of 9 are ready") != std::string::npos; }))
      << submit.Err();
  submit.process().Signal(SIGINT);
  const Finished detached = submit.Wait();
  EXPECT_EQ(detached.exit_code, 128 + SIGINT);
  EXPECT_THAT(detached.err, HasSubstr("goes on. Wait for it: fanmill wait "));
  const std::string after = detached.err.substr(detached.err.find("fanmill wait ") + 13);
  const std::string batch = after.substr(0, after.find(';'));

  const Finished cancelled = Run({"cancel", batch});
  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.err;
  EXPECT_THAT(cancelled.err, HasSubstr("nothing of it runs any more"));
  EXPECT_EQ(Run({"wait", batch}).exit_code, 3);
  EXPECT_EQ(Run({"cancel", batch}).exit_code, 0);  // asking again is harmless
}

TEST_F(Commands, CancelStopsWhatRuns) {
  const std::string batch = Submit({"--", "sleep"}, "1000\n1000\n1000\n");
  ASSERT_TRUE(WaitUntil([&] {
    return Run({"status", batch}).out.find("running") != std::string::npos;
  }));
  EXPECT_EQ(Run({"cancel", batch}).exit_code, 0);
  const Finished waited = Run({"wait", batch});
  EXPECT_EQ(waited.exit_code, 3);
  EXPECT_THAT(waited.err, HasSubstr("was cancelled: 0 tasks were done, 3 were not"));
}

TEST_F(Commands, ASubmitThatCannotSendEverythingCancelsItsBatch) {
  const Finished nul = Run({"submit", "--wait", "--", "echo"}, std::string("one\ntw\0o\n", 9));
  EXPECT_EQ(nul.exit_code, 2);
  EXPECT_THAT(nul.err, AllOf(HasSubstr("line 2 of stdin has a NUL byte"),
                             HasSubstr("was cancelled, since not all of its tasks were sent")));
  const Finished large = Run({"submit", "--", "echo"}, std::string((1 << 20) + 1, 'x') + "\n");
  EXPECT_EQ(large.exit_code, 2);
  EXPECT_THAT(large.err, HasSubstr("line 1 of stdin is longer than 1048576 bytes"));
  EXPECT_THAT(large.out, IsEmpty());
  const Finished sleep = Run({"submit", "--handler", "sleep"}, "5ms\nsoon\n");
  EXPECT_EQ(sleep.exit_code, 2);
  EXPECT_THAT(sleep.err, HasSubstr("line 2 of stdin: 'soon' is not how long to sleep"));
}

TEST_F(Commands, ASubmitOfABatchThatSomebodyCancelsMeanwhileIsCancelled) {
  const std::string fifo = cluster().folder() + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  RunningCommand submit = cluster().StartFanmill({"submit", "-a", fifo, "--name", "cut", "echo"});
  std::ofstream tasks(fifo);  // both wait for each other here
  tasks << "one\n" << std::flush;
  std::string batch;
  ASSERT_TRUE(WaitUntil([&] {
    std::istringstream list(Run({"list"}).out);
    for (std::string line; std::getline(list, line);) {
      if (line.ends_with(" cut")) std::istringstream(line) >> batch;
    }
    return !batch.empty();
  }));
  EXPECT_EQ(Run({"cancel", batch}).exit_code, 0);
  std::signal(SIGPIPE, SIG_IGN);  // it may have heard already, and read no more
  tasks << "two\n" << std::flush;
  const Finished cut = submit.Wait();
  tasks.close();  // which tries once more to write what was not taken
  std::signal(SIGPIPE, SIG_DFL);
  EXPECT_EQ(cut.exit_code, 3);
  EXPECT_EQ(cut.err,
            "fanmill: batch " + batch + " was cancelled while its tasks were being sent\n");
  EXPECT_THAT(cut.out, IsEmpty());
}

TEST_F(Commands, ResultsAsJsonTellEachTask) {
  const std::string batch = Submit({"--shell", "--", "echo {}; echo err >&2; exit {}"}, "0\n7\n");
  const Finished json = Run({"results", batch, "--json"});
  EXPECT_EQ(json.exit_code, 1);
  EXPECT_THAT(Sorted(json.out),
              MatchesRegex(
                  "\\{\"task\":1,\"status\":\"ok\",\"code\":0,\"run_s\":0\\.[0-9]+,\"worker\":[12],"
                  "\"attempt\":1,\"stdout\":\"0\\\\n\",\"stderr\":\"err\\\\n\"\\}\n"
                  "\\{\"task\":2,\"status\":\"failed\",\"code\":7,\"run_s\":0\\.[0-9]+,\"worker\":"
                  "[12],\"attempt\":1,\"stdout\":\"7\\\\n\",\"stderr\":\"err\\\\n\"\\}\n"));
}

TEST_F(Commands, LargeOutputsComeWhole) {
  const Finished large = Run(
      {"submit", "--wait", "--shell", "--", "head -c 3000000 /dev/zero | tr '\\0' {}"}, "a\nb\n");
  EXPECT_EQ(large.exit_code, 0) << large.err;
  const std::string a(3'000'000, 'a');
  const std::string b(3'000'000, 'b');
  EXPECT_TRUE(large.out == a + b || large.out == b + a) << large.out.size();
}

TEST_F(Commands, TheReportKnowsTheDeclaredCosts) {
  const std::string batch = Submit({"--handler", "sleep"}, "10ms\n20ms\n30000\n");
  EXPECT_EQ(Run({"wait", batch}).exit_code, 0);
  const Finished text = Run({"report", batch});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_THAT(text.out, StartsWith("Total expected cost: 60 msec\nTotal elapsed time: "));
  const Finished json = Run({"report", batch, "--json"});
  EXPECT_THAT(json.out, AllOf(HasSubstr("\"expected_s\""), HasSubstr("\"bound_ratio\"")));
}

TEST_F(Commands, ListAndStatusShowWhatIsThere) {
  const std::string batch = Submit({"--name", "a name\x1b[31m", "--", "true"}, "x\n");
  EXPECT_EQ(Run({"wait", batch}).exit_code, 0);
  const Finished list = Run({"list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_THAT(list.out, AllOf(StartsWith(" BATCH  PHASE"), HasSubstr("a name\\x1b[31m\n")));
  const Finished status = Run({"status"});
  EXPECT_THAT(status.out, AllOf(StartsWith("ROLE"), HasSubstr("\nventilator "),
                                HasSubstr("\nsink "), HasSubstr("\nworker         1  ready")));
  EXPECT_THAT(Run({"status", batch}).out, AllOf(Not(HasSubstr("ROLE")), HasSubstr(" done ")));
}

TEST_F(Commands, ABatchThatIsNotThereIsSaidToBe) {
  for (const char* command : {"start", "status", "wait", "results", "report", "cancel"}) {
    const Finished none = Run({command, "999999"});
    EXPECT_EQ(none.exit_code, 2) << command;
    EXPECT_THAT(none.err, HasSubstr("there is no batch 999999")) << command;
    EXPECT_THAT(none.out, IsEmpty()) << command;
  }
}

TEST_F(Commands, OutputThatNobodyCanTakeIsSaid) {
  const std::string batch = Submit({"--", "echo"}, "x\n");
  EXPECT_EQ(Run({"wait", batch}).exit_code, 0);
  const auto into_full = [](const Words& command) {
    Words words = {"/bin/sh",
                   "-c",
                   R"("$@" > /dev/full)",
                   "sh",
                   Executable("fanmill"),
                   "--controller",
                   cluster().address()};
    words.insert(words.end(), command.begin(), command.end());
    return StartCommand(words, cluster().folder() + "/full", "x\n").Wait();
  };
  for (const Words& command : {Words{"submit", "--wait", "echo"}, Words{"submit", "--hold", "echo"},
                               Words{"list"}, Words{"status"}, Words{"status", batch},
                               Words{"report", batch}, Words{"report", batch, "--json"},
                               Words{"results", batch}, Words{"results", batch, "--json"},
                               Words{"--help"}, Words{"submit", "--help"}, Words{"--version"}}) {
    const Finished full = into_full(command);
    EXPECT_EQ(full.exit_code, 5) << absl::StrJoin(command, " ");
    EXPECT_THAT(full.err, HasSubstr("cannot write the output: no space left on device"))
        << absl::StrJoin(command, " ");
  }
  const Finished submitted = into_full({"submit", "--", "true"});
  EXPECT_THAT(submitted.err, ContainsRegex("batch [0-9]+ goes on: fanmill status [0-9]+\n"));
}

TEST_F(Commands, AReaderThatLeavesDoesNotStopTheBatch) {
  const Words words = {"/bin/sh",
                       "-c",
                       R"({ "$@"; echo $? >&2; } | true)",
                       "sh",
                       Executable("fanmill"),
                       "--controller",
                       cluster().address(),
                       "submit",
                       "--wait",
                       "--",
                       "sh",
                       "-c",
                       "sleep 0.2; echo $0"};
  const Finished gone = StartCommand(words, cluster().folder() + "/gone", "x\n").Wait();
  EXPECT_THAT(gone.err, AllOf(HasSubstr("goes on"), HasSubstr("141\n")));
}

TEST_F(Commands, ManyLinesStreamThrough) {
  std::string lines;
  for (int i = 1; i <= 200'000; ++i) lines += absl::StrCat(i, "\n");
  const Finished many = Run({"submit", "--wait", "--handler", "noop"}, lines);
  EXPECT_EQ(many.exit_code, 0) << many.err;
  const Finished range = Run({"submit", "--wait", "--handler", "noop", "--array", "1-200000"});
  EXPECT_EQ(range.exit_code, 0) << range.err;
}

}  // namespace
}  // namespace fanmill
