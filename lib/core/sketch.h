// LatencySketch: counts in logarithmic buckets, for percentiles with 1 % relative error; two of
// them add up exactly (DDSketch, Masson et al., VLDB 2019).
#ifndef FANMILL_LIB_CORE_SKETCH_H_
#define FANMILL_LIB_CORE_SKETCH_H_

#include <cstdint>
#include <map>

#include "proto/fanmill.pb.h"

namespace fanmill {

class Sketch {
 public:
  void Add(uint64_t value, uint64_t times = 1);
  uint64_t count() const { return count_; }
  // The value that `quantile` (0 to 1) of all values do not exceed, within 1 %; 0 when empty.
  uint64_t Quantile(double quantile) const;

  v1::LatencySketch Pack() const;
  static Sketch Unpack(const v1::LatencySketch& packed);  // takes any input; garbage gives garbage

 private:
  std::map<uint32_t, uint64_t> buckets_;
  uint64_t count_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_SKETCH_H_
