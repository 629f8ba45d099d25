// Counts: what happened in the sink, by name; a rule of PROTOCOL.md that fired goes by its number.
#ifndef FANMILL_SINK_COUNTS_H_
#define FANMILL_SINK_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>

namespace fanmill {

class Counts {
 public:
  void Add(const char* what, uint64_t times = 1) { counts_[what] += times; }
  const std::map<std::string, uint64_t>& all() const { return counts_; }

 private:
  std::map<std::string, uint64_t> counts_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_COUNTS_H_
