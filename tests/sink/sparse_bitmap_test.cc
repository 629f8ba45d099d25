// The bitmap against a plain set.
#include "sink/sparse_bitmap.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/core/random.h"

namespace fanmill {
namespace {

TEST(SparseBitmap, DoesWhatASetDoes) {
  Random random(1);
  SparseBitmap bits;
  std::set<uint64_t> set;
  for (int step = 0; step < 3000; ++step) {
    const uint64_t begin = random.Uniform(20'000);
    const uint64_t end = begin + random.Uniform(step % 10 == 0 ? 9000 : 70);
    if (step % 3 == 0) {
      EXPECT_EQ(bits.Set(begin), set.insert(begin).second);
    } else if (step % 3 == 1) {
      uint64_t fresh = 0;
      for (uint64_t i = begin; i < end; ++i) fresh += set.insert(i).second ? 1 : 0;
      EXPECT_EQ(bits.SetRange(begin, end), fresh);
    }
    const auto first = set.lower_bound(begin);
    const auto last = set.lower_bound(end);
    ASSERT_EQ(bits.CountRange(begin, end), static_cast<uint64_t>(std::distance(first, last)));
    ASSERT_EQ(bits.Test(begin), set.contains(begin));
    ASSERT_EQ(bits.NextSet(begin), first == set.end() ? SparseBitmap::kNone : *first);
    uint64_t clear = begin;
    while (set.contains(clear)) ++clear;
    ASSERT_EQ(bits.NextClear(begin), clear);
    ASSERT_EQ(bits.count(), set.size());
    if (step % 300 == 299) {  // from sparse to full, again and again
      bits = SparseBitmap();
      set.clear();
    }
  }
}

TEST(SparseBitmap, CostsLittleForANumberOutOfNowhere) {
  SparseBitmap bits;
  EXPECT_TRUE(bits.Set((uint64_t{1} << 40) - 1));
  EXPECT_TRUE(bits.Test((uint64_t{1} << 40) - 1));
  EXPECT_EQ(bits.NextSet(0), (uint64_t{1} << 40) - 1);
  EXPECT_EQ(bits.NextClear((uint64_t{1} << 40) - 1), uint64_t{1} << 40);
}

}  // namespace
}  // namespace fanmill
