// RangeSet, TaskSet, the delta code, Bitmap and ChunkTasks.
#include <gtest/gtest.h>

#include <set>

#include "lib/core/bitmap.h"
#include "lib/core/chunk_tasks.h"
#include "lib/core/limits.h"
#include "lib/core/random.h"
#include "lib/core/range_set.h"
#include "lib/core/task_set.h"

namespace fanmill {
namespace {

using Ranges = std::map<uint64_t, uint64_t>;

TEST(RangeSet, JoinsRangesThatOverlapOrTouch) {
  RangeSet set;
  set.Add(10, 20);
  set.Add(30, 40);
  EXPECT_EQ(set.ranges(), (Ranges{{10, 20}, {30, 40}}));
  set.Add(20, 25);
  EXPECT_EQ(set.ranges(), (Ranges{{10, 25}, {30, 40}}));
  set.Add(5, 35);
  EXPECT_EQ(set.ranges(), (Ranges{{5, 40}}));
  EXPECT_EQ(set.size(), 35u);
}

TEST(RangeSet, SplitsARangeWhenItsMiddleIsRemoved) {
  RangeSet set;
  set.Add(0, 10);
  set.Remove(4, 6);
  EXPECT_EQ(set.ranges(), (Ranges{{0, 4}, {6, 10}}));
  EXPECT_FALSE(set.Contains(4));
  EXPECT_FALSE(set.Contains(5));
  EXPECT_TRUE(set.Contains(6));
  EXPECT_EQ(set.size(), 8u);
}

TEST(RangeSet, TakesItsLeastNumbersInRuns) {
  RangeSet set;
  set.Add(3, 6);
  set.Add(9);
  EXPECT_EQ(set.First(), 3u);
  EXPECT_EQ(set.TakeRun(2), (std::pair<uint64_t, uint64_t>(3, 5)));
  EXPECT_EQ(set.TakeRun(100), (std::pair<uint64_t, uint64_t>(5, 6)));
  EXPECT_EQ(set.TakeRun(0), (std::pair<uint64_t, uint64_t>(0, 0)));
  EXPECT_EQ(set.TakeRun(1), (std::pair<uint64_t, uint64_t>(9, 10)));
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.First(), std::nullopt);
  EXPECT_EQ(set.TakeRun(1), (std::pair<uint64_t, uint64_t>(0, 0)));
}

TEST(RangeSet, DoesWhatAPlainSetDoesWhateverTheOrder) {
  Random random(11);
  RangeSet set;
  std::set<uint64_t> plain;
  for (int step = 0; step < 20'000; ++step) {
    const uint64_t begin = random.Uniform(200);
    const uint64_t end = begin + random.Uniform(12);
    const bool add = random.Uniform(2) == 0;
    add ? set.Add(begin, end) : set.Remove(begin, end);
    for (uint64_t i = begin; i < end; ++i) add ? (void)plain.insert(i) : (void)plain.erase(i);
    ASSERT_EQ(set.size(), plain.size());
    const uint64_t probe = random.Uniform(215);
    ASSERT_EQ(set.Contains(probe), plain.contains(probe));
  }
  for (auto it = set.ranges().begin(); it != set.ranges().end(); ++it) {
    EXPECT_LT(it->first, it->second);
    if (std::next(it) != set.ranges().end()) {
      EXPECT_LT(it->second, std::next(it)->first);
    }
  }
}

TEST(RangeSet, IsTheSameAfterPackingAndUnpacking) {
  RangeSet set;
  set.Add(0, 3);
  set.Add(7);
  set.Add(100, UINT64_MAX);
  RangeSet again;
  ASSERT_TRUE(RangeSet::Unpack(set.Pack(), UINT64_MAX, &again));
  EXPECT_EQ(again, set);
  EXPECT_EQ(again.size(), set.size());
  ASSERT_TRUE(RangeSet::Unpack(set.Pack(2), UINT64_MAX, &again));
  EXPECT_EQ(again.ranges(), (Ranges{{0, 3}, {7, 8}}));
  EXPECT_TRUE(RangeSet::Unpack({}, 0, &again));
  EXPECT_TRUE(again.empty());
}

TEST(RangeSet, UnpacksNothingFromRangesThatAreNone) {
  const auto unpacks = [](std::vector<uint64_t> steps, uint64_t limit) {
    v1::Ranges packed;
    packed.mutable_step()->Assign(steps.begin(), steps.end());
    RangeSet set;
    set.Add(1);
    const bool valid = RangeSet::Unpack(packed, limit, &set);
    EXPECT_TRUE(valid || set.empty());
    return valid;
  };
  EXPECT_TRUE(unpacks({0, 5, 1, 4}, 10));
  EXPECT_FALSE(unpacks({0, 5, 1, 5}, 10)) << "reaches the limit";
  EXPECT_FALSE(unpacks({0, 5, 0, 4}, 10)) << "touching";
  EXPECT_FALSE(unpacks({0, 0}, 10)) << "empty";
  EXPECT_FALSE(unpacks({0}, 10)) << "half a range";
  EXPECT_FALSE(unpacks({5, UINT64_MAX}, UINT64_MAX)) << "overflows";
  EXPECT_FALSE(unpacks({UINT64_MAX, 1}, UINT64_MAX)) << "overflows";
}

TEST(TaskSet, CostsTwoNumbersWhenItHasNoGaps) {
  const v1::TaskSet packed = PackTasks({5, 6, 7});
  EXPECT_TRUE(IsContiguous(packed));
  EXPECT_EQ(packed.first(), 5u);
  EXPECT_EQ(packed.count(), 3u);
  EXPECT_EQ(Unpack(packed), (std::vector<uint64_t>{5, 6, 7}));
}

TEST(TaskSet, KeepsTheOrderItWasGiven) {
  const std::vector<uint64_t> tasks = {9, 2, kTasksPerBatchMax - 1, 0};
  const v1::TaskSet packed = PackTasks(tasks);
  EXPECT_TRUE(IsValid(packed, 4));
  EXPECT_FALSE(IsValid(packed, 3));
  EXPECT_EQ(Unpack(packed), tasks);
}

TEST(TaskSet, IsInvalidWhenCountAndDeltasContradict) {
  v1::TaskSet packed = PackTasks({9, 2, 4});
  packed.set_count(2);
  EXPECT_FALSE(IsValid(packed, 10));
  packed.set_count(4);
  EXPECT_FALSE(IsValid(packed, 10));
  packed.set_count(0);
  EXPECT_FALSE(IsValid(packed, 10));
}

TEST(TaskSet, IsInvalidBeyondTheTasksABatchCanHave) {
  EXPECT_TRUE(IsValid(PackRange(kTasksPerBatchMax - 1, 1), 10));
  EXPECT_FALSE(IsValid(PackRange(kTasksPerBatchMax - 1, 2), 10));
  EXPECT_TRUE(IsValid(PackRange(0, kTasksPerBatchMax), kTasksPerBatchMax));
  EXPECT_FALSE(IsValid(PackRange(UINT64_MAX, 1), 10));
  v1::TaskSet packed = PackTasks({3, 1});
  packed.set_delta(0, -4);
  EXPECT_FALSE(IsValid(packed, 10)) << "a negative number";
  packed.set_delta(0, INT64_MIN);
  EXPECT_FALSE(IsValid(packed, 10));
}

TEST(Deltas, AreTheSameNumbersAfterwards) {
  const std::vector<uint64_t> numbers = {ChunkId(3, 7), ChunkId(3, 8), 0, UINT64_MAX, 1};
  v1::Ack ack;
  PackDeltas(numbers, ack.mutable_whole());
  EXPECT_EQ(UnpackDeltas(ack.whole()), numbers);
}

TEST(Deltas, WrapInsteadOfOverflowing) {
  v1::Ack ack;
  ack.add_whole(INT64_MAX);
  ack.add_whole(INT64_MAX);
  ack.add_whole(2);
  EXPECT_EQ(UnpackDeltas(ack.whole()), (std::vector<uint64_t>{INT64_MAX, UINT64_MAX - 1, 0}));
}

TEST(ChunkIds, RiseWithTheEpochAndTheCounter) {
  EXPECT_LT(ChunkId(1, 99), ChunkId(1, 100));
  EXPECT_LT(ChunkId(1, 100), ChunkId(2, 0));
  EXPECT_EQ(ChunkEpoch(ChunkId(5, 77)), 5u);
}

TEST(Bitmap, CountsTheBitsThatAreSet) {
  Bitmap bitmap;
  EXPECT_FALSE(bitmap.Test(1'000'000));
  EXPECT_TRUE(bitmap.Set(63));
  EXPECT_TRUE(bitmap.Set(64));
  EXPECT_FALSE(bitmap.Set(64));
  EXPECT_TRUE(bitmap.Test(63));
  EXPECT_FALSE(bitmap.Test(65));
  EXPECT_EQ(bitmap.count(), 2u);
}

v1::TaskChunk Chunk(v1::TaskSet tasks) {
  v1::TaskChunk chunk;
  *chunk.mutable_tasks() = std::move(tasks);
  return chunk;
}

TEST(ChunkTasks, ReadsTasksWithoutColumns) {
  const v1::TaskChunk chunk = Chunk(PackRange(10, 3));
  const ChunkTasks tasks(chunk);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks.task(2), 12u);
  EXPECT_EQ(tasks.attempt(2), 1u);
  EXPECT_EQ(tasks.payload(2), "");
}

