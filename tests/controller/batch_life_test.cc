// A batch from its first word to RUNNING: the transition table, the barrier, START.
#include <set>

#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

using control::BatchEvent;
using BatchLifeTest = ControllerTest;

TEST(TransitionTable, AllowsExactlyWhatThePictureShows) {
  const std::set<std::tuple<pb::BatchPhase, BatchEvent, pb::BatchPhase>> allowed = {
      {pb::FORMING, BatchEvent::kBarrierPassed, pb::READY},
      {pb::READY, BatchEvent::kStartDurable, pb::RUNNING},
      {pb::FORMING, BatchEvent::kKillDurable, pb::DRAINING},
      {pb::READY, BatchEvent::kKillDurable, pb::DRAINING},
      {pb::RUNNING, BatchEvent::kKillDurable, pb::DRAINING},
      {pb::FORMING, BatchEvent::kEndedDone, pb::DONE},
      {pb::READY, BatchEvent::kEndedDone, pb::DONE},
      {pb::RUNNING, BatchEvent::kEndedDone, pb::DONE},
      {pb::DRAINING, BatchEvent::kEndedDone, pb::DONE},
      {pb::FORMING, BatchEvent::kEndedFailed, pb::BATCH_FAILED},
      {pb::READY, BatchEvent::kEndedFailed, pb::BATCH_FAILED},
      {pb::RUNNING, BatchEvent::kEndedFailed, pb::BATCH_FAILED},
      {pb::DRAINING, BatchEvent::kEndedFailed, pb::BATCH_FAILED},
      {pb::FORMING, BatchEvent::kEndedCancelled, pb::BATCH_CANCELLED},
      {pb::READY, BatchEvent::kEndedCancelled, pb::BATCH_CANCELLED},
      {pb::RUNNING, BatchEvent::kEndedCancelled, pb::BATCH_CANCELLED},
      {pb::DRAINING, BatchEvent::kEndedCancelled, pb::BATCH_CANCELLED},
  };
  for (int phase = pb::FORMING; phase <= pb::BATCH_CANCELLED; ++phase) {
    for (int event = 0; event < control::kBatchEvents; ++event) {
      control::Batch batch;
      batch.phase = static_cast<pb::BatchPhase>(phase);
      const bool moved = Move(batch, static_cast<BatchEvent>(event));
      const std::tuple row{static_cast<pb::BatchPhase>(phase), static_cast<BatchEvent>(event),
                           batch.phase};
      EXPECT_EQ(moved, allowed.contains(row)) << phase << " " << event;
      if (moved) continue;
      EXPECT_EQ(batch.phase, phase) << "an illegal event changes nothing";
    }
  }
}

