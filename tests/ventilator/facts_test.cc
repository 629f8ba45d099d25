// The table of ventilator and sink, as far as the ventilator acts on it.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

pb::Ranges Span(uint64_t begin, uint64_t end) {
  pb::Ranges ranges;
  ranges.add_step(begin);
  ranges.add_step(end - begin);
  return ranges;
}

TEST(Facts, RepeatWhatIsWantedWhileABatchIsLive) {  // R70
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(3);
  rig.Sent(pb::Envelope::kFactsRequest);
  rig.Pass(Seconds(2));
  const auto requests = rig.Sent(pb::Envelope::kFactsRequest);
  EXPECT_GE(requests.size(), 4u);
  const pb::BatchFacts facts = requests.back().facts_request().batches(0);
  EXPECT_EQ(facts.batch(), batch);
  EXPECT_TRUE(facts.started());
  EXPECT_TRUE(facts.sealed());
  EXPECT_EQ(facts.tasks(), 3u);
  rig.Close(batch, false, 3);
  rig.Pass(Millis(500));
  rig.Sent(pb::Envelope::kFactsRequest);
  rig.Pass(Seconds(2));
  EXPECT_TRUE(rig.Sent(pb::Envelope::kFactsRequest).empty());
}

TEST(Facts, HealALostAck) {  // R70
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Batch(1);
  const auto chunks = rig.Chunks();
  rig.Finish(1, chunks.at(0), 10);
  rig.Sent(pb::Envelope::kFactsRequest);
  rig.Pass(Millis(1100));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  EXPECT_EQ(facts.ask().step_size(), 2);
  pb::KnownFacts known;
  known.set_batch(batch);
  *known.mutable_ok() = Span(0, 1);
  rig.Facts(known);
  EXPECT_EQ(rig.Counted("R70"), 1u);
  EXPECT_EQ(rig.Progress(batch).ok(), 1u);
  EXPECT_EQ(rig.Progress(batch).outstanding(), 0u);
}

TEST(Facts, TellOfAFailedAttemptAsAnAckWould) {  // R71
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Batch(1, "exec", 1);
  const auto chunks = rig.Chunks();
  pb::KnownFacts known;
  known.set_batch(batch);
  *known.add_attempts() = Rig::Failure(chunks.at(0), 0, 0);
  rig.Facts(known);
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].attempt(0), 2u);
  EXPECT_EQ(rig.Counted("R71"), 1u);
  rig.Facts(known);  // R4
  EXPECT_TRUE(rig.Chunks().empty());
}

TEST(Facts, EndATaskOnceItsFinalFailureIsDurable) {  // R72
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Batch(1, "exec");
  rig.FailWhole(rig.Chunks().at(0));
  rig.Pass(Millis(20));
  EXPECT_EQ(rig.FactsOf(batch).finalise_size(), 1);
  rig.Pass(Millis(1000));
  EXPECT_EQ(rig.FactsOf(batch).finalise_size(), 1);  // repeated until it is
  pb::KnownFacts known;
  known.set_batch(batch);
  *known.mutable_failed() = Span(0, 1);
  rig.Facts(known);
  EXPECT_EQ(rig.Counted("R72"), 1u);
  EXPECT_EQ(rig.Progress(batch).failed(), 1u);
  rig.Pass(Millis(500));
  EXPECT_EQ(rig.FactsOf(batch).finalise_size(), 0);
}

TEST(Facts, LetAnOkStandThoughTheFinalEndWasAskedFor) {  // R63, R72
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Batch(1, "exec");
  rig.FailWhole(rig.Chunks().at(0));
  pb::KnownFacts known;
  known.set_batch(batch);
  *known.mutable_ok() = Span(0, 1);
  rig.Facts(known);
  EXPECT_EQ(rig.Progress(batch).ok(), 1u);
  EXPECT_EQ(rig.Progress(batch).failed(), 0u);
}

