// Bitmap: one bit per task of a batch, grown as tasks are added. 100 million tasks are 12.5 MB.
#ifndef FANMILL_LIB_CORE_BITMAP_H_
#define FANMILL_LIB_CORE_BITMAP_H_

#include <cstdint>
#include <vector>

namespace fanmill {

class Bitmap {
 public:
  bool Test(uint64_t i) const {
    const uint64_t word = i / 64;
    return word < words_.size() && ((words_[word] >> (i % 64)) & 1) != 0;
  }
  // Returns whether the bit was clear before.
  bool Set(uint64_t i) {
    const uint64_t word = i / 64;
    if (word >= words_.size()) words_.resize(word + 1 + words_.size() / 2);
    const uint64_t mask = uint64_t{1} << (i % 64);
    if ((words_[word] & mask) != 0) return false;
    words_[word] |= mask;
    ++count_;
    return true;
  }
  // Returns whether the bit was set before.
  bool Clear(uint64_t i) {
    if (!Test(i)) return false;
    words_[i / 64] &= ~(uint64_t{1} << (i % 64));
    --count_;
    return true;
  }
  uint64_t count() const { return count_; }  // bits that are set

 private:
  std::vector<uint64_t> words_;
  uint64_t count_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_BITMAP_H_
