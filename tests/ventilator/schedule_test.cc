// How much goes to whom, and in which order.
#include <limits>

#include "lib/core/limits.h"
#include "tests/ventilator/rig.h"
#include "ventilator/schedule/chunk_maker.h"

namespace fanmill {
namespace {

using ventilator::ChunkTasksAim;
using ventilator::WindowTasks;

TEST(Schedule, AWindowIsOneTaskPerSlotAndWhatCoversTheRoundTrip) {
  EXPECT_EQ(WindowTasks(0, 4), 4u);
  EXPECT_EQ(WindowTasks(100'000'000, 4), 4u);
  EXPECT_EQ(WindowTasks(1'000'000, 4), 4u + 8u);
  EXPECT_EQ(WindowTasks(500, 1), 4u * 4096u);
}

TEST(Schedule, AChunkIsAFewMillisecondsOfWork) {
  EXPECT_EQ(ChunkTasksAim(0, 4096, 4), 1u);
  EXPECT_EQ(ChunkTasksAim(100'000'000, 4096, 4), 1u);
  EXPECT_EQ(ChunkTasksAim(10'000, 4096, 10'000), 400u);
  EXPECT_EQ(ChunkTasksAim(500, 4096, 16384), 4096u);
  EXPECT_EQ(ChunkTasksAim(500, 16, 16384), 16u);
}

TEST(Schedule, ChunksGrowAsTasksProveShort) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  rig.Batch(100'000);
  uint64_t largest = 0;
  std::vector<pb::TaskChunk> chunks = rig.Chunks();
  for (int i = 0; i < 40 && !chunks.empty(); ++i) {
    rig.Finish(1, chunks.front(), 0);
    chunks.erase(chunks.begin());
    for (const pb::TaskChunk& chunk : rig.Chunks()) {
      EXPECT_LE(chunk.tasks().count(), 4 * std::max<uint64_t>(largest, 1));
      largest = std::max(largest, chunk.tasks().count());
      chunks.push_back(chunk);
    }
  }
  EXPECT_EQ(largest, 4096u);
}

TEST(Schedule, HandsOutTheLongestFirst) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Open("sleep");
  rig.AppendPayloads(batch, 0, {"50000", "90000", "10000", "90000"});
  rig.StartBatch(batch);
  std::vector<uint64_t> order;
  for (auto chunks = rig.Chunks(); !chunks.empty(); chunks = rig.Chunks()) {
    ASSERT_EQ(chunks.size(), 1u);  // long tasks go one by one
    order.push_back(chunks[0].tasks().first());
    EXPECT_EQ(chunks[0].payload_size_size(), 1);
    rig.AckWhole({chunks[0].chunk()});
  }
  EXPECT_EQ(order, (std::vector<uint64_t>{1, 3, 0, 2}));
  EXPECT_EQ(rig.Progress(batch).expected_us(), 240'000u);
}

TEST(Schedule, ExpectsNoMoreThanCanBeSaidOfWhatWouldTakeLongerThanThat) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  constexpr uint64_t kHours10 = uint64_t{36'000} * 1'000'000;
  Rig rig;
  rig.Tell();
  pb::Spec spec;
  spec.set_handler("noop");
  spec.set_expected_us(kHours10);
  const uint32_t batch = rig.Open(spec);
  rig.Append(batch, 0, 200'000'000);
  EXPECT_EQ(rig.Progress(batch).expected_us(), kHours10 * 200'000'000);
  rig.Append(batch, 200'000'000, 200'000'000);  // each can be told, their sum cannot
  EXPECT_EQ(rig.Progress(batch).expected_us(), kMost);
  const uint32_t whole = rig.Open(spec);
  rig.Append(whole, 0, 1'000'000'000);
  EXPECT_EQ(rig.Progress(whole).expected_us(), kMost);
}

TEST(Schedule, KeepsEqualCostsInRunsWithoutGaps) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 4);
  const uint32_t batch = rig.Open("exec");
  std::vector<uint32_t> costs(2000, 20);
  costs[1999] = 30'000;
  rig.AppendCosts(batch, 0, costs);
  rig.StartBatch(batch);
  const auto chunks = rig.Chunks();
  ASSERT_GE(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].tasks().first(), 1999u);
  EXPECT_EQ(chunks[1].tasks().first(), 0u);
  EXPECT_GT(chunks[1].tasks().count(), 100u);
  EXPECT_EQ(chunks[1].tasks().delta_size(), 0);
}

