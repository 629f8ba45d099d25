// Joining: the controller, the ventilator's lane, the probe, the specs.
#include "tests/worker/stage.h"

namespace fanmill {
namespace {

TEST(SessionJoining, SaysHelloUntilWelcomedThenFindsVentilatorAndSink) {  // R10 R20
  Stage stage;
  EXPECT_EQ(stage.Begin(), (Lines{"Connect channel=control to=\"tcp://127.0.0.1:21000\"",
                                  "Hello name=\"host:1\" slots=2"}));
  EXPECT_EQ(stage.Wait(Millis(500)), (Lines{"Hello name=\"host:1\" slots=2"}));
  pb::Envelope envelope = stage.From(pb::CONTROLLER, 1);
  envelope.mutable_welcome()->set_cluster(kCluster);
  envelope.mutable_welcome()->set_number(4);
  envelope.mutable_welcome()->set_signal("tcp://c:21001");
  *envelope.mutable_welcome()->mutable_state() = stage.state();
  EXPECT_EQ(stage.Hear(Channel::kControl, std::move(envelope)),
            (Lines{"Connect channel=signal to=\"tcp://c:21001\"",
                   "Connect channel=results to=\"tcp://s:21002\"",
                   "Connect channel=lease to=\"tcp://v:21004\""}));
  EXPECT_EQ(stage.SaidLocal<Connect>()[0].prefixes, (Lines{"all ", "b/", "w/4 "}));
  EXPECT_EQ(stage.Tick(), (Lines{"LeaseHello number=4 slots=2 held=0",
                                 "Heartbeat state=1 running=0 receipts=0 unheard"}));
  EXPECT_EQ(stage.Said(pb::Envelope::kLeaseHello).lease_hello().spool_bytes(),
            StageOptions().spool_bytes);
  stage.Hear(Channel::kSignal, Signal{Signal::Topic::kWorker, 4, Signal::Verb::kAsk, 0});
  EXPECT_EQ(stage.Tick(), Lines{"Heartbeat state=1 running=0 receipts=0"});
  EXPECT_EQ(stage.Wait(Millis(500)), (Lines{"LeaseHello number=4 slots=2 held=0"}));
  EXPECT_EQ(stage.HearGrant(), (Lines{"Connect channel=lane to=\"tcp://v:21150\""}));
  EXPECT_EQ(stage.SaidLocal<Connect>()[0].lane, kLaneToken) << "nobody comes in without";
  EXPECT_EQ(stage.HearGrant(), Lines{}) << "the same lane again changes nothing";
}

TEST(SessionJoining, LeavesWithTheReasonWhenRefused) {  // R14
  Stage stage;
  stage.Begin();
  pb::Envelope envelope = stage.From(pb::CONTROLLER, 1);
  envelope.mutable_refused()->set_reason("Version 9 is not version 1.");
  stage.Hear(Channel::kControl, envelope);
  stage.Hear(Channel::kControl, envelope);
  EXPECT_TRUE(stage.session.Done());
  EXPECT_EQ(stage.session.ExitCode(), 5);
  EXPECT_EQ(stage.session.TakeNotices(),
            (Lines{"The controller at tcp://127.0.0.1:21000 refuses this worker: "
                   "Version 9 is not version 1."}));
}

// The controller answers the newest heartbeat.
void AnswerHeartbeat(Stage& stage) {
  const uint64_t sequence = stage.Said(pb::Envelope::kHeartbeat).heartbeat().sequence();
  ASSERT_NE(sequence, 0u) << "there was none";
  pb::Envelope envelope = stage.From(pb::CONTROLLER, 1);
  envelope.mutable_heartbeat_reply()->set_state_version(stage.state().version());
  envelope.mutable_heartbeat_reply()->set_sequence(sequence);
  stage.Hear(Channel::kControl, std::move(envelope));
}

// So long, with every heartbeat answered: how many of them asked for a signal.
int AsksWithin(Stage& stage, Duration span) {
  int asks = 0;
  for (const Instant end = stage.now + span; stage.now < end;) {
    stage.Wait(std::min(Millis(100), end - stage.now));
    const pb::Heartbeat heartbeat = stage.Said(pb::Envelope::kHeartbeat).heartbeat();
    if (heartbeat.sequence() == 0) continue;
    asks += heartbeat.unheard();
    AnswerHeartbeat(stage);
  }
  return asks;
}

TEST(SessionJoining, WarnsOnceOfASilentSignalChannelAndWorksAllTheSame) {  // R18
  Stage stage;
  stage.BeWelcomed();
  AnswerHeartbeat(stage);
  EXPECT_EQ(AsksWithin(stage, Millis(499)), 4);
  EXPECT_EQ(stage.session.TakeNotices(), Lines{});
  EXPECT_EQ(AsksWithin(stage, Millis(1)), 0) << "it has given up";
  const Lines notices = stage.session.TakeNotices();
  ASSERT_EQ(notices.size(), 1u);
  for (const char* part : {"tcp://c:21001", "500ms", "tcp://127.0.0.1:21000", "This worker works",
                           "up to 1s later", "--advertise"}) {
    EXPECT_NE(notices[0].find(part), std::string::npos) << part << " in " << notices[0];
  }
  EXPECT_EQ(AsksWithin(stage, Seconds(10)), 0);
  EXPECT_EQ(stage.session.TakeNotices(), Lines{}) << "once";
  stage.HearGrant();
  EXPECT_EQ(stage.HearChunk(1, 0, 1), Lines{"SpecRequest batch=1"});
  EXPECT_EQ(stage.HearSpec(1), Lines{"RunTasks slot=0 tasks=1"});
}

TEST(SessionJoining, WarnsOfNothingOnceAnySignalWasHeard) {  // R18
  Stage stage;
  stage.BeWelcomed();
  AnswerHeartbeat(stage);
  EXPECT_EQ(AsksWithin(stage, Millis(300)), 3);
  stage.Hear(Channel::kSignal, Signal{Signal::Topic::kBatch, 8, Signal::Verb::kStart, 0});
  EXPECT_EQ(AsksWithin(stage, Seconds(2)), 0);
  EXPECT_EQ(stage.session.TakeNotices(), Lines{});
}

TEST(SessionJoining, BlamesTheSignalChannelOnlyWhenTheControllerAnswers) {  // R18
  Stage stage;
  stage.BeWelcomed();
  stage.Wait(Seconds(3));
  EXPECT_EQ(stage.session.TakeNotices(), Lines{}) << "nobody sent a signal";
  AnswerHeartbeat(stage);
  EXPECT_EQ(stage.session.TakeNotices(), Lines{}) << "a signal may still be on its way";
  stage.Wait(Seconds(1));
  EXPECT_EQ(stage.session.TakeNotices().size(), 1u);
}

TEST(SessionJoining, HeardNothingOnlyBecauseItWasStopped) {  // R18 R55
  Stage stage;
  stage.BeWelcomed();
  AnswerHeartbeat(stage);
  stage.now += Seconds(30);
  stage.Tick();
  AnswerHeartbeat(stage);
  EXPECT_EQ(AsksWithin(stage, Millis(200)), 2);
  EXPECT_EQ(stage.session.TakeNotices(), Lines{});
}

TEST(SessionJoining, DropsWhatIsOfAnotherCluster) {  // R3
  Stage stage;
  stage.Join();
  pb::Envelope envelope = stage.From(pb::VENTILATOR, kEpoch);
  envelope.set_cluster(kCluster + 1);
  envelope.mutable_lease_reply()->set_ask(true);
  EXPECT_EQ(stage.Hear(Channel::kLease, std::move(envelope)), Lines{});
  EXPECT_EQ(stage.Counted("R3"), 1u);
}

TEST(SessionJoining, CountsBadFramesAndGoesOn) {  // R1
  Stage stage;
  stage.Join();
  EXPECT_EQ(stage.Hear(Channel::kLane, BadFrame{"garbage", 0}), Lines{});
  EXPECT_EQ(stage.Counted("bad_frame"), 1u);
}

TEST(SessionJoining, EchoesTheProbeOfItsOwnLaneAlone) {  // R22 R23
  Stage stage;
  stage.Join();
  pb::Envelope envelope = stage.From(pb::VENTILATOR, kEpoch);
  envelope.mutable_probe()->set_lane(kLaneToken);
  envelope.mutable_probe()->set_nonce(5);
  EXPECT_EQ(stage.Hear(Channel::kLane, envelope), Lines{"ProbeEcho nonce=5"});
  EXPECT_EQ(stage.Said(pb::Envelope::kProbeEcho).probe_echo().lane(), kLaneToken);
  envelope.mutable_probe()->set_lane(kLaneToken + 1);
  EXPECT_EQ(stage.Hear(Channel::kLane, envelope), Lines{});
  EXPECT_EQ(stage.Counted("R22"), 1u);
}

TEST(SessionJoining, DropsChunksOfAnotherLaneAndOfAnotherEpoch) {  // R22
  Stage stage;
  stage.Join();
  EXPECT_EQ(stage.HearChunk(1, 0, 1, [](pb::TaskChunk& c) { c.set_lane(8); }), Lines{});
  pb::Envelope envelope = stage.From(pb::VENTILATOR, kEpoch - 1);
  *envelope.mutable_tasks()->mutable_tasks() = PackRange(0, 1);
  envelope.mutable_tasks()->set_lane(kLaneToken);
  EXPECT_EQ(stage.Hear(Channel::kLane, std::move(envelope)), Lines{});
  EXPECT_EQ(stage.Counted("R22"), 2u);
  EXPECT_EQ(stage.AskReport(), "");
}

TEST(SessionJoining, DropsChunksThatAreDurableAlready) {  // R22
  Stage stage;
  stage.Join();
  stage.HearReply([](pb::LeaseReply& reply) { reply.set_durable_through(Chunk(5)); });
  EXPECT_EQ(stage.HearChunk(5, 0, 1), Lines{});
  EXPECT_EQ(stage.Counted("R22"), 1u);
  EXPECT_EQ(stage.HearChunk(6, 0, 1), Lines{"SpecRequest batch=1"});
}

TEST(SessionJoining, AsksForANewLaneWhenToldThatItHasNone) {  // R20
  Stage stage;
  stage.Join();
  EXPECT_EQ(stage.HearReply([](pb::LeaseReply& reply) { reply.set_unknown(true); }), Lines{});
  EXPECT_EQ(stage.Tick(), Lines{"LeaseHello number=4 slots=2 held=0"});
  EXPECT_EQ(stage.HearGrant(51), Lines{"Connect channel=lane to=\"tcp://v:21151\""});
}

TEST(SessionJoining, AsksForANewLaneOfANewVentilator) {  // R20
  Stage stage;
  stage.Join();
  stage.state().set_ventilator_epoch(kEpoch + 1);
  EXPECT_EQ(stage.HearState(), Lines{});
  EXPECT_EQ(stage.Tick(), Lines{"LeaseHello number=4 slots=2 held=0"});
  stage.HearReply([](pb::LeaseReply& reply) { reply.set_ask(true); });
  EXPECT_EQ(stage.Counted("stale_epoch"), 1u) << "the old one has no say any more";
}

// R23: the ventilator speaks on the lease, but nothing comes over a lane that is not ready.
TEST(SessionJoining, MakesTheLanesSocketAnewWhenItCarriesNothingForALease) {
  Stage stage;
  stage.Join();
  for (int second = 0; second < 5; ++second) {
    stage.HearReply([](pb::LeaseReply& reply) { reply.set_ready(false); });
    stage.Wait(Seconds(1));
  }
  EXPECT_EQ(stage.HearGrant(), Lines{"Connect channel=lane to=\"tcp://v:21150\""})
      << "the same lane, on a new socket";
}

// R23: probes come, but no echo of them gets to the sink.
TEST(SessionJoining, MakesTheResultsSocketAnewWhenItIsStillProbedAfterALease) {
  Stage stage;
  stage.Join();
  pb::Envelope probe = stage.From(pb::VENTILATOR, kEpoch);
  probe.mutable_probe()->set_lane(kLaneToken);
  probe.mutable_probe()->set_nonce(5);
  const auto probed_for = [&](int seconds) {
    for (int second = 0; second < seconds; ++second) {
      stage.HearReply([](pb::LeaseReply& reply) { reply.set_ready(false); });
      EXPECT_EQ(stage.Hear(Channel::kLane, probe), Lines{"ProbeEcho nonce=5"});
      stage.Wait(Seconds(1));
    }
    return stage.Hear(Channel::kLane, probe);
  };
  const Lines anew = {"Connect channel=results to=\"tcp://s:21002\"", "ProbeEcho nonce=5"};
  EXPECT_EQ(probed_for(5), anew);
  EXPECT_EQ(probed_for(5), anew);
  stage.HearReply([](pb::LeaseReply& reply) { reply.set_ready(true); });
  EXPECT_EQ(probed_for(4), Lines{"ProbeEcho nonce=5"}) << "an echo got through meanwhile";
}

TEST(SessionJoining, MakesTheLeaseSocketAnewAfterALeaseOfSilence) {  // R20
  Stage stage;
  stage.Join();
  const Lines lines = stage.Wait(Seconds(5));
  Lines lease;
  for (const std::string& line : lines) {
    if (line.find("lease") != line.npos || line.find("Lease") != line.npos) lease.push_back(line);
  }
  EXPECT_EQ(lease, (Lines{"Connect channel=lease to=\"tcp://v:21004\"",
                          "LeaseHello number=4 slots=2 held=0"}));
}

TEST(SessionJoining, SaysHelloAnewToAControllerThatForgotIt) {  // R11
  Stage stage;
  stage.Join();
  pb::Envelope envelope = stage.From(pb::CONTROLLER, 2);
  envelope.mutable_heartbeat_reply()->set_unknown(true);
  EXPECT_EQ(stage.Hear(Channel::kControl, std::move(envelope)),
            Lines{"Hello name=\"host:1\" slots=2"});
  EXPECT_EQ(stage.Said(pb::Envelope::kHello).hello().number(), 4u) << "R15";
  EXPECT_EQ(stage.HearChunk(1, 0, 1), Lines{"SpecRequest batch=1"}) << "its work goes on";
}

TEST(SessionJoining, HeartbeatsAtOnceWhenAChunkNamesAnotherState) {  // R12 R13
  Stage stage;
  stage.Join();
  stage.HearChunk(1, 0, 1, [](pb::TaskChunk& chunk) { chunk.set_state_version(9); });
  EXPECT_EQ(stage.Tick(), Lines{"Heartbeat state=1 running=0 receipts=0"});
  stage.HearChunk(2, 1, 1, [](pb::TaskChunk& chunk) { chunk.set_state_version(9); });
  EXPECT_EQ(stage.Tick(), Lines{}) << "once for each version";
}

TEST(SessionJoining, HoldsAChunkWithoutItsSpecAndAsksUntilAnswered) {  // R25
  Stage stage;
  stage.Join();
  EXPECT_EQ(stage.HearChunk(1, 0, 3), Lines{"SpecRequest batch=1"});
  EXPECT_EQ(stage.HearChunk(2, 3, 1), Lines{});
  EXPECT_EQ(stage.Wait(Millis(500)), Lines{"SpecRequest batch=1"});
  EXPECT_EQ(stage.HearSpec(1), (Lines{"RunTasks slot=0 tasks=1", "RunTasks slot=1 tasks=1"}));
  EXPECT_EQ(stage.HearSpec(1), Lines{});
  EXPECT_EQ(stage.Counted("spec_again"), 1u);
}

TEST(SessionJoining, DropsTheChunksOfABatchThatNobodyKnows) {  // R25
  Stage stage;
  stage.Join();
  stage.HearChunk(1, 0, 3);
  pb::Envelope envelope = stage.From(pb::VENTILATOR, kEpoch);
  envelope.mutable_spec_reply()->set_batch(1);
  envelope.mutable_spec_reply()->set_unknown(true);
  EXPECT_EQ(stage.Hear(Channel::kLease, std::move(envelope)), Lines{});
  EXPECT_EQ(stage.AskReport(), "through 1");
}

}  // namespace
}  // namespace fanmill
