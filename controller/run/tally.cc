#include "controller/run/tally.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"

namespace fanmill::cli {

bool Tally::OnResult(const client::Result& result) {
  if (result.part) return false;
  const std::lock_guard lock(mutex_);
  outputs_cut_ += result.dropped > 0 ? 1 : 0;
  ++facts_.done;
  facts_.failed += result.ok() ? 0 : 1;
  facts_.run_seconds.Add(static_cast<double>(result.run.count()) / 1e6);
  const Halt::How how = halt_.OnEnd(result.ok());
  if (how == Halt::How::kNever || std::exchange(halted_, true)) return false;
  Say(absl::StrCat("--halt: ", halt_.Why(),
                   how == Halt::How::kNow ? "; killing what runs" : "; ending what runs"));
  how == Halt::How::kNow ? cluster_.KillWorker() : cluster_.DrainWorker();
  return true;
}

void Tally::OnPause(const std::string& why) {
  const std::lock_guard lock(mutex_);
  facts_.waiting = why;
}

void Tally::OnSealed(uint64_t tasks) {
  const std::lock_guard lock(mutex_);
  facts_.total = tasks;
}

uint64_t Tally::outputs_cut() {
  const std::lock_guard lock(mutex_);
  return outputs_cut_;
}

void Tally::OnStopped(bool stopped) {
  const std::lock_guard lock(mutex_);
  const Instant now = Now();
  if (!stopped) begun_ += now - stopped_;
  stopped_ = stopped ? now : kNever;
}

ProgressFacts Tally::Facts() {
  const std::lock_guard lock(mutex_);
  ProgressFacts facts = facts_;
  facts.running = cluster_.running();
  facts.elapsed = std::min(Now(), stopped_) - begun_;
  return facts;
}

}  // namespace fanmill::cli
