#include "ventilator/batch_tasks.h"

#include <algorithm>

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill::ventilator {
namespace {

constexpr uint64_t kCostNsMin = 100;  // what costs nothing measurable costs this
constexpr uint64_t kChunkGrowth = 4;
constexpr uint64_t kTasksCheckedOneByOne = 100'000;

}  // namespace

BatchTasks::BatchTasks(uint32_t id, const pb::OpenBatch& open, const DispatcherOptions& options,
                       Instant opened)
    : id_(id),
      spec_(std::make_shared<const pb::Spec>(open.spec())),
      opened_(opened),
      blocks_(open.spec().handler() == "sleep", open.spec().expected_us()),
      back_off_(*spec_, options.seed ^ id),
      troubles_(*spec_, options.epoch) {}

// ---- life ---------------------------------------------------------------------------------------

void BatchTasks::Cancel() {
  cancelled_ = true;
  blocks_.Free();
  held_ = {};
  again_.Clear();
  alone_.Clear();
  resting_.Clear();
  back_off_.Clear();
  finalising_.clear();
  ahead_ = {};
}

void BatchTasks::Close(const pb::BatchClosed& closed) {
  // Whose end was asked for has it now, unless somebody was done after all.
  for (const auto& [task, failure] : finalising_) lost_ += failure.status() == pb::LOST ? 1 : 0;
  lost_ = std::min(lost_, closed.failed());
  Cancel();
  closed_ = true;
  cancelled_ = closed.cancelled();
  terminal_ = {};
  ok_ = closed.ok();
  failed_ = closed.failed();
  cancelled_tasks_ = closed.cancelled_tasks();
}

// ---- handing out --------------------------------------------------------------------------------

bool BatchTasks::HasWork() const {
  if (!live() || !started_) return false;
  return !again_.empty() || !alone_.empty() || !ahead_.empty() || next_ < Reach();
}

bool BatchTasks::IsDry() const {
  return sealed_ && again_.empty() && alone_.empty() && resting_.empty() && back_off_.empty() &&
         ahead_.empty() && next_ >= accepted();
}

std::pair<uint64_t, uint64_t> BatchTasks::PeekAgain() const { return *again_.ranges().begin(); }

std::pair<uint64_t, uint64_t> BatchTasks::PeekFresh(uint64_t count) {
  const uint64_t reach = Reach();
  while (next_ < reach && !Fresh(next_)) ++next_;
  uint64_t end = next_;
  while (end < reach && end - next_ < count && Fresh(end)) ++end;
  return {next_, end};
}

void BatchTasks::FillLookAhead() {
  const uint64_t reach = Reach();
  for (; next_ < reach && !ahead_.full(); ++next_) {
    if (Fresh(next_)) ahead_.Add({blocks_.CostUs(next_), next_});
  }
}

const LookAhead::Entry* BatchTasks::PeekLongest() {
  FillLookAhead();
  // What came to its end, or was adopted, while it waited here.
  while (!ahead_.empty() && !Fresh(ahead_.Longest().task)) ahead_.Pop();
  return ahead_.empty() ? nullptr : &ahead_.Longest();
}

void BatchTasks::TakeAgain(uint64_t begin, uint64_t end) {
  again_.Remove(begin, end);
  for (uint64_t task = begin; task < end; ++task) held_.Set(task);
}

void BatchTasks::TakeFresh(uint64_t begin, uint64_t end) {
  FANMILL_CHECK(begin == next_ && end <= Reach());
  for (uint64_t task = begin; task < end; ++task) held_.Set(task);
  next_ = end;
}

void BatchTasks::TakeLongest() {
  held_.Set(ahead_.Longest().task);
  ahead_.Pop();
}

bool BatchTasks::EndBackOff(Instant now) {
  bool any = false;
  while (const std::optional<uint64_t> task = back_off_.TakeDue(now)) {
    Place(*task);
    any = true;
  }
  return any;
}

uint64_t BatchTasks::TakeLonely() {
  const uint64_t task = *alone_.First();
  alone_.Remove(task);
  held_.Set(task);
  return task;
}

// ---- what became of it --------------------------------------------------------------------------

void BatchTasks::End(uint64_t task) {
  held_.Clear(task);
  blocks_.Done(task);
  if (!again_.empty()) again_.Remove(task);
  if (!alone_.empty()) alone_.Remove(task);
  if (!resting_.empty()) resting_.Remove(task);
  if (!back_off_.empty()) back_off_.Remove(task);
  if (!finalising_.empty()) finalising_.erase(task);
  troubles_.Forget(task);
}

void BatchTasks::EndOk(uint64_t begin, uint64_t end) {
  if (closed_) return;
  for (uint64_t task = begin; task < std::min(end, durable_); ++task) {
    if (!terminal_.Set(task)) continue;
    ++ok_;
    if (!cancelled_) End(task);
  }
}

void BatchTasks::EndFailed(uint64_t task) {
  if (closed_ || task >= durable_ || !terminal_.Set(task)) return;
  ++failed_;
  if (QuarantineOf(task) != nullptr) ++lost_;
  if (!cancelled_) End(task);
}

void BatchTasks::AttemptFailed(const pb::AttemptFailure& failure) {
  const uint64_t task = failure.task();
  if (!live() || task >= durable_ || terminal_.Test(task) || !troubles_.Failed(failure)) return;
  if (held_.Test(task) || !troubles_.Verdict(id_, task).has_value()) return;
  if (Unwait(task)) Place(task);
}

bool BatchTasks::Unwait(uint64_t task) {
  for (RangeSet* waiting : {&again_, &alone_, &resting_}) {
    if (!waiting->Contains(task)) continue;
    waiting->Remove(task);
    return true;
  }
  return back_off_.Remove(task);
}

bool BatchTasks::Lose(Instant now, uint64_t task, uint32_t attempt, Loss loss,
                      const std::string& death) {
  if (!live() || !held_.Clear(task)) return false;
  if (loss != Loss::kReturned) troubles_.Used(task, attempt);
  if (loss == Loss::kBlamed) troubles_.Blame(task, death);  // R53
  if (loss == Loss::kSilent) troubles_.LoseSilently(task);  // R50
  if (loss != Loss::kFailed || troubles_.Verdict(id_, task).has_value()) {
    Place(task);
  } else if (const auto ready = back_off_.Add(now, task, troubles_.Failures(task))) {  // R108
    Place(*ready);
  }
  return true;
}

void BatchTasks::Place(uint64_t task) {
  if (const auto verdict = troubles_.Verdict(id_, task)) {
    finalising_[task] = *verdict;
  } else if (troubles_.RunsAlone(task)) {
    alone_.Add(task);
  } else {
    again_.Add(task);
  }
}

const std::string* BatchTasks::QuarantineOf(uint64_t task) const {
  const auto found = finalising_.find(task);
  const bool lost = found != finalising_.end() && found->second.status() == pb::LOST;
  return lost ? &found->second.cause() : nullptr;
}

bool BatchTasks::Adopt(uint64_t task) {
  // What was never handed out, is held, has ended or is given up needs nobody.
  if (!live() || !Unwait(task)) return false;
  held_.Set(task);
  return true;
}

// ---- after a restart ----------------------------------------------------------------------------

void BatchTasks::RestBelowFrontier() {
  next_ = std::min(allowed_, durable_);
  if (live() && next_ > 0) resting_.Add(0, next_);
}

void BatchTasks::WakeResting() {
  while (!resting_.empty()) {
    const auto [begin, end] = resting_.TakeRun(kTasksPerBatchMax);
    if (troubles_.empty()) {
      again_.Add(begin, end);
    } else {
      for (uint64_t task = begin; task < end; ++task) Place(task);
    }
  }
}

// ---- costs --------------------------------------------------------------------------------------

void BatchTasks::Learn(uint64_t tasks, uint64_t run_us) {
  if (tasks == 0 || tasks > kTasksPerBatchMax || run_us > UINT64_MAX / 1000) return;
  const uint64_t sample = std::max(run_us * 1000 / tasks, kCostNsMin);
  // In quarters: the newest word counts for one.
  learned_ns_ = learned_ns_ == 0 ? sample : learned_ns_ - learned_ns_ / 4 + sample / 4;
  chunk_max_ = std::min<uint64_t>(chunk_max_ * kChunkGrowth, kTasksPerChunkMax);
}

uint64_t BatchTasks::CostNs(uint64_t task) const {
  const uint64_t declared = blocks_.CostUs(task);
  return declared != 0 ? std::min<uint64_t>(declared, UINT32_MAX) * 1000 : learned_ns_;
}

void BatchTasks::CheckInvariants() const {
  if (!live()) {
    FANMILL_CHECK(held_.count() == 0 && again_.empty() && alone_.empty() && back_off_.empty());
    FANMILL_CHECK(bytes() == 0);
    return;
  }
  FANMILL_CHECK(durable_ <= accepted() && next_ <= Reach());
  FANMILL_CHECK(terminal_.count() == ok_ + failed_);
  if (durable_ > kTasksCheckedOneByOne) return;
  std::vector<uint8_t> places(durable_, 0);
  for (uint64_t task = 0; task < durable_; ++task) {
    places[task] += terminal_.Test(task) + held_.Test(task) + again_.Contains(task) +
                    alone_.Contains(task) + resting_.Contains(task) + back_off_.Contains(task) +
                    finalising_.contains(task);
    FANMILL_CHECK(places[task] <= 1, "a task is in one place");
  }
  for (const LookAhead::Entry& entry : ahead_.entries()) {
    if (places[entry.task] == 0) places[entry.task] = 1;
  }
  for (uint64_t task = 0; task < next_; ++task) {
    FANMILL_CHECK(places[task] == 1, "no task is forgotten");
  }
}

}  // namespace fanmill::ventilator
