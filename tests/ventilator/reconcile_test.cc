// Each row of both tables of ventilator and worker.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

// One worker with `slots` chunks of one task each outstanding.
struct Outstanding : Rig {
  explicit Outstanding(uint32_t slots, uint64_t tasks = 100) {
    Tell();
    lane = Ready(1, slots);
    batch = Batch(tasks);
    chunks = Chunks();
    EXPECT_EQ(chunks.size(), slots);
    Facts({});
    sent.clear();
  }
  void Hold(pb::LeaseReport& report, size_t index, bool finished = false) const {
    pb::HeldChunk& held = *report.add_held();
    held.set_chunk(chunks[index].chunk());
    held.set_batch(batch);
    held.set_finished(finished);
    report.set_lane_through(chunks.back().chunk());
  }
  void ReportFinished() {
    Facts({});  // the sink lives
    Report(1, [&](pb::LeaseReport& report) { Hold(report, 0, true); });
  }
  pb::HeldChunk Held(size_t index, bool finished) const {
    pb::HeldChunk held;
    held.set_chunk(chunks[index].chunk());
    held.set_batch(batch);
    *held.mutable_tasks() = chunks[index].tasks();
    held.set_finished(finished);
    return held;
  }
  uint64_t lane;
  uint32_t batch;
  std::vector<pb::TaskChunk> chunks;
};

TEST(Report, KeepsAnUnfinishedChunkThatIsHeld) {  // R30
  Outstanding rig(2);
  rig.Report(1, [&](pb::LeaseReport& report) {
    rig.Hold(report, 0);
    rig.Hold(report, 1);
  });
  EXPECT_TRUE(rig.Sent(pb::Envelope::kLeaseReply).empty());
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_EQ(rig.Counted("R30"), 2u);
}

TEST(Report, AsksForTheResultsAgainThatAreNotDurableInTime) {  // R31
  Outstanding rig(1);
  rig.ReportFinished();
  rig.Pass(Millis(900));
  rig.ReportFinished();
  EXPECT_EQ(rig.Counted("R31"), 0u);
  rig.Pass(Millis(200));
  rig.sent.clear();
  rig.ReportFinished();
  const pb::LeaseReply reply = rig.Reply();
  ASSERT_EQ(reply.verdicts_size(), 1);
  EXPECT_EQ(reply.verdicts(0).kind(), pb::RESEND);
  EXPECT_EQ(reply.verdicts(0).chunk(), rig.chunks[0].chunk());
}

TEST(Report, MissesNoResultsWhileLargeOutputsAreOnTheirWay) {  // R30
  Outstanding rig(1);
  rig.ReportFinished();
  for (int i = 0; i < 80; ++i) {
    rig.Pass(Millis(100));
    rig.Facts({});  // the sink lives
    rig.Report(1, [&](pb::LeaseReport& report) {
      rig.Hold(report, 0);
      report.mutable_held(0)->mutable_unfinished();  // none is
    });
  }
  EXPECT_EQ(rig.Counted("R31") + rig.Counted("R32"), 0u);
  rig.ReportFinished();
  rig.Pass(Millis(1100));
  rig.ReportFinished();
  EXPECT_EQ(rig.Counted("R31"), 1u);
}

TEST(Hello, AChunkThatChangedItsBatchIsDropped) {
  Outstanding rig(1);
  const uint32_t other = rig.Batch(1, "other");
  pb::HeldChunk held = rig.Held(0, false);
  held.set_batch(other);
  const pb::LeaseGrant grant = rig.Hello(1, 1, {held});
  ASSERT_EQ(grant.verdicts_size(), 1);
  EXPECT_EQ(grant.verdicts(0).kind(), pb::DROP);
}

