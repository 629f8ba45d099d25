// Silence, deaths, pauses.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

TEST(Leases, HandsTasksOutAgainWhenTheLeaseEnds) {  // R50
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Batch(2);
  const auto before = rig.Chunks();
  rig.Pass(Millis(4900));
  rig.Ready(2, 2);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(200));
  const auto again = rig.Chunks();
  EXPECT_EQ(Rig::Tasks(again), Rig::Tasks(before));
  EXPECT_EQ(rig.Counted("R50"), 1u);
  EXPECT_EQ(rig.Counted("redelivered"), 2u);
  EXPECT_EQ(rig.Heartbeat().ready_size(), 1);
  const auto notices = rig.dispatcher->TakeNotices();
  EXPECT_NE(notices.back().find("w1"), std::string::npos);
}

TEST(Leases, AreKeptByAnyWordOfTheWorker) {  // R50
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.worker_answers = true;
  rig.Pass(Seconds(30));
  EXPECT_EQ(rig.Counted("R50"), 0u);
}

TEST(Leases, HandOutWhatDoesNotRunAsSoonAsTheWorkerIsUnreachable) {  // R51
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Batch(2);
  const auto before = rig.Chunks();
  rig.Report(1, [&](pb::LeaseReport& report) {
    for (const pb::TaskChunk& chunk : before) report.add_held()->set_chunk(chunk.chunk());
    report.add_running()->set_chunk(before[0].chunk());
  });
  const Undeliverable gone{Rig::LeaseOf(1), true};
  rig.Handle(PeerId{Channel::kNet}, gone);
  rig.Pass(Millis(200));
  rig.Handle(PeerId{Channel::kNet}, gone);
  rig.Ready(2, 2);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(150));
  const auto again = rig.Chunks();
  EXPECT_EQ(Rig::Tasks(again), Rig::Tasks({before[1]}));
  EXPECT_EQ(rig.Counted("R51"), 1u);
  EXPECT_EQ(rig.Counted("R50"), 0u);  // the lane stays
}

TEST(Leases, TakeAWorkerForReachableAgainOnceItSpeaks) {  // R51
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  rig.Handle(PeerId{Channel::kNet}, Undeliverable{Rig::LeaseOf(1), true});
  rig.Batch(1);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Report(1, [](pb::LeaseReport&) {});
  EXPECT_EQ(rig.Chunks().size(), 1u);
  rig.Pass(Millis(400));
  EXPECT_EQ(rig.Counted("R51"), 0u);
}

TEST(Leases, AreOneLongerWhenManyVanishTogether) {  // R52
  Rig rig;
  rig.Tell();
  for (uint64_t worker = 1; worker <= 4; ++worker) rig.Ready(worker, 1);
  rig.Batch(4);
  rig.Pass(Millis(5500));
  EXPECT_EQ(rig.Counted("R52"), 1u);
  EXPECT_EQ(rig.Counted("R50"), 0u);
  rig.Pass(Millis(5000));
  EXPECT_EQ(rig.Counted("R50"), 4u);
}

TEST(Leases, EndInTimeWhenFewVanish) {  // R52
  Rig rig;
  rig.Tell();
  for (uint64_t worker = 1; worker <= 4; ++worker) rig.Ready(worker, 1);
  for (int i = 0; i < 56; ++i) {
    rig.Pass(Millis(100));
    for (uint64_t worker = 2; worker <= 4; ++worker) rig.Report(worker, [](pb::LeaseReport&) {});
  }
  EXPECT_EQ(rig.Counted("R52"), 0u);
  EXPECT_EQ(rig.Counted("R50"), 1u);
}

TEST(Leases, EndAtOnceWithADeathReportThatBlamesOnlyWhatItNames) {  // R53
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  rig.Batch(2);
  const auto before = rig.Chunks();
  rig.Say(PeerId{Channel::kLease, 77}, pb::GUARDIAN, 1, [&](pb::Envelope& e) {
    pb::StartedAttempt& started = *e.mutable_death_report()->add_started();
    started.set_batch(before[0].batch());
    started.set_task(before[0].tasks().first());
    started.set_chunk(before[0].chunk());
    started.set_attempt(1);
    e.mutable_death_report()->set_cause("signal 9");
  });
  EXPECT_EQ(rig.Counted("R53"), 1u);
  rig.Hello(1);  // a word of the dead one that was under way
  EXPECT_EQ(rig.Counted("bad_hello"), 1u);
  rig.Ready(2, 2);
  const auto again = rig.Chunks();
  EXPECT_EQ(Rig::Tasks(again), Rig::Tasks(before));
  for (const pb::TaskChunk& chunk : again) EXPECT_EQ(chunk.attempt(0), 2u);
  EXPECT_NE(rig.dispatcher->TakeNotices().back().find("signal 9"), std::string::npos);
}

TEST(Leases, CountNoPauseOfTheVentilatorItself) {  // R55
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  rig.Batch(1);
  rig.Chunks();
  rig.TickAt(rig.now + Seconds(60));
  EXPECT_EQ(rig.Counted("R55"), 1u);
  EXPECT_EQ(rig.Counted("R50"), 0u);
  rig.Report(1, [](pb::LeaseReport&) {});
  EXPECT_EQ(rig.Counted("redelivered"), 0u);
}

TEST(Leases, SurviveAPauseBeforeASinkIsKnown) {  // R55; what was never heard stays so (UBSan)
  Rig rig;
  rig.TickAt(rig.now + Seconds(60));
  EXPECT_EQ(rig.Counted("R55"), 1u);
}

TEST(Leases, CountNoPauseEvenWhenAMessageComesBeforeTheTick) {  // R55
  Rig rig;
  rig.Tell();
  rig.Ready(1, 1);
  rig.Ready(2, 1);
  rig.now += Seconds(60);
  rig.Report(2, [](pb::LeaseReport&) {});
  rig.Pass(Millis(4000));
  EXPECT_EQ(rig.Counted("R55"), 1u);
  EXPECT_EQ(rig.Counted("R50"), 0u);
}

}  // namespace
}  // namespace fanmill
