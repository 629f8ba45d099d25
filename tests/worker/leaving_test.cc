// Kills, drains, receipts, leaving, pauses.
#include "tests/worker/stage.h"

namespace fanmill {
namespace {

// Two slots run tasks 0 and 1 of batch 1; two more wait.
class SessionLeaving : public ::testing::Test {
 protected:
  void SetUp() override {
    stage_.Join();
    stage_.HearChunk(1, 0, 4);
    stage_.HearSpec(1);
    pb::BatchState& batch = *stage_.state().add_batches();
    batch.set_batch(1);
    batch.set_started(true);
    batch.set_start_age_us(1000);
    stage_.HearState();
  }
  // Only what goes to the executor, the ventilator and the sink.
  Lines HearAnswer(uint64_t sequence) {
    pb::Envelope envelope = stage_.From(pb::CONTROLLER, 1);
    envelope.mutable_heartbeat_reply()->set_state_version(stage_.state().version());
    envelope.mutable_heartbeat_reply()->set_sequence(sequence);
    return stage_.Hear(Channel::kControl, std::move(envelope));
  }
  Lines HearStopped(uint32_t batch, uint32_t left = 0) {
    return stage_.Hear(Channel::kExecutor, TasksStopped{batch, left});
  }
  pb::Heartbeat Heartbeat() {
    stage_.Tick();
    return stage_.Said(pb::Envelope::kHeartbeat).heartbeat();
  }
  Stage stage_;
};

TEST_F(SessionLeaving, StopsAKilledBatchAtTheSignalAndGivesAReceiptWhenNothingRuns) {  // R13 R92
  EXPECT_EQ(stage_.Hear(Channel::kSignal, Signal{Signal::Topic::kBatch, 1, Signal::Verb::kKill, 6}),
            Lines{"StopTasks batch=1"});
  EXPECT_EQ(Heartbeat().receipts_size(), 0) << "it still runs";
  stage_.HearOutcome(0, Outcome(1, 0, pb::CANCELLED));
  EXPECT_EQ(Heartbeat().ByteSizeLong(), 0u) << "one task still runs: no news";
  EXPECT_EQ(stage_.HearOutcome(1, Outcome(1, 1, pb::OK)), Lines{}) << "its results are forgotten";
  EXPECT_EQ(Heartbeat().ByteSizeLong(), 0u) << "what they left behind may still run: no news";
  HearStopped(1);
  const pb::Heartbeat heartbeat = Heartbeat();
  ASSERT_EQ(heartbeat.receipts_size(), 1);
  EXPECT_EQ(heartbeat.receipts(0).batch(), 1u);
  EXPECT_EQ(heartbeat.receipts(0).generation(), 6u);
  EXPECT_EQ(stage_.AskReport(), "through 1");
}

TEST_F(SessionLeaving, RepeatsTheReceiptUntilTheStateHasTheBatchNoMore) {  // R92
  stage_.state().mutable_batches(0)->set_generation(6);
  EXPECT_EQ(stage_.HearState(), Lines{"StopTasks batch=1"});
  EXPECT_EQ(stage_.HearState(), Lines{}) << "a wish said twice is one";
  stage_.HearOutcome(0, Outcome(1, 0, pb::CANCELLED));
  stage_.HearOutcome(1, Outcome(1, 1, pb::CANCELLED));
  HearStopped(1);
  EXPECT_EQ(Heartbeat().receipts_size(), 1);
  stage_.Wait(Seconds(1));
  EXPECT_EQ(stage_.Said(pb::Envelope::kHeartbeat).heartbeat().receipts_size(), 1);
  stage_.state().clear_batches();
  stage_.HearState();
  stage_.Wait(Seconds(1));
  EXPECT_EQ(stage_.Said(pb::Envelope::kHeartbeat).heartbeat().receipts_size(), 0);
}

TEST_F(SessionLeaving, GivesTheReceiptAnewWhenTheStateListsTheBatchOnceMore) {  // R92
  stage_.Hear(Channel::kSignal, Signal{Signal::Topic::kBatch, 1, Signal::Verb::kKill, 6});
  stage_.HearOutcome(0, Outcome(1, 0, pb::CANCELLED));
  stage_.HearOutcome(1, Outcome(1, 1, pb::CANCELLED));
  HearStopped(1);
  stage_.state().clear_batches();  // it was thought gone, and the batch ended without it
  stage_.HearState();
  EXPECT_EQ(Heartbeat().receipts_size(), 0);
  pb::BatchState& batch = *stage_.state().add_batches();
  batch.set_batch(1);
  batch.set_phase(pb::BATCH_CANCELLED);
  batch.set_generation(6);
  EXPECT_EQ(stage_.HearState(), Lines{}) << "it has stopped it already";
  const pb::Heartbeat heartbeat = Heartbeat();
  ASSERT_EQ(heartbeat.receipts_size(), 1);
  EXPECT_EQ(heartbeat.receipts(0).generation(), 6u);
  EXPECT_EQ(heartbeat.accounts_size(), 0) << "of which no account is wanted any more";
}

TEST_F(SessionLeaving, StopsWhatEndedTasksOfAKilledBatchLeftBehind) {  // R92
  stage_.HearVerdict(1, pb::DROP);
  stage_.HearRan(0, 1, 0, 1, Millis(1));
  stage_.HearRan(1, 1, 1, 1, Millis(1));
  stage_.state().mutable_batches(0)->set_generation(6);
  EXPECT_EQ(stage_.HearState(), Lines{"StopTasks batch=1"}) << "though nothing of it is in a slot";
  EXPECT_EQ(Heartbeat().receipts_size(), 0);
  HearStopped(1);
  EXPECT_EQ(Heartbeat().receipts_size(), 1);
}

TEST_F(SessionLeaving, GivesNoReceiptForWhatCouldNotBeKilled) {  // R92 R101
  stage_.state().mutable_batches(0)->set_generation(6);
  stage_.HearState();
  stage_.HearOutcome(0, Outcome(1, 0, pb::CANCELLED));
  stage_.HearOutcome(1, Outcome(1, 1, pb::CANCELLED));
  HearStopped(1, 2);
  EXPECT_EQ(Heartbeat().receipts_size(), 0);
  EXPECT_EQ(stage_.session.TakeNotices().size(), 1u);
  stage_.Hear(Channel::kSignal, Signal{Signal::Topic::kAll, 0, Signal::Verb::kKill, 9});
  HearStopped(0, 2);
  const pb::Heartbeat heartbeat = Heartbeat();
  EXPECT_TRUE(heartbeat.leaving());
  EXPECT_EQ(heartbeat.receipts_size(), 0);
}

TEST_F(SessionLeaving, GivesAReceiptAtOnceForABatchThatNeverRanHere) {  // R92
  pb::BatchState& other = *stage_.state().add_batches();
  other.set_batch(2);
  other.set_generation(6);
  EXPECT_EQ(stage_.HearState(), Lines{});
  EXPECT_EQ(Heartbeat().receipts_size(), 1);
}

TEST_F(SessionLeaving, RefusesChunksOfADeadBatchForEver) {  // R93
  stage_.state().mutable_batches(0)->set_generation(6);
  stage_.HearState();
  EXPECT_EQ(stage_.HearChunk(2, 9, 1), Lines{});
  stage_.state().clear_batches();
  stage_.HearState();
  EXPECT_EQ(stage_.HearChunk(3, 10, 1), Lines{});
  EXPECT_EQ(stage_.Counted("R93"), 2u);
}

TEST_F(SessionLeaving, DrainsWhenToldAndLeavesWhenItsResultsAreDurable) {  // R100
  stage_.state().set_wish(pb::DRAIN);
  stage_.state().set_generation(8);
  EXPECT_EQ(stage_.HearState(), Lines{"LeaseReport sequence=0 held=1 running=2 draining"});
  EXPECT_EQ(Stage::Text(stage_.Said(pb::Envelope::kLeaseReport).lease_report()),
            "held 1 unfinished [0,2) returned [2,4); runs 1/0 for 0; runs 1/1 for 0; through 1 "
            "draining");
  EXPECT_EQ(stage_.HearChunk(2, 9, 1), Lines{"LeaseReport sequence=0 held=2 running=2 draining"})
      << "a chunk that comes now goes back at once";
  stage_.HearRan(0, 1, 0, 1, Millis(1));
  EXPECT_EQ(stage_.HearRan(1, 1, 1, 1, Millis(1)),
            Lines{"ResultChunk chunk=7:1 batch=1 tasks=0..1"});
  EXPECT_FALSE(Heartbeat().leaving()) << "its results are not durable";
  EXPECT_EQ(stage_.HearVerdict(1, pb::DROP), Lines{"StopTasks batch=0"})
      << "ends what its tasks left behind";
  EXPECT_FALSE(Heartbeat().leaving());
  EXPECT_EQ(HearStopped(0), Lines{"LeaseReport sequence=0 held=1 running=0 draining"});
  const pb::Heartbeat heartbeat = Heartbeat();
  EXPECT_TRUE(heartbeat.leaving());
  ASSERT_EQ(heartbeat.receipts_size(), 1);
  EXPECT_EQ(heartbeat.receipts(0).batch(), 0u);
  EXPECT_EQ(heartbeat.receipts(0).generation(), 8u);
  EXPECT_FALSE(stage_.session.Done());
  HearAnswer(heartbeat.sequence() - 1);
  EXPECT_FALSE(stage_.session.Done()) << "the answer to an earlier word, without the receipt";
  HearAnswer(heartbeat.sequence());
  EXPECT_TRUE(stage_.session.Done());
  EXPECT_EQ(stage_.session.ExitCode(), 0);
}

TEST_F(SessionLeaving, LeavesUnansweredAfterASecond) {  // R100
  stage_.HearVerdict(1, pb::DROP);
  stage_.Hear(Channel::kSignal, Signal{Signal::Topic::kWorker, 4, Signal::Verb::kDrain, 3});
  stage_.HearRan(0, 1, 0, 1, Millis(1));
  stage_.HearRan(1, 1, 1, 1, Millis(1));
  HearStopped(0);
  stage_.Wait(Millis(999));
  EXPECT_FALSE(stage_.session.Done());
  stage_.Wait(Millis(1));
  EXPECT_TRUE(stage_.session.Done());
}

TEST_F(SessionLeaving, ObeysNoSignalForAnotherWorker) {  // R13
  stage_.Hear(Channel::kSignal, Signal{Signal::Topic::kWorker, 5, Signal::Verb::kKill, 3});
  EXPECT_EQ(stage_.Counted("R101"), 0u);
  EXPECT_EQ(Heartbeat().running(), 2u) << "yet it asks at once what is new";
}

TEST_F(SessionLeaving, StopsWhatRunsWhenKilledAndReturnsIt) {  // R66 R101
  EXPECT_EQ(stage_.Hear(Channel::kSignal, Signal{Signal::Topic::kAll, 0, Signal::Verb::kKill, 9}),
            (Lines{"StopTasks batch=0", "LeaseReport sequence=0 held=1 running=2 draining"}));
  EXPECT_EQ(stage_.HearOutcome(0, Outcome(1, 0, pb::CANCELLED)),
            Lines{"LeaseReport sequence=0 held=1 running=1 draining"});
  stage_.HearRan(1, 1, 1, 1, Millis(1));
  EXPECT_EQ(stage_.said().size(), 1u) << "the result that made it";
  EXPECT_EQ(HearStopped(0).size(), 1u) << "the last report";
  const pb::LeaseReport report = stage_.Said(pb::Envelope::kLeaseReport).lease_report();
  EXPECT_EQ(Stage::Text(report),
            "held 1 finished returned [0,1)[2,4) stopped [0,1); through 1 draining");
  const pb::Heartbeat heartbeat = Heartbeat();
  EXPECT_TRUE(heartbeat.leaving());
  EXPECT_EQ(heartbeat.receipts(0).generation(), 9u);
  EXPECT_EQ(heartbeat.accounts_size(), 1) << "its account of a batch that goes on without it";
}

TEST_F(SessionLeaving, APersonsFirstSignalDrainsAndTheSecondKills) {  // R103
  EXPECT_EQ(stage_.Hear(Channel::kPerson, StopAsked{1}),
            Lines{"LeaseReport sequence=0 held=1 running=2 draining"});
  EXPECT_EQ(stage_.session.TakeNotices(),
            Lines{"Asked to stop: takes no more tasks; running ones that end first: 2; a second "
                  "signal kills them."});
  EXPECT_EQ(stage_.Hear(Channel::kPerson, StopAsked{2}),
            (Lines{"StopTasks batch=0", "LeaseReport sequence=0 held=1 running=2 draining"}));
  EXPECT_EQ(stage_.session.TakeNotices(),
            Lines{"Asked again to stop: ends the 2 tasks that run, then leaves."});
  stage_.HearOutcome(0, Outcome(1, 0, pb::CANCELLED));
  stage_.HearOutcome(1, Outcome(1, 1, pb::CANCELLED));
  HearStopped(0);
  const pb::Heartbeat heartbeat = Heartbeat();
  EXPECT_TRUE(heartbeat.leaving());
  ASSERT_EQ(heartbeat.receipts_size(), 1);
  EXPECT_EQ(heartbeat.receipts(0).generation(), 0u) << "nobody's wish had one";
}

TEST(SessionLeavingEarly, GoesAtOnceWhenNobodyKnowsIt) {  // R103
  Stage stage;
  stage.Begin();
  stage.Hear(Channel::kPerson, StopAsked{1});
  stage.Hear(Channel::kExecutor, TasksStopped{0});
  EXPECT_TRUE(stage.session.Done());
  EXPECT_EQ(stage.session.NextDeadline(), kNever);
}

TEST_F(SessionLeaving, StartsNothingAfterAPauseUntilItIsAnswered) {  // R55
  stage_.now = stage_.session.NextDeadline() + Seconds(9);
  for (const std::string& line : stage_.HearRan(0, 1, 0, 1, Seconds(1))) {
    EXPECT_NE(line.substr(0, 8), "RunTasks");
  }
  EXPECT_EQ(stage_.Counted("R55"), 1u);
  stage_.Tick();
  const pb::LeaseReport report = stage_.Said(pb::Envelope::kLeaseReport).lease_report();
  EXPECT_TRUE(report.paused());
  EXPECT_EQ(stage_.HearReply([](pb::LeaseReply& reply) { reply.set_ask(true); }),
            Lines{"LeaseReport sequence=2 held=1 running=1 paused"})
      << "a ping may have waited in a buffer all the time";
  EXPECT_EQ(stage_.HearReply([](pb::LeaseReply&) {}), Lines{"RunTasks slot=0 tasks=1"});
}

TEST_F(SessionLeaving, AsksForANewLaneWhenNobodyAnswersItAfterAPause) {  // R55
  stage_.now = stage_.session.NextDeadline() + Seconds(9);
  stage_.Tick();
  Lines lines;
  for (int second = 0; second < 5; ++second) {
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "LeaseHello number=4 slots=2 held=1"), 0);
    stage_.HearReply([](pb::LeaseReply& reply) { reply.set_ask(true); });
    lines = stage_.Wait(Seconds(1));
  }
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "LeaseHello number=4 slots=2 held=1"), 1)
      << "it hears of the ventilator, but no answer";
}

