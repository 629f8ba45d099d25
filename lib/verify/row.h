// Row: one row of a journal as it was read, and which batches' rows are to be looked into.
#ifndef FANMILL_LIB_VERIFY_ROW_H_
#define FANMILL_LIB_VERIFY_ROW_H_

#include <cstdint>
#include <set>
#include <string_view>

namespace fanmill::verify {

struct Row {
  uint64_t sequence = 0;
  uint32_t batch = 0;
  bool is_frame = false;
  bool sound = true;  // its checksum holds; else nothing it says is believed
  std::string_view bytes;
};

// The batches to be proven; none named: all.
struct Wanted {
  std::set<uint32_t> batches;
  bool Has(uint32_t batch) const { return batches.empty() || batches.contains(batch); }
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_ROW_H_
