// SparseBitmap: one bit per task of a batch, in small pages that exist only where a bit is set. So
// a chunk of results costs a few words however large the batch is, and a task number out of
// nowhere costs one page and not a bitmap as long as the number.
#ifndef FANMILL_SINK_SPARSE_BITMAP_H_
#define FANMILL_SINK_SPARSE_BITMAP_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/container/btree_map.h"

namespace fanmill {

class SparseBitmap {
 public:
  static constexpr uint64_t kNone = UINT64_MAX;

  bool Test(uint64_t i) const;
  // Returns whether the bit was clear before.
  bool Set(uint64_t i);
  // Sets [begin, end); returns how many of these bits were clear before.
  uint64_t SetRange(uint64_t begin, uint64_t end);
  // How many bits of [begin, end) are set.
  uint64_t CountRange(uint64_t begin, uint64_t end) const;
  uint64_t count() const { return count_; }
  // Forgets which bits are set, and keeps how many.
  void Shed() { pages_ = {}; }

  // The first set bit at or after `from`; kNone when there is none.
  uint64_t NextSet(uint64_t from) const;
  // The first clear bit at or after `from`.
  uint64_t NextClear(uint64_t from) const;

 private:
  static constexpr uint64_t kPageBits = 4096;
  static constexpr uint64_t kPageWords = kPageBits / 64;
  using Page = std::array<uint64_t, kPageWords>;

  const Page* Find(uint64_t page) const;
  Page& Make(uint64_t page);

  absl::btree_map<uint64_t, std::unique_ptr<Page>> pages_;
  uint64_t count_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_SPARSE_BITMAP_H_
