#include "lib/client/append_queue.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "lib/core/limits.h"

namespace fanmill::client {
namespace {

constexpr uint32_t kBatch = 3;
constexpr uint64_t kMuchRoom = uint64_t{1} << 40;

v1::Appended Answer(uint64_t tasks, uint64_t room_bytes) {
  v1::Appended appended;
  appended.set_batch(kBatch);
  appended.set_tasks(tasks);
  appended.set_room_bytes(room_bytes);
  return appended;
}

std::vector<v1::AppendTasks> TakeAll(AppendQueue& queue) {
  std::vector<v1::AppendTasks> taken;
  while (const v1::Envelope* next = queue.TakeNext()) taken.push_back(next->append());
  return taken;
}

// A task whose message is about this large.
std::string Large() { return std::string(kAppendBytesAim, 'x'); }

TEST(AppendQueue, PacksPayloadsSideBySide) {
  AppendQueue queue(kBatch, kMuchRoom);
  queue.Add("one", {});
  queue.Add("", {});
  queue.Add("three", {});
  EXPECT_TRUE(TakeAll(queue).empty());  // still being filled
  queue.Close();
  const auto taken = TakeAll(queue);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].batch(), kBatch);
  EXPECT_EQ(taken[0].first(), 0u);
  EXPECT_EQ(taken[0].count(), 3u);
  EXPECT_EQ(taken[0].payloads(), "onethree");
  EXPECT_EQ(std::vector<uint32_t>(taken[0].payload_size().begin(), taken[0].payload_size().end()),
            (std::vector<uint32_t>{3, 0, 5}));
  EXPECT_EQ(taken[0].cost_us_size(), 0);
}

TEST(AppendQueue, LetsGoAtTheNumberOfTasksOrBytesItAimsAt) {
  AppendQueue queue(kBatch, kMuchRoom);
  for (int i = 0; i < kAppendTasksAim; ++i) queue.Add("", {});
  queue.Add(Large(), {});
  queue.Add("rest", {});
  const auto taken = TakeAll(queue);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].count(), static_cast<uint64_t>(kAppendTasksAim));
  EXPECT_EQ(taken[1].first(), static_cast<uint64_t>(kAppendTasksAim));
  EXPECT_EQ(taken[1].count(), 1u);
  EXPECT_TRUE(queue.filling());
  EXPECT_FALSE(queue.all_durable());
}

TEST(AppendQueue, StaysBelowEveryLimitOfTheIntake) {
  AppendQueue queue(kBatch, kMuchRoom);
  for (size_t i = 0; i + 1 < kAppendBytesAim; ++i) {
    if (queue.unsent() > 0) break;
    queue.Add("x", {});
  }
  queue.Add(std::string(kAppendBytesAim - 1, 'x'), {});
  queue.Add(std::string(kTaskPayloadBytesMax, 'x'), {});  // joins the one before
  queue.Close();
  for (const v1::AppendTasks& append : TakeAll(queue)) {
    EXPECT_LE(append.payloads().size(), kAppendPayloadBytesMax);
    EXPECT_LE(append.payload_size_size(), static_cast<int>(kPayloadsPerAppendMax));
    EXPECT_LT(append.ByteSizeLong() + 64, kIntakeFrameBytesMax);
  }
}

