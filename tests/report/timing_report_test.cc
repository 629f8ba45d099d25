#include "lib/report/timing_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "lib/core/sketch.h"

namespace fanmill {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A schedule by hand. Two workers with two slots each, for one second: four slot-seconds.
//
//   worker 1: ran 1.5 s of tasks; what is left, 0.5 s, is the test's to place
//   worker 2: ran 1.8 s of tasks, and lost 0.2 s in the tail
struct Schedule {
  pb::BatchReport report;

  Schedule() {
    report.set_batch(7);
    report.set_complete(true);
    report.set_expected_us(3'300'000);
    pb::BatchSummary& summary = *report.mutable_summary();
    summary.set_known(true);
    summary.set_closed(true);
    summary.set_tasks(33);
    summary.set_ok(33);
    summary.set_elapsed_us(1'000'000);
    summary.set_longest_us(100'000);
    Sketch sketch;
    sketch.Add(100'000, 33);
    *summary.mutable_task_us() = sketch.Pack();
    Add(1, "north:100", 1'500'000, 15);
    Add(2, "south:200", 1'800'000, 18);
    summary.set_run_us(3'300'000);
    account(1).set_tail_us(200'000);
  }

  void Add(uint32_t number, const std::string& name, uint64_t run_us, uint64_t tasks) {
    pb::WorkerReport& worker = *report.add_workers();
    worker.set_number(number);
    worker.set_name(name);
    worker.set_tasks(tasks);
    worker.mutable_account()->set_slots(2);
    worker.mutable_account()->set_window_us(1'000'000);
    worker.mutable_account()->set_run_us(run_us);
    pb::WorkerTasks& told = *report.mutable_summary()->add_workers();
    told.set_number(number);
    told.set_tasks(tasks);
    told.set_run_us(run_us);
  }
  pb::SlotAccount& account(int worker) {
    return *report.mutable_workers(worker)->mutable_account();
  }
  pb::WorkerTasks& told(int worker) { return *report.mutable_summary()->mutable_workers(worker); }
};

uint64_t Lost(const TimingReport& timing, Cause cause) {
  return timing.lost_us[static_cast<size_t>(cause)];
}

// What must hold of any report: it adds up, as a whole and for each worker.
void ExpectAddsUp(const TimingReport& timing) {
  const auto sum = [](const LostTime& lost) {
    return std::accumulate(lost.begin(), lost.end(), uint64_t{0});
  };
  EXPECT_EQ(timing.capacity_us, timing.run_us + sum(timing.lost_us));
  uint64_t capacity = 0;
  for (const WorkerTiming& worker : timing.per_worker) {
    EXPECT_EQ(worker.capacity_us, worker.run_us + sum(worker.lost_us));
    capacity += worker.capacity_us;
  }
  EXPECT_EQ(timing.capacity_us, capacity);
}

// The half second of worker 1 that is left, placed where the worker's account has a state for it.
struct Placed {
  Cause cause;
  void (pb::SlotAccount::*set)(uint64_t);
};

class IdleCause : public testing::TestWithParam<Placed> {};

TEST_P(IdleCause, IsNamedAndNothingElseIs) {
  Schedule schedule;
  (schedule.account(0).*GetParam().set)(500'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(timing.capacity_us, 4'000'000u);
  EXPECT_EQ(timing.run_us, 3'300'000u);
  for (size_t i = 0; i < kCauses; ++i) {
    const auto cause = static_cast<Cause>(i);
    const uint64_t tail = cause == Cause::kTail ? 200'000 : 0;  // of worker 2
    EXPECT_EQ(Lost(timing, cause), tail + (cause == GetParam().cause ? 500'000 : 0))
        << CauseName(cause);
  }
  const json parsed = json::parse(ToJson(timing));
  const std::string name(CauseName(GetParam().cause));
  EXPECT_EQ(parsed["per_worker"][0]["lost"][name], 0.5);
}

INSTANTIATE_TEST_SUITE_P(
    Account, IdleCause,
    testing::Values(Placed{Cause::kStarting, &pb::SlotAccount::set_starting_us},
                    Placed{Cause::kWaiting, &pb::SlotAccount::set_waiting_us},
                    Placed{Cause::kBackingOff, &pb::SlotAccount::set_backing_off_us},
                    Placed{Cause::kTransferring, &pb::SlotAccount::set_transferring_us},
                    Placed{Cause::kOtherBatch, &pb::SlotAccount::set_other_us},
                    Placed{Cause::kTail, &pb::SlotAccount::set_tail_us},
                    Placed{Cause::kDraining, &pb::SlotAccount::set_draining_us}),
    [](const auto& info) { return std::string(CauseName(info.param.cause)); });

TEST(Durability, IsToldToProgramsAlwaysAndToPeopleWhenACrashWouldLoseSomething) {
  Schedule schedule;
  const auto text_and_json = [&](pb::Durability durability) {
    schedule.report.set_durability(durability);
    const TimingReport timing = MakeTimingReport(schedule.report);
    return std::make_pair(ToText(timing), json::parse(ToJson(timing))["durability"]);
  };
  const auto [full, full_json] = text_and_json(pb::DURABLE_ON_DISK);
  EXPECT_EQ(full_json, "full");
  EXPECT_EQ(full.find("Durability"), std::string::npos);
  const auto [os, os_json] = text_and_json(pb::DURABLE_IN_OS);
  EXPECT_EQ(os_json, "os");
  EXPECT_NE(os.find("Durability os: a crash of"), std::string::npos);
  EXPECT_EQ(text_and_json(pb::DURABLE_IN_MEMORY).second, "memory");
  EXPECT_EQ(text_and_json(static_cast<pb::Durability>(77)).second, "unknown");
}

TEST(Lost, HandlingIsWhereTheSlotWasTakenAndItsTasksClockDidNotRun) {
  Schedule schedule;
  schedule.account(0).set_run_us(2'000'000);  // 1.5 s by the tasks' own clocks
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(Lost(timing, Cause::kHandling), 500'000u);
  EXPECT_EQ(Lost(timing, Cause::kRetrying), 0u);
}

TEST(Lost, RetryingIsFailedAttemptsThatWereRepeated) {
  // Worker 1 ran a first attempt for 0.4 s that failed; its repetition is among the 1.5 s. Its slot
  // was taken 0.1 s longer than the tasks' clocks ran.
  Schedule schedule;
  schedule.account(0).set_run_us(1'900'000);
  schedule.account(0).set_retrying_us(100'000);
  schedule.told(0).set_failed_us(400'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(Lost(timing, Cause::kRetrying), 400'000u);
  EXPECT_EQ(Lost(timing, Cause::kHandling), 100'000u);
}

TEST(Lost, RetryingIsAlsoAFurtherAttemptWhoseResultCameLate) {
  Schedule schedule;
  schedule.account(0).set_retrying_us(500'000);
  schedule.report.mutable_summary()->set_late(5);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(Lost(timing, Cause::kRetrying), 500'000u);
  EXPECT_EQ(Lost(timing, Cause::kHandling), 0u);
}

TEST(Lost, NothingOfAFurtherAttemptThatBecameTheEnd) {
  Schedule schedule;
  schedule.account(0).set_run_us(1'000'000);
  schedule.account(0).set_retrying_us(500'000);  // in the tasks' 1.5 s
  schedule.account(0).set_tail_us(500'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(Lost(timing, Cause::kRetrying), 0u);
  EXPECT_EQ(Lost(timing, Cause::kTail), 700'000u);
}

TEST(Report, RelatesTheRunToWhatWouldHaveBeenPossible) {
  Schedule schedule;
  schedule.account(0).set_waiting_us(500'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  EXPECT_EQ(timing.slots, 4);
  EXPECT_EQ(timing.lower_bound_us, 825'000u);  // 3.3 s on four slots
  EXPECT_DOUBLE_EQ(*timing.bound_ratio, 0.825);
  EXPECT_DOUBLE_EQ(*timing.efficiency, 0.825);
  EXPECT_DOUBLE_EQ(*timing.speedup, 3.3);
}

TEST(Report, IsBoundByTheLongestTaskWhenThatIsMore) {
  Schedule schedule;
  schedule.report.mutable_summary()->set_longest_us(950'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  EXPECT_EQ(timing.lower_bound_us, 950'000u);
  EXPECT_DOUBLE_EQ(*timing.bound_ratio, 0.95);
}

TEST(Report, CountsSlotsOfAWorkerThatCameLateByTheTimeItOffered) {
  Schedule schedule;
  schedule.account(1).set_run_us(900'000);  // worker 2 came after half of the time
  schedule.account(1).set_tail_us(100'000);
  schedule.account(1).set_window_us(500'000);
  schedule.told(1).set_run_us(900'000);
  schedule.account(0).set_tail_us(500'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(timing.capacity_us, 3'000'000u);
  EXPECT_EQ(timing.slots, 3);
  EXPECT_EQ(timing.per_worker[1].capacity_us, 1'000'000u);
}

TEST(Report, OffersNoSlotForLongerThanTheBatchTook) {
  Schedule schedule;
  schedule.account(0).set_window_us(1'300'000);  // 0.3 s too long: 1.1 s are idle, 0.5 s were
  schedule.account(0).set_tail_us(400'000);
  schedule.account(0).set_waiting_us(700'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(timing.slots, 4);
  EXPECT_EQ(timing.per_worker[0].capacity_us, 2'000'000u);
  EXPECT_EQ(timing.run_us, 3'300'000u);
  EXPECT_EQ(Lost(timing, Cause::kTail), 200'000u) << "that of worker 2 stays";
  EXPECT_EQ(Lost(timing, Cause::kWaiting), 500'000u);
}

TEST(Report, CountsNoTimeAsLostInWhichATaskRanByItsOwnClock) {
  Schedule schedule;
  schedule.account(0).set_run_us(1'400'000);  // 0.1 s of it lies outside of the account
  schedule.account(0).set_waiting_us(600'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(timing.capacity_us, 4'000'000u);
  EXPECT_EQ(Lost(timing, Cause::kWaiting), 500'000u);
}

TEST(Report, HasNoMoreSlotsThanThereAreAlsoWhenTasksClocksSaySo) {
  Schedule schedule;
  schedule.account(0).set_waiting_us(500'000);
  schedule.told(0).set_run_us(2'600'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(timing.slots, 4);
  EXPECT_EQ(timing.per_worker[0].capacity_us, 2'600'000u) << "what ran, ran";
  EXPECT_EQ(timing.lost_us[static_cast<size_t>(Cause::kTail)], 200'000u) << "of worker 2";
}

TEST(Report, NamesWorkersWithoutAccountAndAddsUpAllTheSame) {
  Schedule schedule;
  schedule.report.mutable_workers()->RemoveLast();
  schedule.report.set_complete(false);
  schedule.report.add_missing("south:200");
  schedule.account(0).set_tail_us(500'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  EXPECT_EQ(timing.run_us, 3'300'000u);
  EXPECT_EQ(timing.capacity_us, 3'800'000u);  // two slot-seconds, and what ran elsewhere
  EXPECT_EQ(timing.per_worker.size(), 2u);
  const json parsed = json::parse(ToJson(timing));
  EXPECT_EQ(parsed["complete"], false);
  EXPECT_EQ(parsed["missing"], json::array({"south:200"}));
  EXPECT_THAT(ToText(timing), HasSubstr("Not complete: no account of their slots' idle time came "
                                        "from\n  south:200\n"));
}

TEST(Report, AddsUpBothAccountsOfAWorkerThatCameBack) {
  Schedule schedule;
  schedule.report.mutable_workers(1)->set_number(1);
  schedule.told(1).set_number(1);
  schedule.account(0).set_tail_us(500'000);
  const TimingReport timing = MakeTimingReport(schedule.report);
  ExpectAddsUp(timing);
  ASSERT_EQ(timing.per_worker.size(), 1u);
  EXPECT_EQ(timing.per_worker[0].capacity_us, 4'000'000u);
  EXPECT_EQ(timing.per_worker[0].tasks, 33u);
}

TEST(Report, OfNothingHasNoRatios) {
  pb::BatchReport nothing;
  nothing.set_batch(1);
  const TimingReport timing = MakeTimingReport(nothing);
  ExpectAddsUp(timing);
  const json parsed = json::parse(ToJson(timing));
  EXPECT_TRUE(parsed["bound_ratio"].is_null());
  EXPECT_TRUE(parsed["efficiency"].is_null());
  EXPECT_TRUE(parsed["speedup"].is_null());
  EXPECT_TRUE(parsed["expected_s"].is_null());
  EXPECT_EQ(parsed["task_seconds"], json::object());
  EXPECT_THAT(ToText(timing), HasSubstr("Not complete: the batch has not ended."));
}

TEST(Json, HasTheFieldsOfItsSchemaInTheirOrder) {
  Schedule schedule;
  schedule.account(0).set_waiting_us(500'000);
  const std::string text = ToJson(MakeTimingReport(schedule.report));
  const auto parsed = nlohmann::ordered_json::parse(text);
  std::vector<std::string> keys;
  for (const auto& [key, value] : parsed.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("schema", "batch", "complete", "missing", "durability", "tasks",
                                "ok", "failed", "cancelled", "slots", "workers", "elapsed_s",
                                "expected_s", "run_s", "capacity_s", "lower_bound_s", "bound_ratio",
                                "efficiency", "speedup", "lost", "per_worker", "task_seconds"));
  EXPECT_EQ(parsed["schema"], "fanmill.report/1");
  EXPECT_EQ(parsed["tasks"], 33);
  EXPECT_EQ(parsed["slots"], 4);
  EXPECT_EQ(parsed["workers"], 2);
  EXPECT_EQ(parsed["elapsed_s"], 1.0);
  EXPECT_EQ(parsed["expected_s"], 3.3);
  EXPECT_EQ(parsed["capacity_s"], 4.0);
  EXPECT_EQ(parsed["lost"]["waiting"], 0.5);
  EXPECT_EQ(parsed["lost"].size(), kCauses);
  EXPECT_EQ(parsed["per_worker"][1]["name"], "south:200");
  EXPECT_EQ(parsed["task_seconds"]["max"], 0.1);
  EXPECT_NEAR(parsed["task_seconds"]["p50"].get<double>(), 0.1, 0.001);
}

TEST(Text, OpensWithTheGuidesTwoLinesAndFitsAScreen) {
  Schedule schedule;
  schedule.account(0).set_waiting_us(500'000);
  const std::string text = ToText(MakeTimingReport(schedule.report));
  EXPECT_THAT(text, testing::StartsWith("Total expected cost: 3300 msec\n"
                                        "Total elapsed time: 1000 msec\n"));
  EXPECT_THAT(text, HasSubstr("waiting for tasks                 0.500 s    12.5 %"));
  EXPECT_THAT(text, Not(HasSubstr("draining")));  // what cost nothing is not shown
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Text, SaysWhenNoCostWasDeclared) {
  Schedule schedule;
  schedule.report.clear_expected_us();
  EXPECT_THAT(ToText(MakeTimingReport(schedule.report)),
              testing::StartsWith("Total expected cost: not declared\n"));
}

TEST(Text, EscapesWhatPeersCallThemselves) {
  Schedule schedule;
  schedule.report.mutable_workers(0)->set_name("evil\x1b[2J\nname");
  const std::string text = ToText(MakeTimingReport(schedule.report));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\nname")));
}

TEST(Text, ShowsOnlySoManyWorkers) {
  Schedule schedule;
  for (uint32_t number = 3; number <= 66; ++number) schedule.Add(number, "w", 2'000'000, 1);
  EXPECT_THAT(ToText(MakeTimingReport(schedule.report)), HasSubstr("and 2 more"));
}

}  // namespace
}  // namespace fanmill
