// The exec handler: how processes are started as tasks, and how they end.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/core/values.h"
#include "tests/process/executor_rig.h"
#include "worker/spawn.h"

// The tests read the slot table while others write it, as a guardian may; what they get is checked.
extern "C" const char* __tsan_default_suppressions() {
  return "race:fanmill::SlotTable::Started\n";
}

namespace fanmill {
namespace {

using testing::TempDir;

int64_t Entries(const std::string& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

TEST(Exec, TellsAPlainSuccessWithoutAnOutcome) {
  Rig rig;
  rig.RunOne(ExecSpec({"true"}));
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_EQ(rig.told[0].chunk, kChunk);
  EXPECT_EQ(rig.told[0].ok_first, 0u);
  EXPECT_EQ(rig.told[0].ok_count, 1u);
  EXPECT_GT(rig.told[0].ok_run, Duration(0));
  EXPECT_TRUE(rig.told[0].outcomes.empty());
}

TEST(Exec, TellsExitCodeAndBothStreams) {
  Rig rig;
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(outcome.status, pb::FAILED);
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.out, "out\n");
  EXPECT_EQ(outcome.err, "err\n");
  EXPECT_EQ(outcome.out_spill.handle, 0u);
  EXPECT_GT(outcome.run, Duration(0));
}

TEST(Exec, TellsTheSignalThatEndedATask) {
  Rig rig;
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("kill -USR1 $$"));
  EXPECT_EQ(outcome.status, pb::SIGNALLED);
  EXPECT_EQ(outcome.code, SIGUSR1);
}

TEST(Exec, PutsTheValueIntoTheCommand) {
  Rig rig(3);
  EXPECT_EQ(rig.RunOne(ExecSpec({"echo", "<{}>", "{#}", "{%}"}), "a b").out, "<a b> 1001 1\n");
  EXPECT_EQ(rig.RunOne(ExecSpec({"echo"}), "a b").out, "a b\n");
  EXPECT_EQ(rig.RunOne(ExecSpec({"echo", "x"})).out, "x\n");
  EXPECT_EQ(rig.RunOne(ExecSpec({"{}", "y"}), "echo").out, "y\n");
  EXPECT_EQ(rig.RunOne(ExecSpec({"{}", "y"}), "false").status, pb::FAILED);
}

TEST(Exec, PutsSeveralValuesIntoTheCommand) {
  Rig rig;
  pb::Spec spec = ExecSpec({"printf", "%s|", "{second}", "{1}", "@"});
  spec.set_packed(true);
  spec.add_names("first");
  spec.add_names("second");
  spec.set_replace("@");
  std::string payload;
  PackValue("a b", payload);
  PackValue("c", payload);
  EXPECT_EQ(rig.RunOne(spec, payload).out, "c|a b|a b|c|");
}

TEST(Exec, QuotesTheValueInAScript) {
  Rig rig;
  const std::string nasty = "a'b \"$HOME\" `id`; exit 9\n*";
  EXPECT_EQ(rig.RunOne(ScriptSpec("printf %s {} | cat"), nasty).out, nasty);
  EXPECT_EQ(rig.RunOne(ScriptSpec("printf %s"), nasty).out, nasty);
  pb::Spec with_arguments = ScriptSpec("printf '%s,' \"$@\"");
  with_arguments.add_argv("one {}");
  with_arguments.add_argv("two");
  EXPECT_EQ(rig.RunOne(with_arguments, "v w").out, "one v w,two,");
}

TEST(Exec, TasksKnowWhoTheyAreAndInheritTheWorkersEnvironment) {
  Rig rig(2);
  pb::Spec spec = ScriptSpec(
      "echo $FANMILL_BATCH_ID $FANMILL_TASK_ID $FANMILL_ATTEMPT $FANMILL_SLOT $INHERITED $OWN");
  spec.add_env("OWN=a b");
  spec.add_env("FANMILL_TASK_ID=fake");
  const uint32_t index = rig.Run(1, 7, spec);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(index).out, "7 1001 1 2 yes a b\n");
  spec.add_env("INHERITED=no");
  EXPECT_EQ(rig.RunOne(spec).out, "1 1002 1 1 no a b\n");
}

