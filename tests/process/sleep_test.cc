// The built-in handlers, sleep and noop.
#include "tests/process/executor_rig.h"

namespace fanmill {
namespace {

const char kLong[] = "3600000000";

TEST(Sleep, TakesAsLongAsThePayloadSays) {
  Rig rig;
  const uint32_t first = rig.Run(0, 1, HandlerSpec("sleep"), {{"20000", "10000"}});
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.told.size(), 2u);
  EXPECT_EQ(rig.told[0].chunk, kChunk);
  EXPECT_EQ(rig.told[0].ok_first, first);
  EXPECT_EQ(rig.told[0].ok_count, 1u);
  EXPECT_FALSE(rig.told[0].idle);
  EXPECT_GE(rig.told[0].ok_run, Micros(20'000));
  EXPECT_EQ(rig.told[0].ok_run, rig.told[0].ended - rig.told[0].began);
  EXPECT_EQ(rig.told[1].ok_first, first + 1);
  EXPECT_TRUE(rig.told[1].idle);
  EXPECT_GE(rig.told[1].ok_run, Micros(10'000));
  EXPECT_EQ(rig.told[1].began, rig.told[0].ended);
}

TEST(Sleep, SlotsSleepSideBySide) {
  Rig rig(100);
  for (uint32_t slot = 0; slot < 100; ++slot) {
    rig.Run(slot, 1, HandlerSpec("sleep"), {{slot == 0 ? "200000" : "100000"}});
  }
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.size(), 100u);
  EXPECT_EQ(rig.told.back().slot, 0u);
}

TEST(Sleep, APayloadThatIsNoNumberIsExplained) {
  Rig rig;
  const std::vector<std::string> bad = {
      "", "abc", "-1", "5ms", "1.5", " 1", "99999999999999999999", "\x1b[31m"};
  std::vector<std::string> payloads = bad;
  payloads.push_back("1");
  const uint32_t first = rig.Run(0, 1, HandlerSpec("sleep"), payloads);
  ASSERT_TRUE(rig.AwaitIdle());
  for (uint32_t i = 0; i < bad.size(); ++i) {
    EXPECT_EQ(rig.ended.at(first + i).status, pb::NOT_STARTED) << bad[i];
  }
  EXPECT_EQ(rig.ended.at(first + 3).err,
            "sleep cannot sleep for \"5ms\": give a whole number of microseconds, at most ten "
            "years, such as 50000");
  EXPECT_EQ(rig.ended.at(first + 7).err.find('\x1b'), std::string::npos);
  EXPECT_EQ(rig.ended.at(first + bad.size()).status, pb::OK);
}

TEST(Sleep, SleepsOfNoTimeAreToldAsOne) {
  Rig rig;
  rig.Run(0, 1, HandlerSpec("sleep"), std::vector<std::string>(4096, "0"));
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_EQ(rig.told[0].ok_count, 4096u);
}

TEST(Sleep, ACancelEndsItAtOnceAndOnlyItsBatch) {
  Rig rig(2);
  const uint32_t first = rig.Run(0, 1, HandlerSpec("sleep"), {{kLong, kLong}});
  rig.Run(1, 2, HandlerSpec("sleep"), {{kLong}});
  ASSERT_TRUE(WaitUntil([&] { return rig.table.Started().size() == 2; }));
  rig.Stop(1, false);
  ASSERT_TRUE(rig.Await([&] { return rig.busy == 1; }));
  EXPECT_EQ(rig.ended.at(first).status, pb::CANCELLED);
  EXPECT_EQ(rig.ended.at(first + 1).status, pb::CANCELLED);
  EXPECT_GT(rig.ended.at(first).run, Duration(0)) << "it slept until then";
  EXPECT_EQ(rig.ended.at(first + 1).run, Duration(0)) << "it never began";
  ASSERT_EQ(rig.table.Started().size(), 1u);
  EXPECT_EQ(rig.table.Started()[0].batch, 2u);
  EXPECT_EQ(rig.table.Started()[0].pid, 0);
  rig.Run(0, 3, HandlerSpec("sleep"), {{"1"}});
  ASSERT_TRUE(rig.Await([&] { return rig.busy == 1; }));
  EXPECT_EQ(rig.ended.at(3).status, pb::OK);
}

TEST(Sleep, ItsTimeoutCounts) {
  Rig rig;
  pb::Spec spec = HandlerSpec("sleep");
  spec.set_timeout_us(1000);
  const uint32_t first = rig.Run(0, 1, spec, {{kLong, "1000"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(first).status, pb::TIMED_OUT);
  EXPECT_GE(rig.ended.at(first).run, Micros(1000));
  EXPECT_EQ(rig.ended.at(first + 1).status, pb::OK);
}

TEST(Noop, AWholeBiteIsAnsweredByOneMessage) {
  Rig rig;
  const uint32_t first = rig.Run(1, 1, HandlerSpec("noop"), std::vector<std::string>(4096, "x"));
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_EQ(rig.told[0].slot, 1u);
  EXPECT_EQ(rig.told[0].ok_first, first);
  EXPECT_EQ(rig.told[0].ok_count, 4096u);
  EXPECT_TRUE(rig.told[0].outcomes.empty());
  EXPECT_TRUE(rig.table.Started().empty());
}

TEST(Noop, TasksThatDoNotFollowEachOtherAreToldApart) {
  Rig rig;
  RunTasks work{0, 1, std::make_shared<const pb::Spec>(HandlerSpec("noop")), {}, nullptr};
  work.tasks = {{7, 0, 10, 1, {}}, {7, 1, 11, 1, {}}, {7, 3, 13, 1, {}}, {8, 4, 0, 1, {}}};
  rig.busy = 1;
  rig.executor->Deliver(work);
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.told.size(), 3u);
  EXPECT_EQ(rig.told[0].ok_count, 2u);
  EXPECT_FALSE(rig.told[0].idle);
  EXPECT_EQ(rig.told[1].ok_first, 3u);
  EXPECT_EQ(rig.told[2].chunk, 8u);
  EXPECT_TRUE(rig.told[2].idle);
}

}  // namespace
}  // namespace fanmill