TEST(AppendQueue, CutsWhereDeclaredCostsBeginOrEnd) {
  AppendQueue queue(kBatch, kMuchRoom);
  queue.Add("a", {});
  queue.Add("b", Millis(5));
  queue.Add("c", Seconds(100'000));  // more than the column holds
  queue.Add("d", {});
  queue.Close();
  const auto taken = TakeAll(queue);
  ASSERT_EQ(taken.size(), 3u);
  EXPECT_EQ(taken[0].cost_us_size(), 0);
  ASSERT_EQ(taken[1].cost_us_size(), 2);
  EXPECT_EQ(taken[1].first(), 1u);
  EXPECT_EQ(taken[1].cost_us(0), 5'000u);
  EXPECT_EQ(taken[1].cost_us(1), std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(taken[2].first(), 3u);
}

TEST(AppendQueue, SendsARangeOfAMillionTasksAsOneSmallMessage) {
  AppendQueue queue(kBatch, kMuchRoom);
  queue.Add("before", {});
  queue.AddRange(10, 2, 1'000'000);
  const auto taken = TakeAll(queue);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[1].first(), 1u);
  EXPECT_EQ(taken[1].count(), 1'000'000u);
  EXPECT_LT(taken[1].ByteSizeLong(), 64u);
  // Task 1 has the value 10: values are counted from task 0.
  EXPECT_EQ(taken[1].range().start() + 1 * taken[1].range().step(), 10);
  EXPECT_EQ(queue.added(), 1'000'001u);
  queue.AddRange(1, 1, 0);
  EXPECT_EQ(queue.unsent(), 0u);
}

// R82
TEST(AppendQueue, KeepsWhatIsUnansweredWithinTheRoom) {
  const uint64_t message = kAppendBytesAim + 64;
  AppendQueue queue(kBatch, 2 * message);
  for (int i = 0; i < 4; ++i) queue.Add(Large(), {});
  EXPECT_EQ(TakeAll(queue).size(), 2u);
  EXPECT_EQ(queue.unsent(), 2u);
  EXPECT_TRUE(TakeAll(queue).empty());
  queue.Apply(Answer(1, 2 * message));
  EXPECT_EQ(TakeAll(queue).size(), 1u);
  queue.Apply(Answer(3, 2 * message));
  EXPECT_EQ(TakeAll(queue).size(), 1u);
  EXPECT_FALSE(queue.all_durable());
  queue.Apply(Answer(4, 0));
  EXPECT_TRUE(queue.all_durable());
}

// R82
TEST(AppendQueue, WaitsWhileThereIsNoRoomThoughAMessageAloneMayExceedIt) {
  AppendQueue queue(kBatch, 0);
  queue.Add(Large(), {});
  EXPECT_TRUE(TakeAll(queue).empty());
  queue.Apply(Answer(0, 10));
  EXPECT_EQ(TakeAll(queue).size(), 1u);
}

// R81: the durable count alone says what arrived.
TEST(AppendQueue, SaysAgainWhatWasNotAnswered) {
  AppendQueue queue(kBatch, kMuchRoom);
  queue.Add("a", {});
  queue.Close();
  queue.Add("b", {});
  queue.Close();
  EXPECT_EQ(TakeAll(queue).size(), 2u);
  queue.Apply(Answer(1, kMuchRoom));
  queue.Rewind();
  const auto again = TakeAll(queue);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].payloads(), "b");
}

TEST(AppendQueue, AsksWithOneMessageAfterARewindWithoutRoom) {
  AppendQueue queue(kBatch, kMuchRoom);
  for (const char* payload : {"a", "b"}) {
    queue.Add(payload, {});
    queue.Close();
  }
  queue.Apply(Answer(0, 0));
  queue.Rewind();
  EXPECT_EQ(TakeAll(queue).size(), 1u);
  EXPECT_TRUE(TakeAll(queue).empty());
}

// R82: who has no room drops what is on its way, and tells when it has some.
TEST(AppendQueue, SaysAgainWhatCameWhileThereWasNoRoom) {
  AppendQueue queue(kBatch, kMuchRoom);
  for (const char* payload : {"a", "b", "c"}) {
    queue.Add(payload, {});
    queue.Close();
  }
  EXPECT_EQ(TakeAll(queue).size(), 3u);
  queue.Apply(Answer(1, 0));
  EXPECT_TRUE(TakeAll(queue).empty());
  queue.Apply(Answer(1, kMuchRoom));
  const auto again = TakeAll(queue);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].payloads(), "b");
  queue.Apply(Answer(2, kMuchRoom));
  EXPECT_TRUE(TakeAll(queue).empty());
}

TEST(AppendQueue, IsNotConfusedByOldOrImpossibleCounts) {
  AppendQueue queue(kBatch, kMuchRoom);
  queue.Add("a", {});
  queue.Close();
  TakeAll(queue);
  queue.Apply(Answer(1'000, kMuchRoom));  // more than was ever sent
  EXPECT_EQ(queue.durable(), 1u);
  EXPECT_TRUE(queue.all_durable());
  queue.Apply(Answer(0, kMuchRoom));  // an answer that took the long way
  EXPECT_EQ(queue.durable(), 1u);
}

TEST(AppendQueue, DropsWhatAnEarlierSendingMadeDurableAfterARewind) {
  AppendQueue queue(kBatch, kMuchRoom);
  for (const char* payload : {"a", "b", "c"}) {
    queue.Add(payload, {});
    queue.Close();
  }
  TakeAll(queue);
  queue.Rewind();
  queue.Apply(Answer(2, kMuchRoom));
  const auto again = TakeAll(queue);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].payloads(), "c");
}

}  // namespace
}  // namespace fanmill::client
