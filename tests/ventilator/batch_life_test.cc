// A batch from its start to its end, as the ventilator sees it.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

TEST(BatchLife, HandsOutNothingBeforeTheStart) {  // R91
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  const uint32_t batch = rig.Open();
  rig.Append(batch, 0, 5);
  rig.Pass(Millis(500));
  EXPECT_TRUE(rig.Chunks().empty());
  rig.StartBatch(batch);
  const auto opens = rig.Sent(pb::Envelope::kBatchOpen);
  ASSERT_EQ(opens.size(), 1u);
  EXPECT_EQ(opens[0].batch_open().batch(), batch);
  EXPECT_EQ(rig.Chunks().size(), 2u);
  rig.Tell();
  EXPECT_TRUE(rig.Sent(pb::Envelope::kBatchOpen).empty());
  EXPECT_TRUE(rig.Progress(batch).started());
}

TEST(BatchLife, HandsOutNothingMoreOfACancelledBatch) {  // R92
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  const uint32_t batch = rig.Batch(10);
  const auto chunks = rig.Chunks();
  rig.CancelBatch(batch);
  rig.AckWhole({chunks.at(0).chunk()});
  rig.Report(1, [](pb::LeaseReport&) {});
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_EQ(rig.Counted("R92"), 1u);
  EXPECT_EQ(rig.Progress(batch).outstanding(), 0u);
}

TEST(BatchLife, TellsWorkersToDropChunksOfADeadBatch) {  // R93, R36
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  const uint32_t batch = rig.Batch(10);
  const auto chunks = rig.Chunks();
  rig.CancelBatch(batch);
  rig.sent.clear();
  rig.Report(1, [&](pb::LeaseReport& report) { report.add_held()->set_chunk(chunks[0].chunk()); });
  EXPECT_EQ(rig.Reply().verdicts(0).kind(), pb::DROP);
}

TEST(BatchLife, SharesLanesRoundRobinByChunk) {  // R94
  Rig rig;
  rig.Tell();
  const uint32_t first = rig.Batch(50);
  const uint32_t second = rig.Batch(50);
  rig.Ready(1, 4);
  std::map<uint32_t, int> chunks;
  for (const pb::TaskChunk& chunk : rig.Chunks()) ++chunks[chunk.batch()];
  EXPECT_EQ(chunks[first], 2);
  EXPECT_EQ(chunks[second], 2);
}

TEST(BatchLife, ABatchWhoseHandlerNobodyOffersWaitsAndBlocksNone) {  // R94
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2, {"noop"});
  const uint32_t strange = rig.Batch(5, "render");
  const uint32_t plain = rig.Batch(2);
  for (const pb::TaskChunk& chunk : rig.Chunks()) EXPECT_EQ(chunk.batch(), plain);
  EXPECT_EQ(rig.Progress(strange).waiting(),
            "no ready worker offers the handler \"render\"; start one that does");
  EXPECT_EQ(rig.Progress(plain).waiting(), "");
  rig.Ready(2, 1, {"render"});
  EXPECT_EQ(rig.Chunks().at(0).batch(), strange);
}

TEST(BatchLife, SaysWhatAHungryBatchWaitsForOnceItHasStarted) {
  Rig rig;
  rig.Tell();
  rig.Ready(1);
  pb::Spec spec;
  spec.set_handler("noop");
  spec.set_min_workers(3);
  const uint32_t barrier = rig.Open(spec);
  EXPECT_EQ(rig.Progress(barrier).waiting(), "") << "the controller says why it does not start";
  rig.StartBatch(barrier);
  EXPECT_EQ(rig.Progress(barrier).waiting(), "waits for more tasks from its submitter");
}

TEST(BatchLife, TellsWorkersWhichBatchesRanDry) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  const uint32_t batch = rig.Batch(3);
  const auto chunks = rig.Chunks();
  rig.sent.clear();
  rig.AckWhole({chunks.at(0).chunk()});
  EXPECT_EQ(rig.Chunks().size(), 1u);
  const pb::LeaseReply dry = rig.Reply();
  ASSERT_EQ(dry.dry().step_size(), 2);
  EXPECT_EQ(dry.dry().step(0), batch);
  rig.Report(1, [&](pb::LeaseReport& report) {  // one is lost: no longer dry
    report.set_lane_through(chunks[1].chunk());
  });
  rig.Ready(2, 2);
  rig.Batch(0);
  rig.Pass(Millis(100));
  EXPECT_EQ(rig.Counted("R33"), 1u);
}

TEST(BatchLife, ForgetsTheOldestEndedBatchesAboveTheLimit) {
  DispatcherOptions options = RigOptions();
  options.closed_kept_max = 2;
  Rig rig(options);
  rig.Tell();
  for (int i = 0; i < 4; ++i) rig.Close(rig.Batch(0), false, 0);
  rig.Handle(PeerId{Channel::kSignal}, Signal{});
  rig.Sent(pb::Envelope::kHeartbeat);
  rig.Handle(PeerId{Channel::kSignal}, Signal{});
  rig.Pass(Seconds(1));
  const pb::Heartbeat heartbeat = rig.Heartbeat();
  ASSERT_EQ(heartbeat.batches_size(), 2);
  EXPECT_EQ(heartbeat.batches(0).batch(), 3u);
}

std::vector<uint32_t> Forgotten(Rig& rig) {
  std::vector<uint32_t> batches;
  for (const Outgoing& outgoing : rig.sent) {
    const auto* forget = std::get_if<JournalForget>(&outgoing.message);
    if (forget != nullptr) batches.push_back(forget->batch);
  }
  return batches;
}

TEST(BatchLife, LetsTheJournalForgetABatchOnceTheControllerHasItsReport) {  // R95
  Rig rig;
  rig.Tell();
  const uint32_t ended = rig.Batch(0);
  const uint32_t live = rig.Batch(5);
  rig.Close(ended, false, 0);
  EXPECT_TRUE(Forgotten(rig).empty());  // the state still has it
  rig.state.clear_batches();
  rig.Tell();
  EXPECT_EQ(Forgotten(rig), std::vector<uint32_t>{ended});
  rig.Tell();
  EXPECT_EQ(Forgotten(rig), std::vector<uint32_t>{ended});  // once
  EXPECT_TRUE(rig.Progress(ended).closed());
  EXPECT_FALSE(rig.Progress(live).closed());
}

TEST(BatchLife, LetsTheJournalForgetWhatItForgotItself) {
  DispatcherOptions options = RigOptions();
  options.closed_kept_max = 1;
  Rig rig(options);
  rig.Tell();
  const uint32_t first = rig.Batch(0);
  rig.Close(first, false, 0);
  rig.Close(rig.Batch(0), false, 0);
  EXPECT_EQ(Forgotten(rig), std::vector<uint32_t>{first});
}

}  // namespace
}  // namespace fanmill
