// Troubles: what went wrong with single tasks: failed attempts, blames, silent losses. Only tasks
// with which something went wrong have an entry.
#ifndef FANMILL_VENTILATOR_RETRIES_H_
#define FANMILL_VENTILATOR_RETRIES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/local.h"
#include "lib/core/retry_on.h"

namespace fanmill::ventilator {

inline constexpr uint32_t kBlamesMax = 3;        // R54: then the task is quarantined
inline constexpr uint32_t kSilentLossesMax = 3;  // R54: then it runs alone

class Troubles {
 public:
  Troubles(const pb::Spec& spec, uint64_t epoch)
      : retries_(spec.retries()), retry_on_(RetryOn::Of(spec)), epoch_(epoch) {}

  // The attempt that comes next under this epoch; the first is 1.
  uint32_t NextAttempt(uint64_t task) const;
  // An attempt of this epoch was started, or may have been: its number is used up.
  void Used(uint64_t task, uint32_t attempt);
  // False when this attempt's failure is known already.
  bool Failed(const pb::AttemptFailure& failure);
  // The task was running when its worker died of `cause`, as its guardian said. R53
  void Blame(uint64_t task, const std::string& cause) { of_[task].deaths.push_back(cause); }
  void LoseSilently(uint64_t task) { ++of_[task].silent; }  // ... fell silent. R50

  bool RunsAlone(uint64_t task) const;
  uint64_t Failures(uint64_t task) const;  // attempts that are known to have failed
  bool IsHopeless(uint64_t task) const;    // one did so in a way that is not worth another. R107
  // What to finalise the task with, when it may not be tried again. R54, R62
  std::optional<pb::AttemptFailure> Verdict(uint32_t batch, uint64_t task) const;
  void Forget(uint64_t task) {
    if (!of_.empty()) of_.erase(task);
  }
  bool empty() const { return of_.empty(); }

 private:
  struct Trouble {
    uint32_t used = 0;                // attempts of this epoch
    std::vector<std::string> deaths;  // what its workers died of
    uint32_t silent = 0;
    bool hopeless = false;
    std::vector<std::pair<uint64_t, uint32_t>> failed;  // (epoch, attempt)
    pb::AttemptFailure last;

    // R54: whose worker fell silent too often ran alone: one more is its own.
    uint64_t blames() const {
      return deaths.size() + (silent > kSilentLossesMax ? silent - kSilentLossesMax : 0);
    }
    std::string Cause() const;
  };
  uint32_t retries_;
  RetryOn retry_on_;
  uint64_t epoch_;
  std::map<uint64_t, Trouble> of_;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_RETRIES_H_
