#include "ventilator/retries.h"

#include <algorithm>

#include "lib/core/limits.h"
#include "lib/core/printable.h"

namespace fanmill::ventilator {
namespace {

std::string Times(uint64_t count) { return count == 1 ? "once" : std::to_string(count) + " times"; }

}  // namespace

// "its worker died 3 times while it ran: signal 9"
std::string Troubles::Trouble::Cause() const {
  std::string text;
  if (!deaths.empty()) {
    text = "its worker died " + Times(deaths.size()) + " while it ran: " + deaths.front();
    for (size_t i = 1; i < deaths.size(); ++i) {
      if (deaths[i] != deaths[i - 1]) text += ", then " + deaths[i];
    }
  }
  if (silent > 0) {
    text += std::string(text.empty() ? "its" : "; its") + " worker fell silent " + Times(silent) +
            " while it ran";
  }
  return Printable(text, kNameBytesMax);
}

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
  if (found == of_.end()) return false;
  const Trouble& trouble = found->second;
  return trouble.silent >= kSilentLossesMax || trouble.blames() + 1 >= kBlamesMax;
}

std::optional<pb::AttemptFailure> Troubles::Verdict(uint32_t batch, uint64_t task) const {
  const auto found = of_.find(task);
  if (found == of_.end()) return std::nullopt;
  const Trouble& trouble = found->second;
  if (trouble.blames() >= kBlamesMax) {  // R54
    pb::AttemptFailure lost;
    lost.set_batch(batch);
    lost.set_task(task);
    lost.set_epoch(epoch_);
    lost.set_attempt(trouble.used);
    lost.set_status(pb::LOST);
    lost.set_cause(trouble.Cause());
    return lost;
  }
  if (trouble.hopeless || trouble.failed.size() > retries_) return trouble.last;  // R107, R62
  return std::nullopt;
}

}  // namespace fanmill::ventilator