TEST(Report, AsksForNothingAgainWhileTheSinkItselfIsSilent) {  // R31
  Outstanding rig(1);
  rig.ReportFinished();
  for (int i = 0; i < 8; ++i) {
    rig.Pass(Millis(500));
    rig.Report(1, [&](pb::LeaseReport& report) { rig.Hold(report, 0, true); });
    if (i < 3) rig.sent.clear();
  }
  rig.Sent(pb::Envelope::kLeaseReply);
  rig.Pass(Millis(1500));
  rig.sent.clear();
  rig.Report(1, [&](pb::LeaseReport& report) { rig.Hold(report, 0, true); });
  EXPECT_EQ(rig.Reply().verdicts_size(), 0);
}

TEST(Report, GivesTheTasksToOthersWhenResultsStayUndurableForALease) {  // R32
  Outstanding rig(1, 1);
  rig.Ready(2, 1);
  for (int i = 0; i < 70 && rig.Counted("R32") == 0; ++i) {
    rig.Pass(Millis(100));
    rig.ReportFinished();
    rig.Report(2, [](pb::LeaseReport&) {});
  }
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].lane() == rig.lane, false);
  EXPECT_EQ(again[0].attempt(0), 2u);
  EXPECT_EQ(rig.Counted("redelivered"), 1u);
  rig.AckWhole({rig.chunks[0].chunk()});  // late, and it counts
  EXPECT_EQ(rig.Progress(rig.batch).ok(), 1u);
}

TEST(Report, HandsOutAgainWhatIsNotHeldThoughItArrived) {  // R33
  Outstanding rig(2);
  rig.Report(1, [&](pb::LeaseReport& report) { rig.Hold(report, 1); });
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(Rig::Tasks(again), Rig::Tasks({rig.chunks[0]}));
  EXPECT_EQ(again[0].attempt(0), 2u);
  EXPECT_EQ(rig.Counted("R33"), 1u);
  EXPECT_EQ(rig.Counted("redelivered"), 1u);
}

TEST(Report, HandsOutAgainALeaseLaterWhatNeverArrived) {  // R34
  Outstanding rig(2);
  const auto nothing = [](pb::LeaseReport&) {};
  rig.Pass(Seconds(3));
  rig.Report(1, nothing);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(2100));
  rig.Report(1, nothing);
  EXPECT_TRUE(rig.Chunks().empty());  // a lane that loses chunks is probed before it gets more
  rig.Echo(rig.lane);
  EXPECT_EQ(Rig::Tasks(rig.Chunks()), Rig::Tasks(rig.chunks));
  EXPECT_EQ(rig.Counted("R34"), 2u);
}

TEST(Report, HandsOutAgainSoonWhatTheNetMayNotHaveTaken) {  // R34
  Outstanding rig(1);
  rig.Handle(PeerId{Channel::kNet}, Undeliverable{PeerId{Channel::kLane, rig.lane}, false});
  rig.Pass(Millis(200));
  rig.Report(1, [](pb::LeaseReport&) {});
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(200));
  rig.Report(1, [](pb::LeaseReport&) {});
  EXPECT_EQ(rig.Counted("R34"), 1u);
  EXPECT_TRUE(rig.Chunks().empty());  // not before a probe came round again. R23
  rig.Pass(Millis(200));
  rig.Echo(rig.lane);
  EXPECT_EQ(Rig::Tasks(rig.Chunks()), Rig::Tasks(rig.chunks));
}

TEST(Report, HandsOutReturnedTasksAtOnceAndNotAsARedelivery) {  // R35, R43
  Outstanding rig(1);
  rig.Ready(2, 1);
  rig.Chunks();
  rig.Report(1, [&](pb::LeaseReport& report) {
    rig.Hold(report, 0);
    report.mutable_held(0)->mutable_returned()->add_step(0);
    report.mutable_held(0)->mutable_returned()->add_step(1);
    report.set_draining(true);
  });
  rig.Report(2, [](pb::LeaseReport&) {});
  EXPECT_EQ(rig.Reply().verdicts(0).kind(), pb::DROP);  // nothing of it is outstanding here
  EXPECT_EQ(rig.Counted("R35"), 1u);
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
  rig.Hello(3);
  rig.Ready(3, 1);
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(Rig::Tasks(again), Rig::Tasks({rig.chunks[0]}));
  EXPECT_EQ(again[0].attempt_size(), 0);  // never started: still the first attempt
}

