// LargeParts: which parts of large outputs have come, of tasks that have no end yet.
#ifndef FANMILL_LIB_VERIFY_LARGE_PARTS_H_
#define FANMILL_LIB_VERIFY_LARGE_PARTS_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "proto/fanmill.pb.h"

namespace fanmill::verify {

namespace pb = ::fanmill::v1;

class LargeParts {
 public:
  // The first of a number stands.
  void Add(const pb::OutputPart& part);
  // The first part of the output that has not come, from 0; nothing: it is whole.
  std::optional<uint32_t> FirstMissing(uint64_t chunk, const pb::LargeOutput& large) const;
  // How many bytes its parts have. REQUIRES: it is whole.
  uint64_t Size(uint64_t chunk, const pb::LargeOutput& large) const;
  void Forget(uint64_t task);  // it has its end

 private:
  struct Key {
    uint64_t task;
    uint64_t chunk;
    uint32_t stream;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, std::vector<uint32_t>> sizes_;  // by part; 0: it has not come
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_LARGE_PARTS_H_