TEST(Exec, TasksRunInTheBatchsDirectory) {
  Rig rig;
  pb::Spec spec = ExecSpec({"pwd"});
  spec.set_cwd("/usr");
  EXPECT_EQ(rig.RunOne(spec).out, "/usr\n");
}

TEST(Exec, AMissingDirectoryIsSaid) {
  Rig rig;
  pb::Spec spec = ExecSpec({"pwd"});
  spec.set_cwd("/no/such/place");
  const TaskOutcome outcome = rig.RunOne(spec);
  EXPECT_EQ(outcome.status, pb::NOT_STARTED);
  EXPECT_EQ(outcome.err,
            "the working directory /no/such/place does not exist here; create it on this host or "
            "choose another with --cwd");
}

TEST(Exec, AProgramThatIsMissingOrMayNotRunIsNamed) {
  Rig rig;
  const TaskOutcome missing = rig.RunOne(ExecSpec({"no-such-program"}));
  EXPECT_EQ(missing.status, pb::NOT_STARTED);
  EXPECT_NE(missing.err.find("program not found: no-such-program"), std::string::npos);
  const std::string path = TempDir() + "/plain." + std::to_string(getpid());
  std::ofstream(path) << "text";
  const TaskOutcome plain = rig.RunOne(ExecSpec({path}));
  EXPECT_EQ(plain.status, pb::NOT_STARTED);
  EXPECT_NE(plain.err.find("it is not executable; see chmod +x"), std::string::npos);
  std::ofstream(path) << "#!/bin/sh\necho now it is\n";
  chmod(path.c_str(), 0755);
  EXPECT_EQ(rig.RunOne(ExecSpec({path})).out, "now it is\n");
  std::filesystem::remove(path);
}

