#include "controller/cli/output/task_values.h"

#include <gtest/gtest.h>

#include <thread>

namespace fanmill::cli {
namespace {

TEST(TaskValues, AreKnownUntilTheyAreForgotten) {
  TaskValues values;
  values.Add(0, "a");
  values.Add(1, "");
  values.Add(2, std::string_view("c\0d", 3));
  EXPECT_EQ(values.Of(0), "a");
  EXPECT_EQ(values.Of(1), "");
  EXPECT_EQ(values.Of(2), std::string("c\0d", 3));
  EXPECT_EQ(values.Of(3), std::nullopt);
  for (const uint64_t task : {1, 0, 2}) values.Forget(task);
  for (const uint64_t task : {0, 1, 2}) EXPECT_EQ(values.Of(task), std::nullopt);
  EXPECT_EQ(values.bytes(), 0u);
  values.Add(3, "e");
  EXPECT_EQ(values.Of(3), "e");
}

TEST(TaskValues, OfARangeAreComputed) {
  TaskValues values;
  values.Add(0, "first");
  values.AddRange(1, -5, 10, uint64_t{1} << 40);
  values.AddRange((uint64_t{1} << 40) + 1, 7, 0, 1);
  EXPECT_EQ(values.Of(0), "first");
  EXPECT_EQ(values.Of(1), "-5");
  EXPECT_EQ(values.Of(1'000'001), "9999995");
  EXPECT_EQ(values.Of((uint64_t{1} << 40) + 1), "7");
  EXPECT_EQ(values.Of((uint64_t{1} << 40) + 2), std::nullopt);
  EXPECT_LT(values.bytes(), 2000u);
}

TEST(TaskValues, TakeNoMoreMemoryThanTheTasksInFlight) {
  TaskValues values;
  constexpr uint64_t kTasks = 200'000;
  constexpr uint64_t kInFlight = 1000;
  uint64_t most = 0;
  values.Add(0, "takes long");
  for (uint64_t task = 1; task < kTasks; ++task) {
    values.Add(task, std::string(100, 'x'));
    if (task > kInFlight) values.Forget(task - kInFlight);
    if (task % 1000 == 0) most = std::max(most, values.bytes());
  }
  EXPECT_EQ(values.Of(0), "takes long");
  EXPECT_LT(most, uint64_t{1} << 20);
}

TEST(TaskValues, AreFilledByOneThreadAndTakenByAnother) {
  TaskValues values;
  constexpr uint64_t kTasks = 20'000;
  std::thread writer([&values] {
    for (uint64_t task = 0; task < kTasks; ++task) values.Add(task, std::to_string(task));
  });
  for (uint64_t task = 0; task < kTasks;) {
    const std::optional<std::string> value = values.Of(task);
    if (!value.has_value()) continue;
    EXPECT_EQ(*value, std::to_string(task));
    values.Forget(task++);
  }
  writer.join();
  EXPECT_EQ(values.bytes(), 0u);
}

}  // namespace
}  // namespace fanmill::cli
