// The tasks of a TaskChunk, one by one: number, attempt, payload.
#ifndef FANMILL_LIB_CORE_CHUNK_TASKS_H_
#define FANMILL_LIB_CORE_CHUNK_TASKS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/fanmill.pb.h"

namespace fanmill {

// A view with random access, made once per chunk. REQUIRES: the chunk is valid (wire.cc) and
// outlives the view. Payloads of a ValueRange live in the view: good while it lives and is not
// moved.
class ChunkTasks {
 public:
  explicit ChunkTasks(const v1::TaskChunk& chunk);
  uint32_t size() const { return size_; }
  uint64_t task(uint32_t index) const;
  uint32_t attempt(uint32_t index) const;
  std::string_view payload(uint32_t index) const;

 private:
  const v1::TaskChunk* chunk_;
  uint32_t size_;
  std::vector<uint64_t> tasks_;    // empty: contiguous
  std::vector<uint32_t> offsets_;  // payload offsets; empty: no payloads
  std::string values_;             // of a range, side by side
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_CHUNK_TASKS_H_
