#include "ventilator/retries.h"

#include <algorithm>

namespace fanmill::ventilator {

uint32_t Troubles::NextAttempt(uint64_t task) const {
  if (of_.empty()) return 1;
  const auto found = of_.find(task);
  return found == of_.end() ? 1 : found->second.used + 1;
}

void Troubles::Used(uint64_t task, uint32_t attempt) {
  Trouble& trouble = of_[task];
  trouble.used = std::max(trouble.used, attempt);
}

bool Troubles::Failed(const pb::AttemptFailure& failure) {
  Trouble& trouble = of_[failure.task()];
  const std::pair attempt(failure.epoch(), failure.attempt());
  if (std::ranges::find(trouble.failed, attempt) != trouble.failed.end()) return false;
  if (trouble.failed.size() <= retries_) trouble.failed.push_back(attempt);
  if (!trouble.hopeless) trouble.last = failure;
  trouble.hopeless = trouble.hopeless || !retry_on_.Covers(failure.status(), failure.code());
  if (failure.epoch() == epoch_) trouble.used = std::max(trouble.used, failure.attempt());
  return true;
}

uint64_t Troubles::Failures(uint64_t task) const {
  const auto found = of_.find(task);
  return found == of_.end() ? 0 : found->second.failed.size();
}

bool Troubles::IsHopeless(uint64_t task) const {
  const auto found = of_.find(task);
  return found != of_.end() && found->second.hopeless;
}

bool Troubles::RunsAlone(uint64_t task) const {
  if (of_.empty()) return false;
  const auto found = of_.find(task);
  return found != of_.end() && found->second.silent >= kSilentLossesMax;
}

std::optional<pb::AttemptFailure> Troubles::Verdict(uint32_t batch, uint64_t task) const {
  const auto found = of_.find(task);
  if (found == of_.end()) return std::nullopt;
  const Trouble& trouble = found->second;
  if (trouble.blames >= kBlamesMax) {  // R54
    pb::AttemptFailure lost;
    lost.set_batch(batch);
    lost.set_task(task);
    lost.set_epoch(epoch_);
    lost.set_attempt(trouble.used);
    lost.set_status(pb::LOST);
    return lost;
  }
  if (trouble.hopeless || trouble.failed.size() > retries_) return trouble.last;  // R107, R62
  return std::nullopt;
}

}  // namespace fanmill::ventilator
