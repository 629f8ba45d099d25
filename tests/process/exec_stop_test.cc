// Timeouts and cancels: whatever they are aimed at ends, and nothing of it stays behind.
#include <signal.h>

#include "tests/process/executor_rig.h"

namespace fanmill {
namespace {

pb::Spec Marked(pb::Spec spec, const Mark& mark) {
  spec.add_env(mark.entry());
  return spec;
}

// Says on its stdout that its trap is set, as a process can be seen to have started before it.
const char kIgnoresTerm[] = "trap '' TERM; FANMILL_TEST_READY=1 sleep 1000; sleep 1000";

bool IsReady(const Mark& mark, size_t processes) {
  return WaitUntil([&] { return mark.Bearers().size() >= processes; });
}

TEST(ExecStop, ATaskThatTakesTooLongIsTerminated) {
  Rig rig;
  const Mark mark;
  pb::Spec spec = Marked(ExecSpec({"sleep", "{}"}), mark);
  spec.set_timeout_us(50'000);
  const uint32_t first = rig.Run(0, 1, spec, {{"1000", "0"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(first).status, pb::TIMED_OUT);
  EXPECT_EQ(rig.ended.at(first).code, SIGTERM);
  EXPECT_GE(rig.ended.at(first).run, Micros(50'000));
  EXPECT_EQ(rig.ended.at(first + 1).status, pb::OK);
  EXPECT_TRUE(mark.Bearers().empty());
}

TEST(ExecStop, ATaskThatIgnoresTermIsKilledAfterTheGrace) {
  Rig rig;
  const Mark mark;
  pb::Spec spec = Marked(ScriptSpec("trap '' TERM; echo deaf; sleep 1000; sleep 1000"), mark);
  spec.set_timeout_us(50'000);
  spec.set_grace_us(50'000);
  const TaskOutcome outcome = rig.RunOne(spec);
  EXPECT_EQ(outcome.status, pb::TIMED_OUT);
  EXPECT_EQ(outcome.code, SIGKILL);
  EXPECT_EQ(outcome.out, "deaf\n");
  EXPECT_GE(outcome.run, Micros(100'000));
  EXPECT_TRUE(mark.Bearers().empty());
}

TEST(ExecStop, WithoutAGraceTheTimeoutKills) {
  Rig rig;
  pb::Spec spec = ExecSpec({"sleep", "1000"});
  spec.set_timeout_us(1'000);
  spec.set_grace_us(0);
  const TaskOutcome outcome = rig.RunOne(spec);
  EXPECT_EQ(outcome.status, pb::TIMED_OUT);
  EXPECT_EQ(outcome.code, SIGKILL);
}

TEST(ExecStop, ACancelStopsItsBatchAndNoOther) {
  Rig rig(3);
  const Mark cancelled, other;
  const uint32_t first =
      rig.Run(0, 5, Marked(ExecSpec({"sleep", "{}"}), cancelled), {{"1000", "1000", "1000"}});
  rig.Run(1, 5, Marked(ExecSpec({"sleep", "{}"}), cancelled), {{"1000"}});
  rig.Run(2, 55, Marked(ExecSpec({"sleep", "1000"}), other));
  ASSERT_TRUE(IsReady(cancelled, 2) && IsReady(other, 1));
  rig.Stop(5, false);
  ASSERT_TRUE(rig.Await([&] { return rig.busy == 1; }));
  for (uint32_t i = first; i < first + 4; ++i) {
    EXPECT_EQ(rig.ended.at(i).status, pb::CANCELLED);
  }
  EXPECT_TRUE(cancelled.Bearers().empty());
  EXPECT_EQ(other.Bearers().size(), 1u);
  rig.Stop(55, true);
  ASSERT_TRUE(rig.AwaitIdle());
}

TEST(ExecStop, ATaskMayUseItsGrace) {
  Rig rig;
  const std::string left = testing::TempDir() + "/grace." + std::to_string(getpid());
  const Mark mark;
  rig.Run(0, 1,
          Marked(ScriptSpec("trap 'echo tidy > " + left +
                            "; exit 0' TERM; "
                            "sleep 1000 & wait"),
                 mark));
  ASSERT_TRUE(IsReady(mark, 2));
  rig.Stop(1, false);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).status, pb::CANCELLED);
  EXPECT_EQ(unlink(left.c_str()), 0);
}

TEST(ExecStop, KillAtOnceLeavesNoGrace) {
  Rig rig;
  const Mark mark;
  rig.Run(0, 1, Marked(ScriptSpec(kIgnoresTerm), mark));
  ASSERT_TRUE(IsReady(mark, 2));
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).status, pb::CANCELLED);
  EXPECT_TRUE(mark.Bearers().empty());
}

TEST(ExecStop, ASecondStopCutsTheGraceOfTheFirst) {
  Rig rig;
  const Mark mark, ready;
  rig.Run(0, 1,
          Marked(ScriptSpec("trap '' TERM; " + ready.entry() + " sleep 1000; sleep 1000"), mark));
  ASSERT_TRUE(IsReady(ready, 1));  // the trap is set
  rig.Stop(1, false);
  rig.Stop(1, false);
  EXPECT_EQ(ready.Bearers().size(), 1u);  // deaf to it, like its parent
  EXPECT_TRUE(rig.stopped.empty());
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).status, pb::CANCELLED);
  EXPECT_TRUE(mark.Bearers().empty());
  ASSERT_TRUE(rig.Await([&] { return !rig.stopped.empty(); }));
  EXPECT_EQ(rig.stopped, std::vector<uint32_t>{1}) << "one answer when all stops are through";
}

TEST(ExecStop, AFrozenTaskHearsTheTerm) {
  Rig rig;
  const Mark mark;
  rig.Run(0, 1, Marked(ScriptSpec("kill -STOP $$; sleep 1000"), mark));
  ASSERT_TRUE(IsReady(mark, 1));
  rig.Stop(1, false);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).status, pb::CANCELLED);
}

// Returns when the two that are left behind are in a session of their own.
const char kLeavesTwoBehind[] =
    "x=$(setsid sh -c 'trap \"\" TERM; sleep 1000 >/dev/null 2>&1 & sleep 1000 >/dev/null 2>&1 & "
    "echo up'); ";

TEST(ExecStop, ACancelReachesWhatLeftItsSession) {
  Rig rig(2);
  const Mark cancelled, other;
  const std::string leaves = kLeavesTwoBehind;
  rig.Run(0, 1, Marked(ScriptSpec(leaves + "exec sleep 1000"), cancelled));
  rig.Run(1, 12, Marked(ScriptSpec(leaves), other));
  ASSERT_TRUE(rig.Await([&] { return rig.busy == 1; }));
  ASSERT_TRUE(WaitUntil([&] { return cancelled.Bearers().size() == 3; }));
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_TRUE(cancelled.Bearers().empty());
  EXPECT_EQ(other.Bearers().size(), 2u);
  ASSERT_TRUE(rig.Await([&] { return !rig.stopped.empty(); }));
  EXPECT_EQ(rig.stopped, std::vector<uint32_t>{1});
  rig.Stop(12, true);  // its task ended well long ago
  ASSERT_TRUE(rig.Await([&] { return rig.stopped.size() == 2; }));
  EXPECT_TRUE(other.Bearers().empty());
  EXPECT_EQ(rig.stopped[1], 12u);
}

TEST(ExecStop, ACancelReachesWhoHasAnEnvironmentOfItsOwn) {
  Rig rig;
  const Mark mark, bare;
  rig.Run(0, 1, Marked(ScriptSpec("env -i " + bare.entry() + " setsid sleep 1000 & wait"), mark));
  ASSERT_TRUE(WaitUntil([&] { return bare.Bearers().size() == 1; }));
  rig.Stop(1, false);
  ASSERT_TRUE(rig.Await([&] { return !rig.stopped.empty(); }));
  EXPECT_TRUE(bare.Bearers().empty());
}

TEST(ExecStop, ATimeoutReachesWhatLeftItsSession) {
  Rig rig(2);
  const Mark late, other;
  pb::Spec spec = Marked(ScriptSpec(std::string(kLeavesTwoBehind) + "exec sleep 1000"), late);
  spec.set_timeout_us(200'000);
  rig.Run(1, 1, Marked(ScriptSpec(kLeavesTwoBehind), other));  // another task of the same batch
  ASSERT_TRUE(rig.AwaitIdle());
  const uint32_t index = rig.Run(0, 1, spec);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(index).status, pb::TIMED_OUT);
  EXPECT_TRUE(WaitUntil([&] { return late.Bearers().empty(); }));
  EXPECT_EQ(other.Bearers().size(), 2u);
}

// Returns when the one that is left behind, in the same group, is deaf to TERM.
const char kLeavesADeafOneBehind[] =
    "x=$(sh -c 'trap \"\" TERM; sleep 1000 >/dev/null 2>&1 & echo up'); ";

TEST(ExecStop, ATimeoutReachesWhoIsDeafThoughTheTaskItselfEndsAtOnce) {
  Rig rig;
  const Mark mark;
  pb::Spec spec = Marked(ScriptSpec(std::string(kLeavesADeafOneBehind) + "exec sleep 1000"), mark);
  spec.set_timeout_us(200'000);
  spec.set_grace_us(3'600'000'000);
  const TaskOutcome outcome = rig.RunOne(spec);
  EXPECT_EQ(outcome.status, pb::TIMED_OUT);
  EXPECT_EQ(outcome.code, SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return mark.Bearers().empty(); }));
}

TEST(ExecStop, WithoutAGraceTheTimeoutKillsAllThatStemsFromTheTask) {
  Rig rig;
  const Mark mark;
  pb::Spec spec = Marked(ScriptSpec(std::string(kLeavesTwoBehind) + kLeavesADeafOneBehind +
                                    "trap '' TERM; exec sleep 1000"),
                         mark);
  spec.set_timeout_us(200'000);
  spec.set_grace_us(0);
  const TaskOutcome outcome = rig.RunOne(spec);
  EXPECT_EQ(outcome.status, pb::TIMED_OUT);
  EXPECT_EQ(outcome.code, SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return mark.Bearers().empty(); }));
}

TEST(ExecStop, ATaskThatTidiesUpAtItsTimeoutHasTimedOutAllTheSame) {
  Rig rig;
  const Mark mark;
  pb::Spec spec =
      Marked(ScriptSpec("trap 'echo tidy; exit 0' TERM; sleep 1000 >/dev/null 2>&1 & wait"), mark);
  spec.set_timeout_us(500'000);
  spec.set_grace_us(3'600'000'000);
  const TaskOutcome outcome = rig.RunOne(spec);
  EXPECT_EQ(outcome.status, pb::TIMED_OUT);
  EXPECT_EQ(outcome.out, "tidy\n");
  EXPECT_TRUE(WaitUntil([&] { return mark.Bearers().empty(); }));
}

TEST(ExecStop, BatchZeroIsAll) {
  Rig rig(3);
  const Mark mark;
  rig.Run(0, 1, Marked(ScriptSpec("setsid sleep 1000 & sleep 1000"), mark));
  rig.Run(1, 2, Marked(ExecSpec({"sleep", "1000"}), mark));
  rig.Run(2, 3, HandlerSpec("sleep"), {{"99999999", "99999999"}});
  ASSERT_TRUE(IsReady(mark, 4));
  rig.Stop(0, false);
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.ended.size(), 4u);
  for (const auto& [index, outcome] : rig.ended) EXPECT_EQ(outcome.status, pb::CANCELLED);
  EXPECT_TRUE(mark.Bearers().empty());
  ASSERT_TRUE(rig.Await([&] { return !rig.stopped.empty(); }));
  EXPECT_EQ(rig.stopped, std::vector<uint32_t>{0}) << "one answer for all handlers";
  EXPECT_TRUE(Descendants(getpid()).empty());
  EXPECT_TRUE(rig.table.Started().empty());
}

TEST(ExecStop, AfterACancelTheSlotWorksOn) {
  Rig rig;
  rig.Run(0, 1, ExecSpec({"sleep", "1000"}));
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_TRUE(rig.Await([&] { return rig.stopped.size() == 1; }));
  rig.Stop(1, true);  // nothing runs: that is all that is told
  ASSERT_TRUE(rig.Await([&] { return rig.stopped.size() == 2; }));
  EXPECT_EQ(rig.RunOne(ExecSpec({"echo", "x"})).out, "x\n");
  EXPECT_EQ(rig.told.size(), 2u);
}

TEST(ExecStop, TheEndOfTheExecutorIsTheEndOfItsTasks) {
  const Mark mark;
  {
    Rig rig(2);
    rig.Run(0, 1, Marked(ScriptSpec(kIgnoresTerm), mark), {{"a", "b"}});
    rig.Run(1, 2, Marked(ScriptSpec("setsid sleep 1000 & sleep 1000"), mark));
    ASSERT_TRUE(IsReady(mark, 5));
  }
  EXPECT_TRUE(mark.Bearers().empty());
  EXPECT_TRUE(Descendants(getpid()).empty());
}

// Adopted when their parents died, and dead since: the worker is the one to take them in.
TEST(ExecStop, OrphansThatEndAreReaped) {
  Rig rig;
  EXPECT_EQ(rig.RunOne(ScriptSpec("x=$(setsid sh -c 'sleep 0.01 >/dev/null 2>&1 & echo')")).status,
            pb::OK);
  EXPECT_TRUE(WaitUntil([] { return Descendants(getpid()).empty(); }));
}

}  // namespace
}  // namespace fanmill
