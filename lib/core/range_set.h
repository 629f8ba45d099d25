// RangeSet: a set of numbers as disjoint half-open ranges; cheap where numbers come in runs.
#ifndef FANMILL_LIB_CORE_RANGE_SET_H_
#define FANMILL_LIB_CORE_RANGE_SET_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "proto/fanmill.pb.h"

namespace fanmill {

class RangeSet {
 public:
  void Add(uint64_t begin, uint64_t end);
  void Add(uint64_t number) { Add(number, number + 1); }
  void Remove(uint64_t begin, uint64_t end);
  void Remove(uint64_t number) { Remove(number, number + 1); }
  void Clear();

  bool Contains(uint64_t number) const;
  bool empty() const { return ranges_.empty(); }
  uint64_t size() const { return size_; }  // how many numbers
  uint64_t range_count() const { return ranges_.size(); }
  std::optional<uint64_t> First() const;  // the least, if any
  // Removes and returns up to `count` of the least numbers that form one run: [begin, end).
  std::pair<uint64_t, uint64_t> TakeRun(uint64_t count);

  const std::map<uint64_t, uint64_t>& ranges() const { return ranges_; }  // begin -> end

  v1::Ranges Pack(size_t ranges_max = SIZE_MAX) const;  // the first ranges_max ranges
  // False when the ranges are not ascending, disjoint and apart, or a number reaches `limit`.
  static bool IsValid(const v1::Ranges& packed, uint64_t limit);
  // The same; the set is empty when it is false.
  static bool Unpack(const v1::Ranges& packed, uint64_t limit, RangeSet* set);

  friend bool operator==(const RangeSet& a, const RangeSet& b) { return a.ranges_ == b.ranges_; }

 private:
  std::map<uint64_t, uint64_t> ranges_;
  uint64_t size_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_RANGE_SET_H_
