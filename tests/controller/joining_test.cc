// Hello, Heartbeat, membership.
#include "lib/core/limits.h"
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

using JoiningTest = ControllerTest;

// R10
TEST_F(JoiningTest, WelcomesAWorkerWithAllItNeeds) {
  EXPECT_EQ(Give(5, WorkerHello(105)), (Lines{"row member", "5 Welcome"}));
  EXPECT_EQ(welcome_.cluster(), kCluster);
  EXPECT_EQ(welcome_.number(), 1u);
  EXPECT_EQ(welcome_.signal(), "tcp://127.0.0.1:21001");
  EXPECT_EQ(welcome_.heartbeat_us(), 500'000u);
  EXPECT_NE(welcome_.state().version(), 0u);
  // Said twice it is the same as once. R4
  EXPECT_EQ(Give(5, WorkerHello(105)), (Lines{"5 Welcome"}));
  EXPECT_EQ(welcome_.number(), 1u);
}

TEST_F(JoiningTest, WelcomesInAnyOrderAndTellsTheOthersOfVentilatorAndSink) {  // R10, R13
  Give(5, WorkerHello(105));
  EXPECT_EQ(Give(2, Hello(pb::SINK, 1)),
            (Lines{"row pin", "row member", "signal all ASK 0",
                   "connect facts tcp://127.0.0.1:21005", "2 Welcome"}));
  EXPECT_EQ(Give(1, Hello(pb::VENTILATOR, 3)),
            (Lines{"row pin", "row member", "signal all ASK 0", "1 Welcome"}));
  Give(5, Beat(pb::WORKER, 105));
  EXPECT_EQ(heard_.state().ventilator_epoch(), 3u);
  EXPECT_EQ(heard_.state().ventilator().lease(), "tcp://127.0.0.1:21004");
  EXPECT_EQ(heard_.state().sink().results(), "tcp://127.0.0.1:21002");
}

TEST_F(JoiningTest, ClientsAreWelcomedButAreNoMembers) {  // R10
  EXPECT_EQ(Give(9, Hello(pb::CLIENT, 0)), (Lines{"9 Welcome"}));
  EXPECT_EQ(Ask(pb::Command::STATUS).members_size(), 0);
}

TEST_F(JoiningTest, APinnedDirectoryIsDurableBeforeItsOwnerIsWelcomed) {  // R14
  slow_disk_ = true;
  EXPECT_EQ(Give(1, Hello(pb::VENTILATOR, 1)), (Lines{"row pin"}));
  EXPECT_EQ(Sync(), (Lines{"row member", "signal all ASK 0", "1 Welcome"}));
}

// R11
TEST_F(JoiningTest, AsksAnUnknownSenderToSayHello) {
  EXPECT_EQ(Give(5, Beat(pb::WORKER, 105)), (Lines{"5 HeartbeatReply"}));
  EXPECT_TRUE(heard_.unknown());
  EXPECT_FALSE(heard_.has_state());
}

TEST_F(JoiningTest, SendsASignalToWhoHasHeardNone) {  // R18
  Give(5, WorkerHello(105));
  pb::Envelope beat = Beat(pb::WORKER, 105);
  EXPECT_EQ(Give(5, beat), (Lines{"5 HeartbeatReply"}));
  beat.mutable_heartbeat()->set_unheard(true);
  EXPECT_EQ(Give(5, beat), (Lines{"signal w/1 ASK 0", "5 HeartbeatReply"}));
  EXPECT_EQ(Give(6, Beat(pb::WORKER, 106)), (Lines{"6 HeartbeatReply"})) << "of nobody";
}

// R12
TEST_F(JoiningTest, SendsTheStateWheneverTheVersionsDiffer) {
  Assemble(1);
  pb::Envelope beat = Beat(pb::WORKER, 101);
  Give(101, beat);
  const uint64_t version = heard_.state_version();
  ASSERT_TRUE(heard_.has_state());
  beat.mutable_heartbeat()->set_state_version(version);
  Give(101, beat);
  EXPECT_FALSE(heard_.has_state());
  for (const uint64_t other : {version - 1, version + 1}) {
    beat.mutable_heartbeat()->set_state_version(other);
    Give(101, beat);
    EXPECT_EQ(heard_.state().version(), version);
  }
}

// R2
TEST_F(JoiningTest, RefusesAnotherProtocolVersionNamingBoth) {
  EXPECT_EQ(Give(PeerId{Channel::kControl, 7}, BadFrame{"another version", 9}),
            (Lines{"7 Refused"}));
  EXPECT_NE(refused_.reason().find("protocol 1"), std::string::npos);
  EXPECT_NE(refused_.reason().find("speak 9"), std::string::npos);
  EXPECT_EQ(refused_.protocol(), kProtocolVersion);
  EXPECT_EQ(Counted("R2"), 1u);
}

// R1
TEST_F(JoiningTest, GarbageIsCountedAndNeverAnswered) {
  EXPECT_EQ(Give(PeerId{Channel::kControl, 7}, BadFrame{"garbage", 0}), Lines{});
  EXPECT_EQ(Give(PeerId{Channel::kFacts}, BadFrame{"another version", 9}), Lines{});
  EXPECT_EQ(Counted("R1"), 2u);
}

// R3
TEST_F(JoiningTest, DropsAnotherClustersWords) {
  pb::Envelope stray = WorkerHello(105);
  stray.set_cluster(kCluster + 1);
  EXPECT_EQ(Give(5, stray), Lines{});
  EXPECT_EQ(Counted("R3"), 1u);
  EXPECT_EQ(Ask(pb::Command::STATUS).members_size(), 0);
}

// R14
TEST_F(JoiningTest, RefusesAnotherStateDirectory) {
  Give(1, Hello(pb::VENTILATOR, 1));
  pb::Envelope other = Hello(pb::VENTILATOR, 2);
  other.mutable_hello()->set_directory(999);
  EXPECT_EQ(Give(6, other), (Lines{"6 Refused"}));
  EXPECT_NE(refused_.reason().find("--state"), std::string::npos);
  Boot();  // pinned for ever
  EXPECT_EQ(Give(6, other), (Lines{"6 Refused"}));
}

TEST_F(JoiningTest, AHigherEpochReplacesTheLowerWhichIsRefusedThen) {  // R14
  Assemble(0);
  EXPECT_EQ(Give(6, Hello(pb::VENTILATOR, 2)),
            (Lines{"row member", "signal all ASK 0", "6 Welcome"}));
  EXPECT_EQ(Give(1, Hello(pb::VENTILATOR, 1)), (Lines{"1 Refused"}));
  Give(1, Beat(pb::VENTILATOR, 1));
  EXPECT_TRUE(heard_.unknown());
  EXPECT_EQ(State().ventilator_epoch(), 2u);
}

TEST_F(JoiningTest, RefusesARoleThatNobodyCouldReach) {
  pb::Envelope mute = Hello(pb::SINK, 1);
  mute.mutable_hello()->mutable_endpoints()->clear_facts();
  EXPECT_EQ(Give(2, mute), (Lines{"2 Refused"}));
  pb::Envelope longwinded = Hello(pb::SINK, 1);
  longwinded.mutable_hello()->mutable_endpoints()->set_facts(std::string(257, 'x'));
  EXPECT_EQ(Give(2, longwinded), (Lines{"2 Refused"}));
}

// R15
TEST_F(JoiningTest, GivesAWorkerItsNumberBackUnlessALiveOneHasIt) {
  Give(5, WorkerHello(105, 7));
  EXPECT_EQ(welcome_.number(), 7u);
  Give(6, WorkerHello(106, 7));
  EXPECT_EQ(welcome_.number(), 8u);
  Wait(Seconds(6));  // both are gone
  Give(7, WorkerHello(107, 7));
  EXPECT_EQ(welcome_.number(), 7u);
  Give(5, WorkerHello(105, 7));  // back again, but its number has another owner now
  EXPECT_EQ(welcome_.number(), 9u);
}

TEST_F(JoiningTest, NumbersBeyondBeliefAreNotGiven) {  // R15
  Give(5, WorkerHello(105, 4'000'000'000u));
  EXPECT_EQ(welcome_.number(), 1u);
  Give(6, WorkerHello(106, control::kWorkerNumberMax));
  EXPECT_EQ(welcome_.number(), control::kWorkerNumberMax);
  Give(7, WorkerHello(107));
  EXPECT_EQ(welcome_.number(), 2u) << "it counts on from 1, past those in use";
}

// R16
TEST_F(JoiningTest, ASilentMemberIsGoneAfterALeaseAndBackWhenItSpeaks) {
  Give(5, WorkerHello(105));
  Wait(Seconds(5) - Micros(1));
  EXPECT_FALSE(Ask(pb::Command::STATUS).members(0).gone());
  Wait(Micros(1));
  const pb::CommandReply reply = Ask(pb::Command::STATUS);
  EXPECT_TRUE(reply.members(0).gone());
  EXPECT_EQ(reply.members(0).silent_us(), 5'000'000u);
  EXPECT_EQ(controller_->TakeNotices(),
            (Lines{"worker 1 (box:105) joined, slots: 4",
                   "worker 1 (box:105) has been silent for 5 s and is shown as gone"}));
  Give(5, Beat(pb::WORKER, 105));
  EXPECT_TRUE(heard_.unknown());
  Give(5, WorkerHello(105));
  EXPECT_EQ(welcome_.number(), 1u);
  EXPECT_FALSE(Ask(pb::Command::STATUS).members(0).gone());
}

TEST_F(JoiningTest, GoneMembersAreForgottenAfterAWhile) {
  Give(5, WorkerHello(105));
  Wait(Seconds(5));
  Wait(Seconds(600) - Micros(1));
  EXPECT_EQ(Ask(pb::Command::STATUS).members_size(), 1);
  EXPECT_EQ(Wait(Micros(1)), (Lines{"row left"}));
  EXPECT_EQ(Ask(pb::Command::STATUS).members_size(), 0);
}

TEST_F(JoiningTest, APauseOfTheControllerIsNobodysSilence) {  // R16
  Give(5, WorkerHello(105));
  now_ += Seconds(60);
  Outbox outbox;
  controller_->Tick(now_, outbox);
  EXPECT_FALSE(Ask(pb::Command::STATUS).members(0).gone());
  EXPECT_EQ(Counted("paused"), 1u);
  Wait(Seconds(6));  // it counts anew from there
  EXPECT_TRUE(Ask(pb::Command::STATUS).members(0).gone());
}

TEST_F(JoiningTest, RefusesWorkersAboveItsLimit) {
  options_.workers_max = 2;
  Boot();
  Give(5, WorkerHello(105));
  Give(6, WorkerHello(106));
  EXPECT_EQ(Give(7, WorkerHello(107)), (Lines{"7 Refused"}));
  EXPECT_NE(refused_.reason().find("2 workers"), std::string::npos);
  EXPECT_EQ(Give(6, WorkerHello(106)), (Lines{"6 Welcome"})) << "those inside stay";
  EXPECT_EQ(Give(5, Leaving(Beat(pb::WORKER, 105))), (Lines{"row left", "5 HeartbeatReply"}));
  EXPECT_EQ(Give(7, WorkerHello(107)), (Lines{"row member", "7 Welcome"}));
}

TEST_F(JoiningTest, KeepsNoMoreGoneMembersThanItsLimit) {
  options_.gone_max = 2;
  Boot();
  for (uint64_t i = 0; i < 4; ++i) {
    Give(i, WorkerHello(100 + i));
    now_ += Millis(10);
  }
  Wait(Seconds(6));
  const pb::CommandReply reply = Ask(pb::Command::STATUS);
  ASSERT_EQ(reply.members_size(), 2);
  EXPECT_EQ(reply.members(0).incarnation(), 102u) << "the oldest are forgotten first";
}

TEST_F(JoiningTest, TextsOfPeersAreCutAndMadePrintable) {
  pb::Envelope hello = WorkerHello(105);
  hello.mutable_hello()->set_name("\x1b[31mred" + std::string(1000, 'x'));
  Give(5, hello);
  const std::string name = Ask(pb::Command::STATUS).members(0).name();
  EXPECT_LE(name.size(), control::kTextBytesMax);
  EXPECT_EQ(name.find('\x1b'), std::string::npos);
}

TEST_F(JoiningTest, AWorkerThatLeftIsFinallyGoneWhateverComesLate) {
  Assemble(1);
  Give(101, Leaving(Receipt(101, 0, 0)));
  EXPECT_EQ(Give(101, WorkerHello(101)), (Lines{"101 Welcome"}));
  const pb::CommandReply reply = Ask(pb::Command::STATUS);
  EXPECT_TRUE(reply.members(2).gone());
  EXPECT_TRUE(reply.members(2).confirmed());
}

TEST_F(JoiningTest, ActsOnNothingBeforeItsBookIsRead) {
  controller_ = std::make_unique<Controller>(options_);
  Outbox outbox;
  controller_->Handle(now_, PeerId{Channel::kControl, 5},
                      Wire{std::make_shared<const pb::Envelope>(WorkerHello(105)), {}}, outbox);
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(Counted("before_recovery"), 1u);
}

TEST_F(JoiningTest, AnIdleHeartbeatIsAnsweredInAFewBytes) {
  Assemble(1);
  pb::Envelope beat = Beat(pb::WORKER, 101);
  Give(101, beat);
  beat.mutable_heartbeat()->set_state_version(heard_.state_version());
  EXPECT_EQ(Give(101, beat), (Lines{"101 HeartbeatReply"}));
  EXPECT_LE(heard_.ByteSizeLong(), 16u);
}

TEST_F(JoiningTest, AStalledDiskStopsTheIntakeAtTheLimit) {
  control::Book book;
  Outbox outbox;
  for (size_t i = 0; i < control::kRowsPendingMax; ++i) {
    EXPECT_FALSE(book.full());
    book.Write({}, 0, outbox);
  }
  EXPECT_TRUE(book.full());
  EXPECT_EQ(book.Durable(1).size(), 1u);
  EXPECT_FALSE(book.full());
  EXPECT_EQ(book.durable(), 1u);
}

}  // namespace
}  // namespace fanmill