void GiveBackFirst(pb::HeldChunk& held, bool stopped) {
  held.mutable_returned()->add_step(0);
  held.mutable_returned()->add_step(1);
  if (stopped) *held.mutable_stopped() = held.returned();
}

TEST(Report, GivesAnotherAttemptNumberToWhatWasStoppedWhileItRan) {  // R35
  Outstanding rig(1, 1);
  rig.Report(1, [&](pb::LeaseReport& report) {
    rig.Hold(report, 0);
    GiveBackFirst(*report.mutable_held(0), true);
    report.set_draining(true);
  });
  rig.Ready(2, 1);
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(Rig::Tasks(again), Rig::Tasks({rig.chunks[0]}));
  EXPECT_EQ(again[0].attempt(0), 2u);
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
  // It was no failure: without retries its end is still to come.
  EXPECT_TRUE(rig.FactsOf(rig.batch).finalise().empty());
  rig.AckWhole({again[0].chunk()});
  EXPECT_EQ(rig.Progress(rig.batch).ok(), 1u);
}

TEST(Report, BlamesNobodyForWhatWasStoppedHoweverOften) {  // R35, R54
  Outstanding rig(1, 1);
  pb::TaskChunk chunk = rig.chunks[0];
  for (uint64_t worker = 1; worker <= 5; ++worker) {
    rig.Report(worker, [&](pb::LeaseReport& report) {
      report.add_held()->set_chunk(chunk.chunk());
      GiveBackFirst(*report.mutable_held(0), true);
      report.set_draining(true);
    });
    rig.Ready(worker + 1, 1);
    const auto again = rig.Chunks();
    ASSERT_EQ(again.size(), 1u);
    chunk = again[0];
    EXPECT_EQ(chunk.attempt(0), worker + 1);
  }
  EXPECT_EQ(rig.Counted("R54"), 0u);
}

TEST(Report, SaysNothingOfChunksItHadNoRoomToName) {  // R33, R34
  Outstanding rig(3);
  const auto named_through_second = [&](pb::LeaseReport& report) {
    rig.Hold(report, 1);
    report.set_named_through(rig.chunks[1].chunk());
  };
  rig.Report(1, named_through_second);
  // The first is missing, the third was not told of.
  EXPECT_EQ(Rig::Tasks(rig.Chunks()), Rig::Tasks({rig.chunks[0]}));
  EXPECT_EQ(rig.Counted("R33"), 1u);
  for (int i = 0; i < 7; ++i) {
    rig.Pass(Seconds(1));
    rig.Report(1, [&](pb::LeaseReport& report) {
      named_through_second(report);
      report.set_lane_through(rig.chunks[1].chunk());
    });
  }
  EXPECT_EQ(rig.Counted("R34") + rig.Counted("redelivered"), 1u);
}

TEST(Report, DropsWhatIsNotOutstandingHere) {  // R36
  Outstanding rig(2);
  rig.AckWhole({rig.chunks[0].chunk()});
  rig.Chunks();
  rig.sent.clear();
  rig.Report(1, [&](pb::LeaseReport& report) {
    rig.Hold(report, 0, true);
    rig.Hold(report, 1);
  });
  const pb::LeaseReply reply = rig.Reply();
  ASSERT_EQ(reply.verdicts_size(), 1);
  EXPECT_EQ(reply.verdicts(0).chunk(), rig.chunks[0].chunk());
  EXPECT_EQ(reply.verdicts(0).kind(), pb::DROP);
}

TEST(Report, IsAnsweredAlwaysAfterAPauseOfTheWorker) {  // R55
  Outstanding rig(1);
  rig.Report(1, [&](pb::LeaseReport& report) {
    rig.Hold(report, 0);
    report.set_paused(true);
  });
  const auto replies = rig.Sent(pb::Envelope::kLeaseReply);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_FALSE(replies[0].lease_reply().ask());
}