TEST(Exec, ABadTaskHurtsNoOtherOfItsSlot) {
  Rig rig;
  const uint32_t first = rig.Run(
      0, 1, ExecSpec({"echo", "{}"}),
      {{"a", std::string("n\0ul", 4), std::string(1 << 20, 'x'), std::string(131072, 'x'), "b"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(first).out, "a\n");
  EXPECT_EQ(rig.ended.at(first + 1).status, pb::NOT_STARTED);
  EXPECT_NE(rig.ended.at(first + 1).err.find("NUL byte (its byte 2)"), std::string::npos);
  EXPECT_EQ(rig.ended.at(first + 2).status, pb::NOT_STARTED);
  EXPECT_NE(rig.ended.at(first + 2).err.find("1048576 bytes and Linux takes 131071"),
            std::string::npos);
  EXPECT_EQ(rig.ended.at(first + 3).status, pb::NOT_STARTED);
  EXPECT_EQ(rig.ended.at(first + 4).out, "b\n");
  EXPECT_EQ(rig.told.size(), 5u);  // each as soon as it ended
}

TEST(Exec, ASpecThatNoProcessCanHaveIsExplained) {
  Rig rig;
  pb::Spec bad_entry = ExecSpec({"true"});
  bad_entry.add_env("no equals sign");
  EXPECT_EQ(rig.RunOne(bad_entry).err,
            "the batch's environment entry \"no equals sign\" is not NAME=VALUE; correct it and "
            "submit the batch again");
  pb::Spec bad_cwd = ExecSpec({"true"});
  bad_cwd.set_cwd(std::string("/usr\0/bin", 9));
  EXPECT_EQ(rig.RunOne(bad_cwd).status, pb::NOT_STARTED);
  const TaskOutcome empty = rig.RunOne(ExecSpec({}));
  EXPECT_EQ(empty.status, pb::NOT_STARTED);
  EXPECT_EQ(empty.err, "cannot start the task: the command is empty: no program to run");
}

TEST(Exec, AStartedAttemptStandsInTheSlotTableUntilItEnds) {
  Rig rig(2);
  const std::string fifo = TempDir() + "/fifo." + std::to_string(getpid());
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const uint32_t index = rig.Run(1, 9, ExecSpec({"cat", fifo}));
  ASSERT_TRUE(WaitUntil([&] {
    const auto started = rig.table.Started();
    return started.size() == 1 && started[0].state == SlotState::kRunning;
  }));
  const SlotEntry entry = rig.table.Started()[0];
  EXPECT_EQ(entry.batch, 9u);
  EXPECT_EQ(entry.task, 1000u + index);
  EXPECT_EQ(entry.chunk, kChunk);
  EXPECT_EQ(entry.attempt, 1u);
  EXPECT_GT(entry.pid, 0);
  std::ofstream(fifo) << "go on";
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_TRUE(rig.table.Started().empty());
  std::filesystem::remove(fifo);
}

TEST(Exec, AThousandTasksOnTwoSlotsLeaveNothingOpenOrUnreaped) {
  Rig rig(2);
  rig.RunOne(ExecSpec({"echo"}));
  const int64_t descriptors = Entries("/proc/self/fd");
  const std::vector<std::string> payloads(500);
  rig.Run(0, 1, ExecSpec({"/bin/true", "{#}"}), payloads);
  rig.Run(1, 1, ExecSpec({"/bin/echo", "{#}"}), payloads);
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.ended.size(), 1001u);
  for (uint32_t i = 501; i < 1001; ++i) {
    EXPECT_EQ(rig.ended.at(i).status, pb::OK);
    EXPECT_EQ(rig.ended.at(i).out, std::to_string(1000 + i + 1) + "\n");
  }
  EXPECT_EQ(Entries("/proc/self/fd"), descriptors);
  EXPECT_TRUE(Descendants(getpid()).empty());
}

TEST(Exec, ThreadsDoNotGrowWithTheSlots) {
  Rig rig(64);
  const int64_t threads = Entries("/proc/self/task");
  const Mark mark;
  pb::Spec spec = ExecSpec({"sleep", "1000"});
  spec.add_env(mark.entry());
  for (uint32_t slot = 0; slot < 32; ++slot) rig.Run(slot, 1, spec);
  for (uint32_t slot = 32; slot < 64; ++slot)
    rig.Run(slot, 2, HandlerSpec("sleep"), {{"99999999"}});
  ASSERT_TRUE(WaitUntil([&] { return rig.table.Started().size() == 64; }));
  EXPECT_EQ(Entries("/proc/self/task"), threads);
  rig.Stop(0, true);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_TRUE(mark.Bearers().empty());
}

TEST(Exec, AnUnknownHandlerIsAnsweredWithThoseOffered) {
  ExecutorOptions options = Rig::DefaultOptions();
  options.handlers = {"sleep", "noop"};
  Rig rig(1, options);
  const uint32_t first = rig.Run(0, 1, ExecSpec({"true"}), {{"a", "b"}});
  ASSERT_TRUE(rig.AwaitIdle());
  for (const uint32_t index : {first, first + 1}) {
    EXPECT_EQ(rig.ended.at(index).status, pb::NOT_STARTED);
    EXPECT_EQ(rig.ended.at(index).err,
              "this worker has no handler \"exec\"; it offers noop, sleep; see --handler of "
              "fanmill-worker");
  }
}

// Its tasks die of the worker's end; nobody may take that for theirs.
TEST(ExecDeathTest, AWorkerThatIsEndingTellsNothingOfItsTasks) {
  const auto run = [] {
    Rig rig;
    StopSpawning();
    rig.Run(0, 1, ExecSpec({"true"}));
    pollfd answered{rig.executor->event_fd(), POLLIN, 0};
    poll(&answered, 1, 20'000);
    std::vector<Message> told;
    rig.executor->Collect(told);
    _exit(answered.revents == POLLIN && told.empty() ? 0 : 1);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace fanmill