TEST(ChunkTasks, ReadsColumnsByIndex) {
  v1::TaskChunk chunk = Chunk(PackTasks({7, 3}));
  for (const uint32_t attempt : {1, 4}) chunk.add_attempt(attempt);
  for (const uint32_t size : {0, 3}) chunk.add_payload_size(size);
  chunk.set_payloads("abc");
  const ChunkTasks tasks(chunk);
  EXPECT_EQ(tasks.task(1), 3u);
  EXPECT_EQ(tasks.attempt(1), 4u);
  EXPECT_EQ(tasks.payload(0), "");
  EXPECT_EQ(tasks.payload(1), "abc");
  EXPECT_EQ(tasks.payload(1).data(), chunk.payloads().data()) << "a view, not a copy";
}

TEST(ChunkTasks, MakesTheValuesOfARange) {
  v1::TaskChunk chunk = Chunk(PackTasks({0, 5, 2}));
  chunk.mutable_range()->set_start(-3);
  chunk.mutable_range()->set_step(2);
  const ChunkTasks tasks(chunk);
  EXPECT_EQ(tasks.payload(0), "-3");
  EXPECT_EQ(tasks.payload(1), "7");
  EXPECT_EQ(tasks.payload(2), "1");
}

TEST(ChunkTasks, MakesTheLongestValueThereIs) {
  v1::TaskChunk chunk = Chunk(PackRange(0, 1));
  chunk.mutable_range()->set_start(INT64_MIN);
  EXPECT_EQ(ChunkTasks(chunk).payload(0), "-9223372036854775808");
}

}  // namespace
}  // namespace fanmill