TEST(Hello, DropsWhatIsDoneOrDead) {  // R37
  Outstanding rig(2);
  rig.AckWhole({rig.chunks[0].chunk()});
  pb::HeldChunk unknown = rig.Held(1, false);
  unknown.set_batch(77);
  const pb::LeaseGrant done = rig.Hello(1, 2, {rig.Held(0, true), unknown});
  ASSERT_EQ(done.verdicts_size(), 2);
  EXPECT_EQ(done.verdicts(0).kind(), pb::DROP);
  EXPECT_EQ(done.verdicts(1).kind(), pb::DROP);
  rig.CancelBatch(rig.batch);
  EXPECT_EQ(rig.Hello(2, 2, {rig.Held(1, false)}).verdicts(0).kind(), pb::DROP);
}

TEST(Hello, AsksForFinishedResultsAndCountsThemAsOutstanding) {  // R38
  Outstanding rig(1, 1);
  const pb::LeaseGrant grant = rig.Hello(1, 1, {rig.Held(0, true)});
  ASSERT_EQ(grant.verdicts_size(), 1);
  EXPECT_EQ(grant.verdicts(0).kind(), pb::RESEND);
  rig.Echo(grant.lane());
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
  rig.AckWhole({rig.chunks[0].chunk()});
  EXPECT_EQ(rig.Progress(rig.batch).ok(), 1u);
}

TEST(Hello, AdoptsWhatIsNotFinished) {  // R39
  Outstanding rig(1, 1);
  const pb::LeaseGrant grant = rig.Hello(1, 1, {rig.Held(0, false)});
  ASSERT_EQ(grant.verdicts_size(), 1);
  EXPECT_EQ(grant.verdicts(0).kind(), pb::ADOPT);
  rig.Echo(grant.lane());
  EXPECT_TRUE(rig.Chunks().empty());
  EXPECT_EQ(rig.Progress(rig.batch).outstanding(), 1u);
}

TEST(Hello, GivesAnotherAttemptNumberToWhatWasStoppedWhileItRan) {  // R35
  Outstanding rig(1, 1);
  pb::HeldChunk held = rig.Held(0, true);
  GiveBackFirst(held, true);
  rig.Echo(rig.Hello(1, 1, {held}).lane());
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].attempt(0), 2u);
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
}

TEST(Hello, AdoptsFromAWorkerBelievedDeadAndItsTasksWaitNoMore) {  // R39
  Outstanding rig(1, 1);
  rig.Pass(Seconds(6));  // its lease ends; nobody else is there
  EXPECT_EQ(rig.Counted("R50"), 1u);
  EXPECT_EQ(rig.Progress(rig.batch).outstanding(), 0u);
  const pb::LeaseGrant grant = rig.Hello(1, 1, {rig.Held(0, false)});
  EXPECT_EQ(grant.verdicts(0).kind(), pb::ADOPT);
  rig.Echo(grant.lane());
  EXPECT_TRUE(rig.Chunks().empty());
}

TEST(Hello, LateResultsCountThoughOthersDoTheTasksByNow) {  // R39, R61
  Outstanding rig(1, 1);
  rig.Pass(Seconds(6));
  rig.Ready(2, 1);
  const auto again = rig.Chunks();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(rig.Hello(1, 1, {rig.Held(0, true)}).verdicts(0).kind(), pb::RESEND);
  rig.AckWhole({rig.chunks[0].chunk()});
  EXPECT_EQ(rig.Progress(rig.batch).ok(), 1u);
  rig.AckWhole({again[0].chunk()});  // late: counted once
  EXPECT_EQ(rig.Progress(rig.batch).ok(), 1u);
}

TEST(Hello, TakesNoChunkThatNamesTasksNeverHandedOut) {
  Outstanding rig(1, 10);
  pb::HeldChunk held = rig.Held(0, false);
  held.set_chunk(ChunkId(kEpoch, 900));
  *held.mutable_tasks() = PackRange(5, 1000);
  rig.Hello(2, 1, {held});
  EXPECT_EQ(rig.Progress(rig.batch).outstanding(), 1u);
}

}  // namespace
}  // namespace fanmill
