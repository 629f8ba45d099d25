// What a run exercised: faults, rules, outcomes, by name. A suite of seeds that never met a rule
// proves nothing about it, so the suite fails then.
#ifndef FANMILL_TESTS_SIM_COVERAGE_H_
#define FANMILL_TESTS_SIM_COVERAGE_H_

#include <cstdint>
#include <map>
#include <string>

namespace fanmill::sim {

class Coverage {
 public:
  void Count(const std::string& what, uint64_t times = 1) { counts_[what] += times; }
  void Merge(const Coverage& other) {
    for (const auto& [what, times] : other.counts_) counts_[what] += times;
  }
  uint64_t Of(const std::string& what) const {
    const auto found = counts_.find(what);
    return found == counts_.end() ? 0 : found->second;
  }
  const std::map<std::string, uint64_t>& counts() const { return counts_; }

 private:
  std::map<std::string, uint64_t> counts_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_COVERAGE_H_
