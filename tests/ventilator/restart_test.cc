// A ventilator that starts with a manifest: what it knows, what it asks, what it leaves alone.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

// What the manifest holds after a first life in which 2 of 10 tasks were handed out.
struct FirstLife {
  FirstLife() {
    Rig rig;
    rig.Tell();
    rig.Ready(1, 2);
    batch = rig.Batch(10);
    chunks = rig.Chunks();
    rows = rig.journal;
  }
  uint32_t batch;
  std::vector<pb::TaskChunk> chunks;
  std::vector<JournalRow> rows;
};

DispatcherOptions SecondEpoch() {
  DispatcherOptions options = RigOptions();
  options.epoch = kEpoch + 1;
  return options;
}

pb::KnownFacts Answered(uint32_t batch, uint64_t through) {
  pb::KnownFacts known;
  known.set_batch(batch);
  known.set_answered_through(through);
  return known;
}

TEST(Restart, AsksTheSinkForEverythingBeforeItGrantsALane) {  // R56, R75
  const FirstLife first;
  Rig rig(SecondEpoch(), first.rows);
  rig.Tell();
  EXPECT_EQ(rig.Hello(2).lane(), 0u);
  rig.Pass(Millis(0));
  const pb::BatchFacts facts = rig.FactsOf(first.batch);
  ASSERT_EQ(facts.ask().step_size(), 2);
  EXPECT_EQ(facts.ask().step(0), 0u);
  EXPECT_EQ(facts.ask().step(1), 10u);
  pb::KnownFacts page = Answered(first.batch, 4);
  page.mutable_ok()->add_step(0);
  page.mutable_ok()->add_step(1);
  rig.Facts(page);
  EXPECT_EQ(rig.Hello(2).lane(), 0u);
  rig.Pass(Millis(0));
  EXPECT_EQ(rig.FactsOf(first.batch).ask().step(0), 4u);  // the next page
  rig.Facts(Answered(first.batch, 10));
  EXPECT_NE(rig.Hello(2).lane(), 0u);
  EXPECT_EQ(rig.Progress(first.batch).ok(), 1u);
}

// A close that came as an ack answers all that was asked of the batch.
TEST(Restart, GrantsLanesWhenAnAckSaysThatTheBatchAskedForIsClosed) {  // R56, R73
  const FirstLife first;
  Rig rig(SecondEpoch(), first.rows);
  rig.Tell();
  EXPECT_EQ(rig.Hello(2).lane(), 0u);
  pb::Ack ack;
  ack.add_closed()->set_batch(first.batch);
  rig.Ack(ack);
  EXPECT_NE(rig.Hello(2).lane(), 0u);
}

TEST(Restart, LeavesTasksBelowTheFrontierAloneForOneLease) {  // R56
  const FirstLife first;
  Rig rig(SecondEpoch(), first.rows);
  rig.Tell();
  rig.Facts(Answered(first.batch, 10));
  rig.Ready(2, 20);
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_NE(rig.Progress(first.batch).waiting().find("restart"), std::string::npos);
  rig.worker_answers = true;
  rig.Pass(Millis(4900));
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(300));
  EXPECT_EQ(Rig::Tasks(rig.Chunks()).size(), 10u);
}

TEST(Restart, HandsOutAtOnceWhatIsAboveTheFrontier) {  // R56
  const FirstLife first;
  Rig rig(SecondEpoch());
  rig.Tell();
  rig.Ready(1, 2);
  const uint32_t batch = rig.Open();
  rig.Append(batch, 0, 4000);
  rig.StartBatch(batch);
  const std::vector<JournalRow> rows = rig.journal;
  Rig second(SecondEpoch(), rows);
  second.Tell();
  second.Facts(Answered(batch, 4000));
  second.Ready(2, 2);
  const auto chunks = second.Chunks();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_GE(chunks[0].tasks().first(), 1000u);
}

