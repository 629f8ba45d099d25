#include "controller/cli/output/in_order.h"

#include "tests/cli/output/results.h"
#include "tests/io/temp_dir.h"

namespace fanmill::cli {
namespace {

void Take(InOrder& order, const client::Result& result, const std::string* payload = nullptr) {
  const absl::Status taken = order.Take(result, payload);
  ASSERT_TRUE(taken.ok()) << taken;
}

void AdvanceAll(InOrder& order) {
  while (order.Due()) {
    const absl::Status advanced = order.Advance();
    ASSERT_TRUE(advanced.ok()) << advanced;
  }
}

TEST(InOrder, PassesTasksOnByTheirNumbers) {
  Seen seen;
  InOrder order(seen, "/nowhere");
  Take(order, Ended(2));
  Take(order, Ended(1));
  EXPECT_FALSE(order.Due());
  Take(order, Ended(0));
  EXPECT_EQ(seen.Order(), "0. ");
  AdvanceAll(order);
  EXPECT_EQ(seen.Order(), "0. 1. 2. ");
  Take(order, Ended(3));
  EXPECT_EQ(seen.Order(), "0. 1. 2. 3. ");
}

TEST(InOrder, LetsPartsOfTheTaskWhoseTurnItIsPassAtOnce) {
  Seen seen;
  InOrder order(seen, "/nowhere");
  Take(order, Part(0, "a"));
  EXPECT_EQ(seen.Order(), "0 ");
  Take(order, Part(0, "b"));
  Take(order, Ended(0));
  EXPECT_EQ(seen.Order(), "0 0 0. ");
}

TEST(InOrder, KeepsTheOrderWithinATaskOfWhichAPartHadToWait) {
  Seen seen;
  InOrder order(seen, "/nowhere");
  Take(order, Part(1, "a"));
  Take(order, Part(1, "b"));
  Take(order, Ended(0));
  Take(order, Part(1, "c"));  // comes before what waits was passed on
  AdvanceAll(order);
  EXPECT_EQ(seen.Order(), "0. 1 1 1 ");
  Take(order, Ended(1));
  EXPECT_EQ(seen.Order(), "0. 1 1 1 1. ");
  EXPECT_EQ(seen.results[1].text + seen.results[2].text + seen.results[3].text, "abc");
}

TEST(InOrder, GivesBackWhatWaitedAsItCame) {
  Seen seen;
  TempDir directory;
  for (const uint64_t memory : {uint64_t{1} << 20, uint64_t{0}}) {
    InOrder order(seen, directory / "", {.memory_bytes = memory});
    client::Result result = Ended(1, std::string("o\0t", 3), "err");
    result.status = "signalled";
    result.code = -9;
    result.epoch = 7;
    result.attempt = 2;
    result.worker = 3;
    result.run = Micros(1234);
    result.value = "value";
    result.dropped = uint64_t{1} << 40;
    const std::string payload = "pay\nload";
    Take(order, Part(1, "part", true), &payload);
    Take(order, result, &payload);
    Take(order, Ended(0));
    AdvanceAll(order);
    ASSERT_EQ(seen.Order(), "0. 1 1. ");
    const client::Result& part = seen.results[1];
    EXPECT_TRUE(part.part && part.is_stderr);
    EXPECT_EQ(part.text, "part");
    const client::Result& back = seen.results[2];
    EXPECT_EQ(back.status, "signalled");
    EXPECT_EQ(back.code, -9);
    EXPECT_EQ(back.epoch, 7u);
    EXPECT_EQ(back.attempt, 2u);
    EXPECT_EQ(back.worker, 3u);
    EXPECT_EQ(back.run, Micros(1234));
    EXPECT_EQ(back.value, "value");
    EXPECT_EQ(back.out, std::string("o\0t", 3));
    EXPECT_EQ(back.err, "err");
    EXPECT_EQ(back.dropped, uint64_t{1} << 40);
    EXPECT_EQ(seen.payloads, (std::vector<std::string>{"?", payload, payload}));
    seen = Seen();
  }
}

TEST(InOrder, IsFullAtItsLimitOfTasksUntilTheOneComesForWhichAllWait) {
  Seen seen;
  InOrder order(seen, "/nowhere", {.tasks = 3});
  Take(order, Ended(1));
  Take(order, Ended(2));
  EXPECT_FALSE(order.Full());
  Take(order, Ended(3));
  EXPECT_TRUE(order.Full());
  EXPECT_EQ(order.WhyFull(),
            "outputs of 3 tasks (0.0 GiB) wait for task 1 to end, since the order is kept");
  Take(order, Ended(4));  // came meanwhile, and is not lost
  Take(order, Ended(0));
  AdvanceAll(order);
  EXPECT_FALSE(order.Full());
  EXPECT_EQ(seen.Order(), "0. 1. 2. 3. 4. ");
}

TEST(InOrder, IsFullAtItsLimitOfDiskBytes) {
  TempDir directory;
  Seen seen;
  InOrder order(seen, directory / "", {.memory_bytes = 1000, .disk_bytes = 3 << 20});
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 2; ++i) Take(order, Part(1, large));
  EXPECT_FALSE(order.Full());
  Take(order, Part(1, large));
  EXPECT_TRUE(order.Full());
  Take(order, Ended(0));
  AdvanceAll(order);
  EXPECT_FALSE(order.Full());
}

TEST(InOrder, SaysWhyItsFileCouldNotBeMade) {
  Seen seen;
  TempDir directory;
  InOrder order(seen, directory / "missing", {.memory_bytes = 0});
  const absl::Status refused = order.Take(Ended(1, "text"), nullptr);
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(refused.message().find(directory / "missing"), std::string::npos) << refused;
}

TEST(InOrder, LeavesOutWhatNeverEndedOnceNoMoreComes) {
  Seen seen;
  InOrder order(seen, "/nowhere");
  Take(order, Ended(5));
  Take(order, Part(2, "a"));
  Take(order, Ended(2));
  order.TakeNoMore();
  AdvanceAll(order);
  EXPECT_EQ(seen.Order(), "2 2. 5. ");
}

}  // namespace
}  // namespace fanmill::cli
