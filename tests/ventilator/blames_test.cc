// Tasks whose workers died or fell silent while they ran.
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

void DieWith(Rig& rig, uint64_t worker, const std::vector<pb::TaskChunk>& chunks,
             const std::string& cause = "signal 9") {
  rig.Say(PeerId{Channel::kLease, 77}, pb::GUARDIAN, worker, [&](pb::Envelope& e) {
    e.mutable_death_report()->set_cause(cause);
    for (const pb::TaskChunk& chunk : chunks) {
      pb::StartedAttempt& started = *e.mutable_death_report()->add_started();
      started.set_batch(chunk.batch());
      started.set_task(chunk.tasks().first());
      started.set_chunk(chunk.chunk());
    }
  });
}

TEST(Blames, QuarantineATaskThatWasBlamedThrice) {  // R54
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(1, "exec", 10);
  for (uint64_t worker = 1; worker <= 3; ++worker) {
    rig.Ready(worker, 1);
    const auto chunks = rig.Chunks();
    ASSERT_EQ(chunks.size(), 1u);
    DieWith(rig, worker, chunks, worker < 3 ? "signal 9" : "exit 1");
    DieWith(rig, worker, chunks);  // said twice, blamed once
  }
  rig.Ready(4, 1);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.Pass(Millis(20));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  ASSERT_EQ(facts.finalise_size(), 1);
  EXPECT_EQ(facts.finalise(0).status(), pb::LOST);
  EXPECT_EQ(facts.finalise(0).cause(),
            "its worker died 3 times while it ran: signal 9, then exit 1");
  EXPECT_EQ(rig.Counted("R54"), 2u);
  EXPECT_EQ(rig.Progress(batch).lost(), 0u);  // not before it is durable
  pb::KnownFacts known;
  known.set_batch(batch);
  known.mutable_failed()->add_step(0);
  known.mutable_failed()->add_step(1);
  rig.Facts(known);
  EXPECT_EQ(rig.Progress(batch).failed(), 1u);
  EXPECT_EQ(rig.Progress(batch).lost(), 1u);
}

TEST(Blames, CountTheLostOfABatchThatClosedBeforeItsFactsCame) {  // R54, R73
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(1, "exec");
  for (uint64_t worker = 1; worker <= 3; ++worker) {
    rig.Ready(worker, 1);
    DieWith(rig, worker, rig.Chunks());
  }
  rig.Close(batch, false, 0, 1);
  EXPECT_EQ(rig.Progress(batch).failed(), 1u);
  EXPECT_EQ(rig.Progress(batch).lost(), 1u);
}

TEST(Blames, QuarantineNobodyForWhatRanBesideIt) {  // R54
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(2, "exec");
  for (uint64_t worker = 1; worker <= 2; ++worker) {
    rig.Ready(worker, 2);
    const auto both = rig.Chunks();
    ASSERT_EQ(Rig::Tasks(both), (std::vector<uint64_t>{0, 1}));
    DieWith(rig, worker, both);
  }
  rig.Ready(3, 2);
  const auto alone = rig.Chunks();
  ASSERT_EQ(Rig::Tasks(alone), (std::vector<uint64_t>{0})) << "with nothing beside it";
  DieWith(rig, 3, alone);
  rig.Ready(4, 2);
  const auto neighbour = rig.Chunks();
  ASSERT_EQ(Rig::Tasks(neighbour), (std::vector<uint64_t>{1}));
  rig.AckWhole({neighbour.at(0).chunk()});
  rig.Pass(Millis(20));
  EXPECT_EQ(rig.Progress(batch).ok(), 1u);
  const pb::BatchFacts facts = rig.FactsOf(batch);
  ASSERT_EQ(facts.finalise_size(), 1);
  EXPECT_EQ(facts.finalise(0).task(), 0u);
}

TEST(Blames, UseUpNoRetries) {  // R53, R62
  Rig rig;
  rig.Tell();
  rig.Batch(1, "exec", 1);
  for (uint64_t worker = 1; worker <= 2; ++worker) {
    rig.Ready(worker, 1);
    DieWith(rig, worker, rig.Chunks());
  }
  rig.Ready(3, 1);
  rig.FailWhole(rig.Chunks().at(0));
  EXPECT_EQ(rig.Chunks().size(), 1u);
}