// R90, R91
TEST_F(BatchLifeTest, StartsWhenEnoughReadyWorkersOfferTheHandler) {
  Assemble(2);
  TellReady({101});
  EXPECT_EQ(Tell(Progress(1, 2)), (Lines{"1 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "forming");
  EXPECT_EQ(TellReady({101, 102}), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}));
  EXPECT_EQ(PhaseOf(1), "running");
  EXPECT_TRUE(State().batches(0).started());
}

TEST_F(BatchLifeTest, TookFromItsStartToItsEndByTheClockThatWorkersAreToldOf) {  // R95
  RunBatch(1);
  Wait(Millis(50));
  pb::BatchSummary summary = Closed(1, 10);
  summary.set_opened(true);
  summary.set_elapsed_us(2'000);  // the sink heard of it late
  summary.set_end_age_us(5'000);
  Summary(summary);
  EXPECT_EQ(State().batches(0).start_age_us(), 50'000u);
  EXPECT_EQ(State().batches(0).end_age_us(), 5'000u);
  EXPECT_EQ(Ask(pb::Command::REPORT, 1).report().summary().elapsed_us(), 45'000u);
}

// R91
TEST_F(BatchLifeTest, StartIsDurableBeforeItIsStateOrSignal) {
  Assemble(1);
  slow_disk_ = true;
  EXPECT_EQ(Tell(Progress(1)), (Lines{"row start", "1 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "ready");
  EXPECT_FALSE(State().batches(0).started());
  EXPECT_EQ(VentilatorBeats(), (Lines{"1 HeartbeatReply"})) << "it is written once";
  EXPECT_EQ(Sync(), (Lines{"signal b/1 START 0"}));
  EXPECT_EQ(PhaseOf(1), "running");
}

TEST_F(BatchLifeTest, TellsHowLongAgoItStarted) {
  RunBatch(1);
  now_ += Millis(1500);
  EXPECT_EQ(State().batches(0).start_age_us(), 1'500'000u);
  now_ += Millis(250);
  EXPECT_EQ(State().batches(0).start_age_us(), 1'750'000u);
}

TEST_F(BatchLifeTest, AtItsDeadlineOneReadyWorkerWillDo) {  // R90
  Assemble(1);
  pb::BatchProgress progress = Progress(1, 5);
  progress.set_start_timeout_us(2'000'000);
  progress.set_age_us(500'000);
  Tell(progress);
  EXPECT_EQ(Wait(Millis(1499)), Lines{});
  EXPECT_EQ(Wait(Millis(1)), (Lines{"row start", "signal b/1 START 0"}));
}

TEST_F(BatchLifeTest, PastItsDeadlineTheFirstReadyWorkerStartsIt) {  // R90
  Assemble(0);
  pb::BatchProgress progress = Progress(1, 5);
  progress.set_start_timeout_us(2'000'000);
  Tell(progress);
  EXPECT_EQ(controller_->NextDeadline(), now_ + Seconds(5)) << "nothing to do at the deadline";
  now_ += Millis(2500);
  EXPECT_EQ(VentilatorBeats(), (Lines{"1 HeartbeatReply"}));
  EXPECT_EQ(TellReady({101}), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}));
}

TEST_F(BatchLifeTest, AHeldBatchWaitsForItsCommandToo) {  // R90
  Assemble(1);
  pb::BatchProgress progress = Progress(1);
  progress.set_hold(true);
  EXPECT_EQ(Tell(progress), (Lines{"1 HeartbeatReply"}));
  EXPECT_EQ(Give(9, Command(pb::Command::START, 1)),
            (Lines{"row release", "row start", "9 CommandReply", "signal b/1 START 0"}));
  EXPECT_TRUE(Answer().done());
  EXPECT_EQ(PhaseOf(1), "running");
}

TEST_F(BatchLifeTest, AReleasedBatchStillWaitsForItsWorkers) {  // R90
  Assemble(1);
  pb::BatchProgress progress = Progress(1, 2);
  progress.set_hold(true);
  Tell(progress);
  EXPECT_EQ(Give(9, Command(pb::Command::START, 1)), (Lines{"row release", "9 CommandReply"}));
  EXPECT_EQ(Give(9, Command(pb::Command::START, 1)), (Lines{"9 CommandReply"}));
  EXPECT_TRUE(Answer().done());
  EXPECT_EQ(PhaseOf(1), "forming");
  EXPECT_EQ(TellReady({101, 102}), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}));
}

TEST_F(BatchLifeTest, AnEmptySealedBatchNeedsNobody) {  // R90
  Assemble(0);
  pb::BatchProgress progress = Progress(1, 3);
  progress.set_tasks(0);
  progress.set_sealed(true);
  EXPECT_EQ(Tell(progress), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}));
}

// R94
TEST_F(BatchLifeTest, ABatchWhoseHandlerNobodyOffersWaitsSaysSoAndBlocksNone) {
  Assemble(1);
  pb::BatchProgress exotic = Progress(1);
  exotic.set_handler("quantum");
  Tell(exotic);
  Tell(Progress(2));
  EXPECT_EQ(PhaseOf(1), "forming");
  EXPECT_EQ(PhaseOf(2), "running");
  const std::string waiting = Ask(pb::Command::STATUS, 1).batches(0).waiting();
  EXPECT_EQ(waiting, "waits for workers that offer 'quantum': 0 of 1 are ready");
}

TEST_F(BatchLifeTest, WhatTheVentilatorKnowsMoreIsToldToo) {  // R94
  Assemble(1);
  pb::BatchProgress progress = Progress(1);
  progress.set_hold(true);
  progress.set_waiting("its submitter waits: 9 KiB");
  Tell(progress);
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches(0).waiting(),
            "it is held: fanmill start 1 lets it begin; its submitter waits: 9 KiB");
}

TEST_F(BatchLifeTest, ASilentVentilatorOrSinkIsWhatItWaitsForFirstOfAll) {  // R16
  RunBatch(1);
  const std::string remedy =
      " again with the same --state, or end everything with fanmill shutdown --now";
  FallSilent({}, true);
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches(0).waiting(),
            "the sink has been silent for 6 s: start it" + remedy);
  FallSilent({}, true, true);
  EXPECT_EQ(
      Ask(pb::Command::STATUS, 1).batches(0).waiting(),
      "the ventilator has been silent for 6 s, the sink has been silent for 12 s: start them" +
          remedy);
  State();
  Give(2, Hello(pb::SINK, 1));
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(Ask(pb::Command::CANCEL, 1).batches(0).waiting().find("the ventilator has been silent"),
            0u);
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(Ask(pb::Command::CANCEL, 1).batches(0).waiting(),
            "the ventilator has been silent for 6 s: start it" + remedy)
      << "no sink can close what its ventilator does not end";
}

TEST_F(BatchLifeTest, ReadinessOfALostVentilatorCountsForNothing) {  // R23
  Assemble(1);
  Give(1, Hello(pb::VENTILATOR, 2));
  pb::Envelope beat = Beat(pb::VENTILATOR, 2);
  *beat.mutable_heartbeat()->add_batches() = Progress(1);
  EXPECT_EQ(Give(1, beat), (Lines{"1 HeartbeatReply"}));
  EXPECT_EQ(PhaseOf(1), "forming");
}

TEST_F(BatchLifeTest, BelievesAVentilatorThatWasToldToStartBefore) {  // R91
  Assemble(0);
  pb::BatchProgress progress = Progress(1, 9);
  progress.set_started(true);
  EXPECT_EQ(Tell(progress), (Lines{"row start", "1 HeartbeatReply", "signal b/1 START 0"}));
}

TEST_F(BatchLifeTest, TakesNoMoreLiveBatchesThanItsLimit) {
  options_.batches_max = 2;
  Boot();
  Assemble(0);
  for (uint32_t i = 1; i <= 3; ++i) Tell(Progress(i));
  EXPECT_EQ(State().batches_size(), 2);
  EXPECT_EQ(Counted("batches_full"), 1u);
}

TEST_F(BatchLifeTest, WildNumbersOfAPeerOverflowNothing) {
  Assemble(1);
  pb::BatchProgress wild = Progress(1, 5);
  wild.set_start_timeout_us(UINT64_MAX);
  wild.set_age_us(UINT64_MAX);
  wild.set_name(std::string(5000, '\n'));
  wild.set_handler(std::string(5000, 'h'));
  Tell(wild);
  pb::BatchProgress zero = Progress(0);
  Tell(zero);
  EXPECT_EQ(State().batches_size(), 1);
  EXPECT_LE(Ask(pb::Command::STATUS, 1).batches(0).name().size(), control::kTextBytesMax);
}

}  // namespace
}  // namespace fanmill
