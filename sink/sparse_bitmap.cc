#include "sink/sparse_bitmap.h"

#include <algorithm>
#include <bit>

namespace fanmill {
namespace {

// Calls visit(word index, mask) for each word that [begin, end) touches.
template <class Visit>
void ForEachWord(uint64_t begin, uint64_t end, Visit&& visit) {
  for (uint64_t at = begin; at < end;) {
    const uint64_t bits = std::min(64 - at % 64, end - at);
    const uint64_t ones = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    visit(at / 64, ones << (at % 64));
    at += bits;
  }
}

}  // namespace

const SparseBitmap::Page* SparseBitmap::Find(uint64_t page) const {
  const auto found = pages_.find(page);
  return found == pages_.end() ? nullptr : found->second.get();
}

SparseBitmap::Page& SparseBitmap::Make(uint64_t page) {
  std::unique_ptr<Page>& made = pages_[page];
  if (made == nullptr) made = std::make_unique<Page>(Page{});
  return *made;
}

bool SparseBitmap::Test(uint64_t i) const {
  const Page* page = Find(i / kPageBits);
  return page != nullptr && (((*page)[i % kPageBits / 64] >> (i % 64)) & 1) != 0;
}

bool SparseBitmap::Set(uint64_t i) {
  uint64_t& word = Make(i / kPageBits)[i % kPageBits / 64];
  const uint64_t mask = uint64_t{1} << (i % 64);
  if ((word & mask) != 0) return false;
  word |= mask;
  ++count_;
  return true;
}

uint64_t SparseBitmap::SetRange(uint64_t begin, uint64_t end) {
  uint64_t fresh = 0;
  for (uint64_t at = begin; at < end;) {
    const uint64_t start = at / kPageBits * kPageBits;
    const uint64_t stop = std::min(end, start + kPageBits);
    Page& page = Make(at / kPageBits);
    ForEachWord(at - start, stop - start, [&](uint64_t word, uint64_t mask) {
      fresh += static_cast<uint64_t>(std::popcount(mask & ~page[word]));
      page[word] |= mask;
    });
    at = stop;
  }
  count_ += fresh;
  return fresh;
}

uint64_t SparseBitmap::CountRange(uint64_t begin, uint64_t end) const {
  uint64_t set = 0;
  for (auto page = pages_.lower_bound(begin / kPageBits); page != pages_.end(); ++page) {
    const uint64_t start = page->first * kPageBits;
    if (start >= end) break;
    const uint64_t from = begin > start ? begin - start : 0;
    ForEachWord(from, std::min(end - start, kPageBits), [&](uint64_t word, uint64_t mask) {
      set += static_cast<uint64_t>(std::popcount((*page->second)[word] & mask));
    });
  }
  return set;
}

uint64_t SparseBitmap::NextSet(uint64_t from) const {
  for (auto page = pages_.lower_bound(from / kPageBits); page != pages_.end(); ++page) {
    const uint64_t start = page->first * kPageBits;
    uint64_t at = from > start ? from - start : 0;
    while (at < kPageBits) {
      const uint64_t rest = (*page->second)[at / 64] >> (at % 64);
      if (rest != 0) return start + at + static_cast<uint64_t>(std::countr_zero(rest));
      at = (at / 64 + 1) * 64;
    }
  }
  return kNone;
}

uint64_t SparseBitmap::NextClear(uint64_t from) const {
  uint64_t at = from;
  for (auto page = pages_.find(at / kPageBits);
       page != pages_.end() && page->first == at / kPageBits; ++page) {
    const uint64_t end = (page->first + 1) * kPageBits;
    while (at < end) {
      const uint64_t clear = ~(*page->second)[at % kPageBits / 64] >> (at % 64);
      if (clear != 0) return at + static_cast<uint64_t>(std::countr_zero(clear));
      at = (at / 64 + 1) * 64;
    }
  }
  return at;
}

}  // namespace fanmill