// The worker says what runs, then falls silent for a lease.
void FallSilent(Rig& rig, uint64_t worker, const std::vector<pb::TaskChunk>& chunks) {
  rig.Report(worker, [&](pb::LeaseReport& report) {
    for (const pb::TaskChunk& chunk : chunks) {
      report.add_held()->set_chunk(chunk.chunk());
      report.add_running()->set_chunk(chunk.chunk());
    }
  });
  rig.Pass(Seconds(6));
}

TEST(Blames, AreNotForSilenceButThreeSilentLossesRunAlone) {  // R54
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Batch(2, "exec");
  for (uint64_t worker = 1; worker <= 3; ++worker) {
    rig.Ready(worker, 2);
    const auto chunks = rig.Chunks();
    ASSERT_EQ(Rig::Tasks(chunks), (std::vector<uint64_t>{0, 1}));
    FallSilent(rig, worker, chunks);
  }
  for (uint64_t worker = 4; worker <= 6; ++worker) {
    rig.Ready(worker, 2);
    const auto alone = rig.Chunks();
    ASSERT_EQ(alone.size(), 1u) << "one of them, with nothing beside it";
    EXPECT_EQ(alone[0].tasks().first(), 0u);
    FallSilent(rig, worker, alone);  // alone: a loss is a blame
  }
  rig.Pass(Millis(500));
  const pb::BatchFacts facts = rig.FactsOf(batch);
  ASSERT_EQ(facts.finalise_size(), 1);
  EXPECT_EQ(facts.finalise(0).task(), 0u);
  EXPECT_EQ(facts.finalise(0).status(), pb::LOST);
  EXPECT_EQ(facts.finalise(0).cause(), "its worker fell silent 6 times while it ran");
  rig.Ready(7, 2);
  EXPECT_EQ(Rig::Tasks(rig.Chunks()), (std::vector<uint64_t>{1}));
}

// A task that must run alone, while another batch fills the only lane there is.
struct Crowded : Rig {
  explicit Crowded(uint32_t slots) {
    Tell();
    lonely = Batch(1, "exec");
    for (uint64_t worker = 1; worker <= 2; ++worker) {
      Ready(worker, 1, {"exec"});
      FallSilent(*this, worker, Chunks());
    }
    Ready(3, 1, {"exec"});
    const auto third = Chunks();
    Ready(4, slots);
    other = Batch(1000);
    held = Chunks();
    EXPECT_EQ(held.size(), slots);
    Report(3, [&](pb::LeaseReport& report) {
      report.add_held()->set_chunk(third.at(0).chunk());
      report.add_running()->set_chunk(third.at(0).chunk());
    });
    for (int i = 0; i < 6; ++i) {
      Pass(Seconds(1));
      Report(4, [&](pb::LeaseReport& report) {
        for (const pb::TaskChunk& chunk : held) report.add_held()->set_chunk(chunk.chunk());
      });
    }
    EXPECT_EQ(Counted("R54"), 1u);
  }
  uint32_t lonely;
  uint32_t other;
  std::vector<pb::TaskChunk> held;
};

TEST(Blames, WhatRunsAloneGetsALaneThoughNoneIsEverEmpty) {  // R54
  Crowded rig(2);
  rig.AckWhole({rig.held[0].chunk()});
  EXPECT_TRUE(rig.Chunks().empty());  // nothing more before it is empty
  rig.AckWhole({rig.held[1].chunk()});
  const auto alone = rig.Chunks();
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].batch(), rig.lonely);
  rig.AckWhole({alone[0].chunk()});
  const auto on = rig.Chunks();
  ASSERT_EQ(on.size(), 2u);
  EXPECT_EQ(on[0].batch(), rig.other);
}

TEST(Blames, AReservedLaneIsFedAgainWhenItsTaskIsWantedNoMore) {  // R54
  Crowded rig(1);
  rig.Finish(4, rig.held[0], 5);
  EXPECT_TRUE(rig.Chunks().empty());
  rig.CancelBatch(rig.lonely);
  EXPECT_FALSE(rig.Chunks().empty());
}

TEST(Blames, ALossOfWhatDidNotRunCountsForNothing) {  // R50
  Rig rig;
  rig.Tell();
  rig.Batch(2, "exec");
  for (uint64_t worker = 1; worker <= 5; ++worker) {
    rig.Ready(worker, 2);
    EXPECT_EQ(Rig::Tasks(rig.Chunks()), (std::vector<uint64_t>{0, 1}));
    rig.Pass(Seconds(6));
  }
}

}  // namespace
}  // namespace fanmill
