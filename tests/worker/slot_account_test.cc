// Accounts of known schedules, each part worked out by hand, in microseconds from 0.
#include "worker/slot_account.h"

#include <gtest/gtest.h>

#include "lib/core/random.h"

namespace fanmill::worker {
namespace {

constexpr Instant At(int64_t us) { return Instant{Micros(us)}; }

uint64_t Sum(const pb::SlotAccount& a) {
  return a.run_us() + a.retrying_us() + a.other_us() + a.starting_us() + a.transferring_us() +
         a.waiting_us() + a.tail_us() + a.draining_us() + a.stopped_us() + a.backing_off_us();
}

RangeSet Set(uint64_t batch) {
  RangeSet set;
  set.Add(batch);
  return set;
}

TEST(SlotAccount, NamesTheCauseOfEveryMicrosecond) {
  SlotAccounts accounts(2, At(0));
  accounts.BatchStarted(At(100), 1, At(40));
  accounts.BecomeReady(At(140));   // starting: 2 slots x 100
  accounts.TasksCame(At(200), 1);  // waiting: 2 x 60
  accounts.SetWaitingHere(At(200), 1, true);
  accounts.Hand(At(205), 0, 1, false);  // transferring: 2 x 5 held here
  accounts.Hand(At(210), 1, 1, true);   // transferring: 1 x 5 held here
  accounts.SetWaitingHere(At(210), 1, false);
  accounts.Ran(At(260), 1, At(220), At(250), true);  // 10 to the slot, retrying 30, 10 from it
  accounts.Ran(At(330), 0, At(215), At(315), true);  // 10 to the slot, run 100, 15 from it
  accounts.Hand(At(330), 1, 2, false);               // waiting: slot 1 from 260 to 330
  accounts.SetWhyIdle(At(340), Set(1), {});          // waiting: slot 0 from 330 to 340
  accounts.Ran(At(400), 1, At(331), At(399), true);  // other: slot 1 from 330 to 400
  accounts.BecomeDraining(At(450));  // tail: slot 0 from 340, slot 1 from 400, to 450
  accounts.BatchEnded(At(600), 1, At(40), At(500));  // draining: 2 x 50
  const pb::SlotAccount account = accounts.Account(At(600), 1);
  EXPECT_EQ(account.slots(), 2u);
  EXPECT_EQ(account.window_us(), 460u);
  EXPECT_EQ(account.starting_us(), 200u);
  EXPECT_EQ(account.waiting_us(), 120u + 70u + 10u);
  EXPECT_EQ(account.transferring_us(), 10u + 5u + 25u + 20u);
  EXPECT_EQ(account.run_us(), 100u);
  EXPECT_EQ(account.retrying_us(), 30u);
  EXPECT_EQ(account.other_us(), 70u);
  EXPECT_EQ(account.tail_us(), 110u + 50u);
  EXPECT_EQ(account.draining_us(), 100u);
  EXPECT_EQ(Sum(account), 2 * account.window_us());
}

TEST(SlotAccount, TellsWaitingToTryAgainFromWaitingAndFromTheTail) {  // R108
  SlotAccounts accounts(2, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(0), 1, At(0));
  accounts.Hand(At(10), 0, 1, false);                // waiting: 2 x 10
  accounts.Ran(At(110), 0, At(10), At(110), true);   // run: slot 0; waiting: slot 1 until 120
  accounts.SetWhyIdle(At(120), {}, Set(1));          // waiting: slot 0 from 110 to 120
  accounts.SetWhyIdle(At(420), Set(1), {});          // backing off: 2 x 300
  accounts.Hand(At(430), 0, 1, true);                // tail: 2 x 10
  accounts.Ran(At(500), 0, At(430), At(500), true);  // retrying: slot 0; tail: slot 1
  accounts.BatchEnded(At(500), 1, At(0), At(500));
  const pb::SlotAccount account = accounts.Account(At(500), 1);
  EXPECT_EQ(account.waiting_us(), 20u + 110u + 10u);
  EXPECT_EQ(account.backing_off_us(), 600u);
  EXPECT_EQ(account.tail_us(), 20u + 70u);
  EXPECT_EQ(account.retrying_us(), 70u);
  EXPECT_EQ(Sum(account), 2 * account.window_us());
}

TEST(SlotAccount, TellsWhatWasStoppedFromWhatRan) {
  SlotAccounts accounts(1, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(0), 1, At(0));
  accounts.Hand(At(0), 0, 1, false);
  accounts.Ran(At(100), 0, At(0), At(90), true, Micros(60));  // of two attempts the second
  accounts.Hand(At(100), 0, 1, true);
  accounts.Ran(At(200), 0, At(100), At(200), true, Micros(500));  // no more than there was
  accounts.BatchEnded(At(200), 1, At(0), At(200));
  const pb::SlotAccount account = accounts.Account(At(200), 1);
  EXPECT_EQ(account.run_us(), 30u);
  EXPECT_EQ(account.stopped_us(), 60u + 100u);
  EXPECT_EQ(account.retrying_us(), 0u);
  EXPECT_EQ(account.transferring_us(), 10u);
  EXPECT_EQ(Sum(account), 200u);
}

// The batch ends before its tasks have.
TEST(SlotAccount, CountsAsStoppedWhatIsStillInASlotThen) {
  SlotAccounts accounts(2, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(0), 1, At(0));
  accounts.Hand(At(0), 0, 1, false);
  accounts.Hand(At(0), 1, 1, true);
  accounts.BatchStopped(1);
  accounts.BatchEnded(At(100), 1, At(0), At(100));
  EXPECT_EQ(accounts.Account(At(100), 1).stopped_us(), 200u);
}

TEST(SlotAccount, CountsFromTheArrivalOfALateWorker) {
  SlotAccounts accounts(3, At(1000));
  accounts.BecomeReady(At(1000));
  accounts.BatchStarted(At(1100), 1, At(50));
  accounts.BatchEnded(At(1300), 1, At(50), At(1200));
  EXPECT_EQ(accounts.Account(At(1300), 1).window_us(), 200u);
  EXPECT_EQ(accounts.Account(At(1300), 1).waiting_us(), 600u);
}

TEST(SlotAccount, HasAnEmptyWindowWhenTheBatchEndedBeforeTheWorkerCame) {
  SlotAccounts accounts(3, At(1000));
  accounts.BatchStarted(At(1100), 1, At(50));
  accounts.BatchEnded(At(1100), 1, At(50), At(900));
  EXPECT_EQ(accounts.Account(At(1300), 1).window_us(), 0u);
  EXPECT_EQ(Sum(accounts.Account(At(1300), 1)), 0u);
}

TEST(SlotAccount, BelievesTasksMoreThanTheAgeOfAStart) {
  SlotAccounts accounts(1, At(0));
  accounts.BecomeReady(At(0));
  accounts.TasksCame(At(100), 1);
  accounts.Hand(At(100), 0, 1, false);
  accounts.Ran(At(150), 0, At(100), At(150), true);
  accounts.BatchStarted(At(200), 1, At(120));
  accounts.BatchEnded(At(200), 1, At(120), At(170));
  EXPECT_EQ(accounts.Account(At(200), 1).window_us(), 50u);
  EXPECT_EQ(accounts.Account(At(200), 1).run_us(), 50u);
}

// The start was told by the controller's clock, before the sink's began to run. What the account
// has too much lies before the first task.
TEST(SlotAccount, IsOfNoLongerTimeThanTheBatchTook) {
  SlotAccounts accounts(2, At(0));
  accounts.BecomeReady(At(15));
  accounts.BatchStarted(At(12), 1, At(10));
  accounts.TasksCame(At(40), 1);
  accounts.Hand(At(40), 0, 1, false);
  accounts.Ran(At(90), 0, At(40), At(90), true);
  accounts.BatchEnded(At(99), 1, At(45), At(95));  // it took 50, and both ages are 5 too little
  const pb::SlotAccount account = accounts.Account(At(99), 1);
  EXPECT_EQ(account.window_us(), 50u);
  EXPECT_EQ(account.run_us(), 50u);
  EXPECT_EQ(account.waiting_us(), 50u) << "the other slot";
  EXPECT_EQ(account.starting_us(), 0u);
  EXPECT_EQ(Sum(account), 100u);
}

TEST(SlotAccount, IsOfNoLongerTimeThanTheBatchTookWhenNoTaskOfItCame) {
  SlotAccounts accounts(2, At(0));
  accounts.BatchStarted(At(12), 1, At(10));
  accounts.BecomeReady(At(20));
  accounts.Hand(At(30), 0, 2, false);
  accounts.BatchEnded(At(99), 1, At(15), At(60));
  const pb::SlotAccount account = accounts.Account(At(99), 1);
  EXPECT_EQ(account.window_us(), 45u);
  EXPECT_EQ(account.starting_us(), 10u);
  EXPECT_EQ(account.other_us(), 30u);
  EXPECT_EQ(account.waiting_us(), 50u);
}

// What was remembered of the start is lost by then, and how long this worker was there before.
TEST(SlotAccount, IsOfNoLongerTimeThanALongBatchTook) {
  SlotAccounts accounts(1, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(1'000'010), 1, At(1'000'000));
  accounts.TasksCame(At(1'000'040), 1);
  int64_t now = 1'000'040;
  for (int task = 0; task < 20'000; ++task, now += 20) {
    accounts.Hand(At(now), 0, 1, false);
    accounts.Ran(At(now + 10), 0, At(now), At(now + 10), true);
  }
  accounts.BatchEnded(At(now), 1, At(1'000'030), At(now));
  const pb::SlotAccount account = accounts.Account(At(now), 1);
  EXPECT_EQ(account.window_us(), 400'010u);
  EXPECT_EQ(account.run_us(), 200'000u);
  EXPECT_EQ(account.waiting_us(), 200'010u);
}

TEST(SlotAccount, CutsAtTheEndWhatWentOnAfterIt) {
  SlotAccounts accounts(2, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(0), 1, At(0));
  accounts.Hand(At(0), 0, 1, false);
  accounts.Hand(At(50), 1, 1, false);
  accounts.Ran(At(200), 0, At(0), At(200), true);
  accounts.BatchEnded(At(300), 1, At(0), At(100));
  const pb::SlotAccount account = accounts.Account(At(400), 1);
  EXPECT_EQ(account.run_us(), 150u) << "what still runs counts since it was handed over";
  EXPECT_EQ(account.waiting_us(), 50u);
  EXPECT_EQ(Sum(account), 200u);
  accounts.Ran(At(500), 1, At(60), At(500), true);
  EXPECT_EQ(accounts.Account(At(500), 1).run_us(), 150u) << "a final account stays";
}

TEST(SlotAccount, CountsABiteThatTellsInPartsWithoutItsGaps) {
  SlotAccounts accounts(1, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(0), 1, At(0));
  accounts.Hand(At(0), 0, 1, false);
  accounts.Ran(At(30), 0, At(10), At(20), false);
  accounts.Ran(At(60), 0, At(25), At(55), true);
  accounts.BatchEnded(At(60), 1, At(0), At(60));
  EXPECT_EQ(accounts.Account(At(60), 1).run_us(), 40u);
  EXPECT_EQ(accounts.Account(At(60), 1).transferring_us(), 20u);
}

TEST(SlotAccount, NeverBelievesTimesOutsideOfWhatTheSlotHad) {
  SlotAccounts accounts(1, At(0));
  accounts.BecomeReady(At(0));
  accounts.BatchStarted(At(0), 1, At(0));
  accounts.Hand(At(50), 0, 1, false);
  accounts.Ran(At(100), 0, At(0), At(900), true);
  accounts.BatchEnded(At(100), 1, At(0), At(100));
  EXPECT_EQ(accounts.Account(At(100), 1).run_us(), 50u);
  EXPECT_EQ(accounts.Account(At(100), 1).waiting_us(), 50u);
}

// Whatever happens in whatever order, and however late start and end are told, also beyond what is
// remembered: the parts add up.
TEST(SlotAccount, AddsUpToTheMicrosecondInAnyOrder) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    const auto slots = static_cast<uint32_t>(1 + random.Uniform(4));
    SlotAccounts accounts(slots, At(1000));
    std::vector<bool> busy(slots);
    int64_t now = 1000;
    const uint64_t steps = seed % 20 == 0 ? 30000 : 300;
    for (uint64_t step = 0; step < steps; ++step) {
      now += static_cast<int64_t>(random.Uniform(50));
      const auto batch = static_cast<uint32_t>(1 + random.Uniform(2));
      const auto slot = static_cast<uint32_t>(random.Uniform(slots));
      switch (random.Uniform(8)) {
        case 0:
          accounts.SetWaitingHere(At(now), batch, random.Uniform(2) == 0);
          break;
        case 1:
          accounts.SetWhyIdle(At(now), random.Uniform(2) == 0 ? RangeSet() : Set(batch),
                              random.Uniform(3) == 0 ? Set(batch) : RangeSet());
          break;
        case 2:
          if (step > 50) accounts.BecomeReady(At(now));
          break;
        case 3:
          if (random.Uniform(20) == 0) accounts.BatchStarted(At(now), batch, At(now - 500));
          break;
        default:
          if (!busy[slot]) {
            accounts.TasksCame(At(now), batch);
            accounts.Hand(At(now), slot, batch, random.Uniform(4) == 0);
            busy[slot] = true;
          } else {
            const bool idle = random.Uniform(2) == 0;
            const auto began = At(now - static_cast<int64_t>(random.Uniform(60)));
            accounts.Ran(At(now), slot, began, At(now - 3), idle,
                         Micros(static_cast<int64_t>(random.Uniform(80))));
            busy[slot] = !idle;
          }
      }
    }
    for (const uint32_t batch : accounts.Batches()) {
      const int64_t end = now - static_cast<int64_t>(random.Uniform(9000));
      const int64_t start = end - static_cast<int64_t>(random.Uniform(9000));
      accounts.BatchEnded(At(now), batch, At(start), At(end));
      const pb::SlotAccount account = accounts.Account(At(now), batch);
      EXPECT_EQ(Sum(account), account.slots() * account.window_us()) << "seed " << seed;
      EXPECT_LE(account.window_us(), static_cast<uint64_t>(end - start)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace fanmill::worker
