#include "lib/core/range_set.h"

#include <algorithm>
#include <iterator>

#include "lib/core/check.h"

namespace fanmill {

void RangeSet::Add(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin()) {
    const auto previous = std::prev(next);
    if (previous->second >= begin) {  // overlaps or touches: grow that one
      begin = previous->first;
      next = previous;
    }
  }
  while (next != ranges_.end() && next->first <= end) {
    end = std::max(end, next->second);
    size_ -= next->second - next->first;
    next = ranges_.erase(next);
  }
  ranges_.emplace_hint(next, begin, end);
  size_ += end - begin;
}

void RangeSet::Remove(uint64_t begin, uint64_t end) {
  if (begin >= end) return;
  auto next = ranges_.upper_bound(begin);
  if (next != ranges_.begin() && std::prev(next)->second > begin) --next;
  while (next != ranges_.end() && next->first < end) {
    const auto [old_begin, old_end] = *next;
    next = ranges_.erase(next);
    size_ -= old_end - old_begin;
    if (old_begin < begin) {
      ranges_.emplace_hint(next, old_begin, begin);
      size_ += begin - old_begin;
    }
    if (old_end > end) {
      ranges_.emplace_hint(next, end, old_end);
      size_ += old_end - end;
      return;
    }
  }
}

void RangeSet::Clear() {
  ranges_.clear();
  size_ = 0;
}

bool RangeSet::Contains(uint64_t number) const {
  const auto next = ranges_.upper_bound(number);
  return next != ranges_.begin() && std::prev(next)->second > number;
}

std::optional<uint64_t> RangeSet::First() const {
  if (ranges_.empty()) return std::nullopt;
  return ranges_.begin()->first;
}

std::pair<uint64_t, uint64_t> RangeSet::TakeRun(uint64_t count) {
  if (ranges_.empty() || count == 0) return {0, 0};
  const auto [begin, end] = *ranges_.begin();
  const uint64_t taken_end = end - begin > count ? begin + count : end;
  Remove(begin, taken_end);
  return {begin, taken_end};
}

v1::Ranges RangeSet::Pack(size_t ranges_max) const {
  v1::Ranges packed;
  uint64_t previous_end = 0;
  for (const auto& [begin, end] : ranges_) {
    if (ranges_max-- == 0) break;
    packed.add_step(begin - previous_end);
    packed.add_step(end - begin);
    previous_end = end;
  }
  return packed;
}

bool RangeSet::IsValid(const v1::Ranges& packed, uint64_t limit) {
  if (packed.step_size() % 2 != 0) return false;
  uint64_t end = 0;
  for (int i = 0; i < packed.step_size(); i += 2) {
    const uint64_t gap = packed.step(i);
    const uint64_t length = packed.step(i + 1);
    if ((gap == 0 && i > 0) || length == 0) return false;
    if (gap > limit - end || length > limit - end - gap) return false;
    end += gap + length;
  }
  return true;
}

bool RangeSet::Unpack(const v1::Ranges& packed, uint64_t limit, RangeSet* set) {
  set->Clear();
  if (!IsValid(packed, limit)) return false;
  uint64_t end = 0;
  for (int i = 0; i < packed.step_size(); i += 2) {
    const uint64_t begin = end + packed.step(i);
    end = begin + packed.step(i + 1);
    set->ranges_.emplace_hint(set->ranges_.end(), begin, end);
    set->size_ += end - begin;
  }
  return true;
}

}  // namespace fanmill
