// Who has confirmed a kill, who is named because it did not, and until when.
#include "tests/controller/fixture.h"

namespace fanmill {
namespace {

class ConfirmationTest : public ControllerTest {
 protected:
  // Cancels batch 1, which the sink then closes; worker 101 confirms and gives its account.
  void CancelIt() {
    Ask(pb::Command::CANCEL, 1);
    Give(101, Receipt(101, 1, 1));
    pb::BatchSummary summary = Closed(1, 4);
    summary.set_cancelled(true);
    Summary(summary);
    Give(101, Account(101, 1));
  }
  // Whom a person is told of who asks again after the end.
  std::vector<uint64_t> Named() {
    const pb::CommandReply reply = Ask(pb::Command::CANCEL, 1);
    EXPECT_TRUE(reply.done());
    std::vector<uint64_t> named;
    for (const pb::Member& member : reply.members()) {
      EXPECT_FALSE(member.confirmed());
      named.push_back(member.incarnation());
    }
    return named;
  }
};

TEST_F(ConfirmationTest, SilenceEndsTheWaitingAndConfirmsNothing) {  // R92
  RunBatch(2);
  CancelIt();
  EXPECT_EQ(PhaseOf(1), "draining");
  FallSilent({102});
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102}));
  EXPECT_GE(Answer().members(0).silent_us(), 5'000'000u);
  const std::string lacks = "worker 2 (box:102) did not confirm that nothing of it runs any more";
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches(0).waiting(), lacks);
  Boot();
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102})) << "it stands in the book";
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches(0).waiting(), lacks);
  Give(102, Leaving(Receipt(102, 0, 0)));
  EXPECT_EQ(Named(), std::vector<uint64_t>{}) << "it was there after all, and has ended everything";
}

TEST_F(ConfirmationTest, OneThatWasSilentBeforeTheCancelIsNamedAtOnce) {  // R92
  RunBatch(2);
  FallSilent({102});
  const pb::CommandReply reply = Ask(pb::Command::CANCEL, 1);
  EXPECT_FALSE(reply.done());
  ASSERT_EQ(reply.members_size(), 2);
  EXPECT_EQ(reply.members(1).incarnation(), 102u);
  CancelIt();
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102}));
}

TEST_F(ConfirmationTest, OneThatIsForgottenMeanwhileIsNamedAllTheSame) {  // R92
  options_.gone_shown = Seconds(1);
  Boot();
  RunBatch(2);
  FallSilent({102});
  FallSilent({102});
  EXPECT_EQ(Ask(pb::Command::STATUS).members_size(), 3) << "forgotten";
  CancelIt();
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102}));
  EXPECT_EQ(Answer().members(0).number(), 2u);
  EXPECT_EQ(Answer().members(0).name(), "box:102");
}

TEST_F(ConfirmationTest, AGuardiansReceiptIsTheWorkersForEverything) {  // R104
  options_.gone_shown = Seconds(1);
  Boot();
  RunBatch(3);
  Give(500, Death(103, true));  // and is forgotten by the time of the cancel
  ready_ = {101, 102};
  FallSilent({});
  Give(500, Death(102, true));
  CancelIt();
  EXPECT_EQ(Named(), std::vector<uint64_t>{});
  Boot();
  EXPECT_EQ(Named(), std::vector<uint64_t>{});
}

TEST_F(ConfirmationTest, AGuardianThatLeftSomethingBehindConfirmsNothing) {  // R104
  RunBatch(2);
  CancelIt();
  Give(500, Death(102, false));
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102})) << "nobody waits, but it is named";
}

TEST_F(ConfirmationTest, OneThatNeverServedTheBatchIsNotNamed) {  // R92
  Assemble(2);
  FallSilent({102});
  ready_ = {101};
  Tell(Progress(1));
  ASSERT_EQ(PhaseOf(1), "running");
  CancelIt();
  EXPECT_EQ(Named(), std::vector<uint64_t>{});
}

TEST_F(ConfirmationTest, OneThatIsBackIsToldAgainAndNamedUntilItsReceipt) {  // R92
  RunBatch(2);
  CancelIt();
  FallSilent({102});
  ASSERT_EQ(Named(), (std::vector<uint64_t>{102}));
  ASSERT_EQ(State().batches_size(), 0);
  Give(102, WorkerHello(102));
  const pb::ClusterState told = welcome_.state();
  ASSERT_EQ(told.batches_size(), 1) << "it may have missed the kill";
  EXPECT_EQ(told.batches(0).generation(), 1u);
  EXPECT_FALSE(told.batches(0).started() || told.batches(0).ended()) << "no account is wanted";
  Give(102, Receipt(102, 1, 2));
  Give(101, Receipt(101, 1, 1));
  EXPECT_EQ(Counted("stray_receipt"), 2u) << "another kill's, and one that nobody waits for";
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102}));
  EXPECT_EQ(Give(102, Receipt(102, 1, 1)), (Lines{"row receipt", "102 HeartbeatReply"}));
  EXPECT_EQ(Named(), std::vector<uint64_t>{});
  EXPECT_EQ(Ask(pb::Command::STATUS, 1).batches(0).waiting(), "");
  EXPECT_EQ(State().batches_size(), 0);
  Boot();
  EXPECT_EQ(Named(), std::vector<uint64_t>{}) << "it stands in the book";
}

TEST_F(ConfirmationTest, OneThatIsBackAndAwayAgainIsStillNamed) {  // R92
  RunBatch(2);
  CancelIt();
  FallSilent({102});
  Give(102, WorkerHello(102));
  EXPECT_EQ(State().batches_size(), 1);
  FallSilent({102});
  EXPECT_EQ(State().batches_size(), 0) << "the state is for those who are there";
  EXPECT_EQ(Named(), (std::vector<uint64_t>{102}));
}

}  // namespace
}  // namespace fanmill