TEST(Schedule, PutsNoPrefetchedTaskBehindALongOne) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Ready(2, 2);
  const uint32_t batch = rig.Open("exec");
  rig.AppendCosts(batch, 0, {100'000, 100'001, 100'002, 100'003, 100'004, 100'005});
  rig.StartBatch(batch);
  EXPECT_EQ(rig.Chunks().size(), 4u);
}

TEST(Schedule, CutsAChunkAtItsPayloadLimit) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 4);
  const uint32_t batch = rig.Open("exec");
  rig.AppendPayloads(batch, 0, std::vector<std::string>(12, std::string(400 << 10, 'x')));
  rig.StartBatch(batch);
  size_t most = 0;
  std::vector<pb::TaskChunk> chunks = rig.Chunks();
  for (int i = 0; i < 20 && !chunks.empty(); ++i) {
    rig.Finish(1, chunks.front(), 1);
    rig.AckWhole({chunks.front().chunk()});
    chunks.erase(chunks.begin());
    for (const pb::TaskChunk& chunk : rig.Chunks()) {
      EXPECT_LE(chunk.payloads().size(), kChunkPayloadBytesMax);
      most = std::max(most, chunk.payloads().size());
      chunks.push_back(chunk);
    }
  }
  EXPECT_EQ(most, 800u << 10);  // two fit, three do not
}

TEST(Schedule, RecallsFromTheBusiestLaneWhenASlotIsIdle) {  // R44
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Open("exec");
  rig.AppendCosts(batch, 0, std::vector<uint32_t>(3, 1000));
  rig.Seal(batch, 3);
  rig.StartBatch(batch);
  // All it has got to hand out is with the first worker: one runs, two wait.
  uint64_t tasks = 0;
  for (const pb::TaskChunk& chunk : rig.Chunks()) tasks += chunk.tasks().count();
  ASSERT_EQ(tasks, 3u);
  rig.Pass(Millis(20));
  rig.Ready(2, 1);
  const auto recalls = rig.Sent(pb::Envelope::kRecall);
  ASSERT_EQ(recalls.size(), 1u);
  EXPECT_EQ(recalls[0].recall().batch(), batch);
  EXPECT_EQ(recalls[0].recall().tasks(), 1u);
}

TEST(Schedule, RecallsForAnIdleSlotAlthoughNothingElseHappens) {  // R44
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Open("exec");
  rig.AppendCosts(batch, 0, std::vector<uint32_t>(3, 1000));
  rig.Seal(batch, 3);
  rig.StartBatch(batch);
  rig.Pass(Millis(20));
  rig.Ready(2, 1);
  ASSERT_EQ(rig.Sent(pb::Envelope::kRecall).size(), 1u);
  rig.Ready(3, 1);  // too soon after that recall for another one
  EXPECT_TRUE(rig.Sent(pb::Envelope::kRecall).empty());
  rig.Pass(Millis(10));
  EXPECT_EQ(rig.Sent(pb::Envelope::kRecall).size(), 1u);
}

TEST(Schedule, FaultFreeWorkIsNeverHandedOutTwice) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Ready(2, 3);
  const uint32_t batch = rig.Batch(5000);
  std::vector<uint64_t> tasks;
  for (auto chunks = rig.Chunks(); !chunks.empty(); chunks = rig.Chunks()) {
    for (const pb::TaskChunk& chunk : chunks) {
      for (const uint64_t task : Unpack(chunk.tasks())) tasks.push_back(task);
      rig.Finish(1, chunk, 5);
      rig.Finish(2, chunk, 5);
      rig.AckWhole({chunk.chunk()});
    }
  }
  std::sort(tasks.begin(), tasks.end());
  ASSERT_EQ(tasks.size(), 5000u);
  for (uint64_t task = 0; task < 5000; ++task) EXPECT_EQ(tasks[task], task);
  EXPECT_EQ(rig.Progress(batch).ok(), 5000u);
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
}

}  // namespace
}  // namespace fanmill
