// What a report says when not all of it fits into a frame.
#include "worker/held_chunks.h"

#include <gtest/gtest.h>

#include "lib/core/limits.h"
#include "lib/core/task_set.h"

namespace fanmill::worker {
namespace {

// Of task numbers far apart, so that naming them takes much room.
std::shared_ptr<const TaskSource> ScatteredChunk(uint64_t id) {
  auto envelope = std::make_shared<pb::Envelope>();
  pb::TaskChunk& chunk = *envelope->mutable_tasks();
  chunk.set_chunk(id);
  chunk.set_batch(1);
  pb::TaskSet& tasks = *chunk.mutable_tasks();
  tasks.set_first(0);
  tasks.set_count(kTasksPerChunkMax);
  for (uint32_t i = 1; i < kTasksPerChunkMax; ++i) {
    tasks.add_delta(i % 2 == 1 ? int64_t{1} << 36 : -(int64_t{1} << 36) + 1);
  }
  return std::make_shared<const TaskSource>(envelope);
}

TEST(HeldChunks, SayThroughWhichChunkAReportHadRoom) {  // R33
  constexpr uint64_t kChunks = 300;
  HeldChunks held;
  for (uint64_t id = 1; id <= kChunks; ++id) held.Add(ScatteredChunk(id), 5);
  const OutputTransfer transfer(Millis(20));
  pb::LeaseHello told;
  const uint64_t last = held.Describe(true, transfer, told.mutable_held());
  EXPECT_LE(told.ByteSizeLong(), kLeaseFrameBytesMax);
  ASSERT_GT(told.held_size(), 10);
  ASSERT_LT(told.held_size(), static_cast<int>(kChunks));
  EXPECT_EQ(last, static_cast<uint64_t>(told.held_size())) << "the lowest come first";
  EXPECT_EQ(told.held().rbegin()->chunk(), last);
  pb::LeaseReport report;
  EXPECT_EQ(held.Describe(false, transfer, report.mutable_held()), 0u) << "without tasks all fit";
  EXPECT_EQ(report.held_size(), static_cast<int>(kChunks));
}

}  // namespace
}  // namespace fanmill::worker
