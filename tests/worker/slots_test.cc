// Feeding slots: order, bites, fairness to other slots.
#include "tests/worker/stage.h"

namespace fanmill {
namespace {

std::vector<uint64_t> TasksOf(const RunTasks& run) {
  std::vector<uint64_t> tasks;
  for (const TaskToRun& task : run.tasks) tasks.push_back(task.task);
  return tasks;
}

TEST(SessionSlots, GivesLongTasksOneByOneInTheOrderInWhichTheyCame) {
  Stage stage;
  stage.Join();
  stage.HearChunk(1, 0, 3);
  stage.HearChunk(2, 7, 1, [](pb::TaskChunk& chunk) { chunk.set_batch(2); });
  stage.HearSpec(2);
  EXPECT_EQ(TasksOf(stage.SaidLocal<RunTasks>().at(0)), (std::vector<uint64_t>{7}))
      << "a chunk without its spec blocks no other";
  stage.HearSpec(1);
  EXPECT_EQ(TasksOf(stage.SaidLocal<RunTasks>().at(0)), (std::vector<uint64_t>{0}));
  stage.HearRan(1, 1, 0, 1, Millis(100));
  EXPECT_EQ(TasksOf(stage.SaidLocal<RunTasks>().at(0)), (std::vector<uint64_t>{1}));
}

TEST(SessionSlots, GivesTinyTasksInBitesThatGrow) {
  Stage stage(StageOptions(1));
  stage.Join();
  stage.HearChunk(1, 0, 4096);
  stage.HearChunk(2, 4096, 1);
  stage.HearSpec(1);
  uint32_t next = 0;
  std::vector<size_t> sizes;
  while (next < 4096) {
    const auto count = static_cast<uint32_t>(stage.SaidLocal<RunTasks>().at(0).tasks.size());
    sizes.push_back(count);
    stage.HearRan(0, 1, next, count, Micros(0));
    next += count;
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{1, 8, 64, 512, 3511}));
  EXPECT_TRUE(stage.Said(pb::Envelope::kResults).results().whole());
}

TEST(SessionSlots, ABiteIsAboutAsLongAsItShouldBe) {
  Stage stage(StageOptions(1));
  stage.Join();
  stage.HearChunk(1, 0, 100);
  stage.HearSpec(1);
  stage.HearRan(0, 1, 0, 1, Micros(300));
  EXPECT_EQ(stage.SaidLocal<RunTasks>().at(0).tasks.size(), 5u) << "1500 us of 300 us tasks";
  stage.HearRan(0, 1, 1, 5, Millis(50));
  EXPECT_EQ(stage.SaidLocal<RunTasks>().at(0).tasks.size(), 1u) << "they became long";
}

TEST(SessionSlots, SharesTheLastTasksAmongItsSlots) {
  Stage stage(StageOptions(2));
  stage.Join();
  stage.HearChunk(1, 0, 10);
  stage.HearSpec(1);
  stage.HearRan(0, 1, 0, 1, Micros(1));
  EXPECT_EQ(stage.SaidLocal<RunTasks>().at(0).tasks.size(), 4u) << "half of the eight left";
}

TEST(SessionSlots, NeverMixesFirstAttemptsWithFurtherOnes) {
  Stage stage(StageOptions(1));
  stage.Join();
  stage.HearChunk(1, 0, 1);
  stage.HearSpec(1);
  stage.HearChunk(2, 1, 4, [](pb::TaskChunk& chunk) {
    for (const uint32_t attempt : {1u, 1u, 2u, 3u}) chunk.add_attempt(attempt);
  });
  stage.HearRan(0, 1, 0, 1, Micros(1));
  EXPECT_EQ(TasksOf(stage.SaidLocal<RunTasks>().at(0)), (std::vector<uint64_t>{1, 2}));
  stage.HearRan(0, 2, 0, 2, Micros(2));
  EXPECT_EQ(TasksOf(stage.SaidLocal<RunTasks>().at(0)), (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(stage.SaidLocal<RunTasks>().at(0).tasks[1].attempt, 3u);
}

TEST(SessionSlots, PassesPayloadsWithoutCopyingThem) {
  Stage stage(StageOptions(1));
  stage.Join();
  stage.HearChunk(1, 0, 2, [](pb::TaskChunk& chunk) {
    chunk.add_payload_size(1);
    chunk.add_payload_size(2);
    chunk.set_payloads("abb");
  });
  stage.HearSpec(1);
  const RunTasks run = stage.SaidLocal<RunTasks>().at(0);
  EXPECT_EQ(run.tasks[0].payload, "a");
  EXPECT_EQ(run.spec->handler(), "noop");
  stage.HearRan(0, 1, 0, 1, Seconds(1));
  stage.HearVerdict(1, pb::DROP);
  EXPECT_EQ(run.tasks[0].payload, "a") << "its owner keeps it alive";
}

TEST(SessionSlots, TellsAtOnceThatASlotIsIdleAndOtherwiseAMillisecondLater) {  // Finished
  Stage stage(StageOptions(1));
  stage.Join();
  stage.HearChunk(1, 0, 1);
  stage.HearSpec(1);
  stage.HearChunk(2, 1, 1);
  stage.HearRan(0, 1, 0, 1, Millis(4));
  EXPECT_EQ(stage.Tick(), Lines{}) << "the slot has work";
  stage.HearRan(0, 2, 0, 1, Millis(5));
  EXPECT_EQ(stage.Tick(), Lines{"Finished batch=1 tasks=2"});
  const pb::Finished finished = stage.Said(pb::Envelope::kFinished).finished();
  EXPECT_EQ(UnpackDeltas(finished.chunks()), (std::vector<uint64_t>{Chunk(1), Chunk(2)}));
  EXPECT_EQ(finished.run_us(), 9000u);
  EXPECT_EQ(finished.idle_slots(), 1u);
  stage.HearChunk(3, 2, 2);
  stage.HearRan(0, 3, 0, 1, Millis(4));
  EXPECT_EQ(stage.Wait(Millis(1)), Lines{"Finished batch=1 tasks=1"});
}

}  // namespace
}  // namespace fanmill
