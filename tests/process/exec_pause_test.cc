// What tasks do while the process that runs them is stopped: nothing, and they do not age.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "lib/io/clock.h"
#include "lib/io/pause_hook.h"
#include "tests/process/executor_rig.h"
#include "worker/kin.h"

namespace fanmill {
namespace {

size_t Standing(const Mark& mark) {
  const std::vector<pid_t> all = mark.Bearers();
  return static_cast<size_t>(std::count_if(all.begin(), all.end(), StandsStill));
}

TEST(ExecPause, AllThatStemsFromTasksStandsStillAndGoesOn) {
  Rig rig(2);
  const Mark mark;
  pb::Spec spec = ScriptSpec("sleep 1000 & (setsid sleep 1000 &) ; sleep 1000; :");
  spec.add_env(mark.entry());
  rig.Run(0, 1, spec);
  rig.Run(1, 1, spec);
  ASSERT_TRUE(WaitUntil([&] { return mark.Bearers().size() == 8; }));
  for (int round = 0; round < 10; ++round) {
    PauseHook::PauseAll();
    EXPECT_EQ(Standing(mark), 8u);
    PauseHook::ResumeAll();
    EXPECT_TRUE(WaitUntil([&] { return Standing(mark) == 0; }));
  }
  rig.Stop(0, true);
  ASSERT_TRUE(rig.AwaitIdle());
}

// They come to be as fast as they can: none may slip through.
TEST(ExecPause, WhoIsBeingForkedMeanwhileStandsStillToo) {
  Rig rig(1);
  const Mark mark;
  pb::Spec spec = ScriptSpec("while :; do (sleep 0.001 & sleep 0.001) & sleep 0.001; done");
  spec.add_env(mark.entry());
  rig.Run(0, 1, spec);
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(WaitUntil([&] { return mark.Bearers().size() > 2; }));
    PauseHook::PauseAll();
    const std::vector<pid_t> all = mark.Bearers();
    EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](pid_t pid) {
      return StandsStill(pid) || StatOf(pid).IsDead();
    })) << round;
    PauseHook::ResumeAll();
  }
  rig.Stop(0, true);
  ASSERT_TRUE(rig.AwaitIdle());
}

TEST(ExecPause, WhoWasStoppedBeforeStaysSo) {
  Rig rig;
  const Mark mark;
  const Mark stopped("FANMILL_TEST_STOPPED");
  pb::Spec spec = ScriptSpec(stopped.entry() + " sh -c 'kill -STOP $$; :' & sleep 1000; :");
  spec.add_env(mark.entry());
  rig.Run(0, 1, spec);
  ASSERT_TRUE(WaitUntil([&] { return Standing(stopped) == 1 && mark.Bearers().size() == 3; }));
  PauseHook::PauseAll();
  EXPECT_EQ(Standing(mark), 3u);
  PauseHook::ResumeAll();
  EXPECT_TRUE(WaitUntil([&] { return Standing(mark) == 1; }));
  EXPECT_EQ(Standing(stopped), 1u);
  rig.Stop(0, true);
  ASSERT_TRUE(rig.AwaitIdle());
}

TEST(ExecPause, APauseIsNoPartOfATasksTime) {
  constexpr Duration kTimeout = Seconds(1);
  const std::string file = testing::TempDir() + "/go." + std::to_string(getpid());
  Rig rig;
  pb::Spec spec = ScriptSpec("until [ -e " + file + " ]; do sleep 0.001; done");
  spec.set_timeout_us(static_cast<uint64_t>(kTimeout.count()));
  const Instant given = Now();
  rig.Run(0, 1, spec);
  PauseHook::PauseAll();
  const Instant paused = Now();
  ASSERT_TRUE(WaitUntil([&] { return Now() > given + kTimeout; }));
  std::ofstream(file) << "go";
  const Duration pause = Now() - paused;
  PauseHook::ResumeAll();
  ASSERT_TRUE(rig.AwaitIdle());
  std::filesystem::remove(file);
  EXPECT_EQ(rig.ended.at(0).status, pb::OK);
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_LE(rig.told[0].ok_run, Now() - given - pause);
}

TEST(ExecPause, WhatIsAskedMeanwhileIsDoneAfterwards) {
  Rig rig(2);
  rig.Run(0, 1, ExecSpec({"sleep", "1000"}));
  PauseHook::PauseAll();
  rig.Stop(1, false);
  const uint32_t later = rig.Run(1, 2, ExecSpec({"echo", "later"}));
  PauseHook::ResumeAll();
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).status, pb::CANCELLED);
  EXPECT_EQ(rig.ended.at(later).out, "later\n");
}

TEST(ExecPause, TheEndOfTheExecutorEndsAPauseToo) {
  const Mark mark;
  {
    Rig rig;
    pb::Spec spec = ExecSpec({"sleep", "1000"});
    spec.add_env(mark.entry());
    rig.Run(0, 1, spec);
    ASSERT_TRUE(WaitUntil([&] { return mark.Bearers().size() == 1; }));
    PauseHook::PauseAll();
  }
  EXPECT_TRUE(mark.Bearers().empty());
  PauseHook::ResumeAll();
}

}  // namespace
}  // namespace fanmill