TEST(Restart, WaitsNoMoreForWhatAWorkerBringsBack) {  // R56, R39
  const FirstLife first;
  Rig rig(SecondEpoch(), first.rows);
  rig.Tell();
  rig.Facts(Answered(first.batch, 10));
  pb::HeldChunk held;
  held.set_chunk(first.chunks[0].chunk());
  held.set_batch(first.batch);
  *held.mutable_tasks() = first.chunks[0].tasks();
  const pb::LeaseGrant grant = rig.Hello(1, 1, {held});
  EXPECT_EQ(grant.verdicts(0).kind(), pb::ADOPT);
  rig.Echo(grant.lane());
  rig.AckWhole({first.chunks[0].chunk()});
  EXPECT_EQ(rig.Progress(first.batch).ok(), 1u);
  rig.worker_answers = true;
  rig.Pass(Millis(5200));
  EXPECT_EQ(rig.Counted("redelivered"), 9u);
}

TEST(Restart, KnowsTokensStartsSealsAndEnds) {  // R80, R83, R91
  const FirstLife first;
  Rig rig(SecondEpoch(), first.rows);
  rig.Tell();
  pb::Spec spec;
  spec.set_handler("noop");
  EXPECT_EQ(rig.Open(spec, 1), first.batch);
  EXPECT_EQ(rig.Open(spec, 2), first.batch + 1);
  const pb::BatchProgress progress = rig.Progress(first.batch);
  EXPECT_TRUE(progress.started());
  EXPECT_TRUE(progress.sealed());
  EXPECT_EQ(progress.tasks(), 10u);
  rig.Close(first.batch, false, 10);
  Rig third(SecondEpoch(), rig.journal);
  third.Tell();
  EXPECT_TRUE(third.Progress(first.batch).closed());
}

TEST(Restart, CountsFailedAttemptsOfEarlierEpochs) {  // R75, R62
  const FirstLife first;
  Rig rig(SecondEpoch(), first.rows);
  rig.Tell();
  pb::KnownFacts known = Answered(first.batch, 10);
  *known.add_attempts() = Rig::Failure(first.chunks[0], 0, 0);
  rig.Facts(known);  // no retries: its end is asked for at once
  rig.Pass(Millis(20));
  EXPECT_EQ(rig.FactsOf(first.batch).finalise_size(), 1);
}

TEST(Restart, SkipsRowsThatAreNone) {
  FirstLife first;
  first.rows.push_back({first.rows.size() + 1, 0, false, Frame::Own("\xff\xff")});
  Rig rig(SecondEpoch(), first.rows);
  EXPECT_EQ(rig.Counted("bad_row"), 1u);
}

// Its submitter was told that they are durable, so a batch must not end without them; nor wait for
// them for ever.
TEST(Restart, GivesABatchUpThatLacksTasks) {  // R96
  Rig first;
  const uint32_t whole = first.Batch(10);
  const uint32_t damaged = first.Open();
  first.Append(damaged, 0, 10);
  first.Append(damaged, 10, 10);
  first.Append(damaged, 20, 10);
  first.Seal(damaged, 30);
  for (const uint64_t lost : {0u, 10u, 20u}) {
    std::vector<JournalRow> rows = first.journal;
    std::erase_if(rows, [&](const JournalRow& row) {
      pb::ManifestRecord record;
      EXPECT_TRUE(record.ParseFromArray(row.bytes.bytes.data(), row.bytes.bytes.size()));
      return record.has_appended() && record.batch() == damaged &&
             record.appended().first() == lost;
    });
    ASSERT_EQ(rows.size() + 1, first.journal.size());
    Rig rig(SecondEpoch(), rows);
    EXPECT_EQ(rig.Counted("R96"), 1u);
    rig.Tell();
    EXPECT_EQ(rig.Progress(whole).tasks(), 10u);
    EXPECT_EQ(rig.Progress(damaged).batch(), 0u) << "the controller hears of it no more";
  }
}

}  // namespace
}  // namespace fanmill