TEST_F(SessionLeaving, GivesTheAccountOfAnEndedBatchUntilTheStateForgetsIt) {  // R95
  stage_.now += Millis(10);
  stage_.state().mutable_batches(0)->set_start_age_us(11000);
  stage_.state().mutable_batches(0)->set_ended(true);
  stage_.state().mutable_batches(0)->set_end_age_us(2000);
  stage_.HearState();
  stage_.Wait(Seconds(1));
  const pb::Heartbeat heartbeat = stage_.Said(pb::Envelope::kHeartbeat).heartbeat();
  ASSERT_EQ(heartbeat.accounts_size(), 1);
  EXPECT_EQ(heartbeat.accounts(0).batch(), 1u);
  EXPECT_EQ(heartbeat.accounts(0).window_us(), 8000u) << "from its arrival, 8 ms before the end";
  EXPECT_EQ(heartbeat.accounts(0).run_us(), 16000u);
  stage_.HearVerdict(1, pb::DROP);
  stage_.HearRan(0, 1, 0, 1, Millis(1));
  stage_.HearRan(1, 1, 1, 1, Millis(1));
  stage_.state().clear_batches();
  stage_.HearState();
  stage_.Wait(Seconds(1));
  EXPECT_EQ(stage_.Said(pb::Envelope::kHeartbeat).heartbeat().accounts_size(), 0);
}

}  // namespace
}  // namespace fanmill