TEST(Facts, EndABatchWhenTheSinkSaysSo) {  // R73
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Batch(1);
  rig.AckWhole({rig.Chunks().at(0).chunk()});
  pb::KnownFacts known;
  known.set_batch(batch);
  known.mutable_closed()->set_batch(batch);
  known.mutable_closed()->set_ok(1);
  rig.Facts(known);
  rig.Facts(known);
  EXPECT_EQ(rig.Counted("R73"), 1u);
  const pb::BatchProgress progress = rig.Progress(batch);
  EXPECT_TRUE(progress.closed());
  EXPECT_FALSE(progress.cancelled());
  EXPECT_EQ(progress.ok(), 1u);
}

TEST(Facts, SayThatABatchIsCancelledUntilItIsClosed) {  // R74
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(5);
  rig.CancelBatch(batch);
  rig.Pass(Millis(20));
  EXPECT_TRUE(rig.FactsOf(batch).cancelled());
  pb::KnownFacts known;
  known.set_batch(batch);
  known.mutable_closed()->set_batch(batch);
  known.mutable_closed()->set_cancelled(true);
  known.mutable_closed()->set_cancelled_tasks(5);
  rig.Facts(known);
  EXPECT_EQ(rig.Counted("R74"), 1u);
  const pb::BatchProgress progress = rig.Progress(batch);
  EXPECT_TRUE(progress.closed());
  EXPECT_TRUE(progress.cancelled());
  EXPECT_EQ(progress.cancelled_tasks(), 5u);
}

TEST(Facts, SayHowManyTasksACancelledBatchHasThoughItWasNeverSealed) {  // R77
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Open();
  rig.Append(batch, 0, 5);
  rig.StartBatch(batch);
  rig.Pass(Millis(500));
  EXPECT_EQ(rig.FactsOf(batch).tasks(), 0u);  // there may be more
  rig.CancelBatch(batch);
  rig.Pass(Millis(20));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  EXPECT_TRUE(facts.cancelled());
  EXPECT_FALSE(facts.sealed());
  EXPECT_EQ(facts.tasks(), 5u);
}

TEST(Facts, ShowABatchThatWaitsForTheSinkThoughWorkersHoldItsTasks) {  // R65
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(100);
  EXPECT_NE(rig.Progress(batch).waiting(), "");
  rig.Ready(1, 1);
  EXPECT_GE(rig.Progress(batch).outstanding(), 1u);
  EXPECT_EQ(rig.Progress(batch).waiting(), "");
  rig.sink_room = 0;
  rig.Facts({});
  EXPECT_EQ(rig.Progress(batch).waiting(),
            "the sink has no room for more results; its log says why");
  rig.sink_full = "the sink is full\x1b: do this";
  rig.Facts({});
  EXPECT_EQ(rig.Progress(batch).waiting(), "the sink is full\\x1b: do this");
  rig.sink_room = 1000;
  rig.Facts({});
  EXPECT_EQ(rig.Progress(batch).waiting(), "");
}

TEST(Facts, HandOutNothingWhileTheSinkHasNoRoom) {  // R65
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  rig.sink_room = 0;
  rig.Facts({});
  const uint32_t batch = rig.Batch(1);
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_GE(rig.Counted("R65"), 1u);
  EXPECT_NE(rig.Progress(batch).waiting().find("no room"), std::string::npos);
  rig.sink_room = 1000;
  rig.Facts({});
  EXPECT_EQ(rig.Chunks().size(), 1u);
}

TEST(Facts, SurviveRangesThatContradictThemselves) {  // R1
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(3);
  pb::KnownFacts known;
  known.set_batch(batch);
  *known.mutable_ok() = Span(2, 900);
  rig.Facts(known);
  EXPECT_EQ(rig.Progress(batch).ok(), 0u);
  EXPECT_EQ(rig.Counted("bad_ranges"), 1u);
}

TEST(Facts, MakeTheirSocketsAnewWhenTheSinkIsSilentForALease) {
  Rig rig;
  rig.Tell();
  rig.Batch(3);
  rig.sent.clear();
  rig.Pass(Seconds(6));
  int connects = 0;
  for (const Outgoing& outgoing : rig.sent) {
    const auto* connect = std::get_if<Connect>(&outgoing.message);
    if (connect != nullptr && connect->channel == Channel::kFacts) ++connects;
  }
  EXPECT_EQ(connects, 1);
}

}  // namespace
}  // namespace fanmill
