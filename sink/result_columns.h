// The columns of a ResultChunk, task by task. REQUIRES everywhere: a chunk that wire.cc accepted,
// so that a column is absent, or has one entry where that is allowed, or one per task.
#ifndef FANMILL_SINK_RESULT_COLUMNS_H_
#define FANMILL_SINK_RESULT_COLUMNS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

inline uint32_t AttemptAt(const pb::ResultChunk& chunk, uint64_t i) {
  return chunk.attempt_size() == 0 ? 1 : chunk.attempt(static_cast<int>(i));
}
inline pb::Status StatusAt(const pb::ResultChunk& chunk, uint64_t i) {
  return chunk.status_size() == 0 ? pb::OK : chunk.status(static_cast<int>(i));
}
inline int32_t CodeAt(const pb::ResultChunk& chunk, uint64_t i) {
  return chunk.code_size() == 0 ? 0 : chunk.code(static_cast<int>(i));
}
inline uint64_t RunAt(const pb::ResultChunk& chunk, uint64_t i) {
  if (chunk.run_us_size() == 0) return 0;
  return chunk.run_us(chunk.run_us_size() == 1 ? 0 : static_cast<int>(i));
}

// The bytes of each task: where they lie in the chunk is found once. The chunk outlives it.
class ResultBytes {
 public:
  explicit ResultBytes(const pb::ResultChunk& chunk) : chunk_(&chunk) {
    if (chunk.bytes().empty()) return;
    offsets_.reserve(chunk.tasks().count());
    uint64_t offset = 0;
    for (uint64_t i = 0; i < chunk.tasks().count(); ++i) {
      offsets_.push_back(offset);
      offset += ValueSize(i) + Size(chunk.stdout_size(), i) + Size(chunk.stderr_size(), i);
    }
  }
  std::string_view value(uint64_t i) const { return Slice(i, 0, ValueSize(i)); }
  std::string_view out(uint64_t i) const {
    return Slice(i, ValueSize(i), Size(chunk_->stdout_size(), i));
  }
  std::string_view err(uint64_t i) const {
    return Slice(i, ValueSize(i) + Size(chunk_->stdout_size(), i), Size(chunk_->stderr_size(), i));
  }
  bool IsEmpty(uint64_t i) const {
    return ValueSize(i) == 0 && Size(chunk_->stdout_size(), i) == 0 &&
           Size(chunk_->stderr_size(), i) == 0;
  }

 private:
  using Column = google::protobuf::RepeatedField<uint32_t>;
  static uint64_t Size(const Column& sizes, uint64_t i) {
    return sizes.empty() ? 0 : sizes.Get(static_cast<int>(i));
  }
  uint64_t ValueSize(uint64_t i) const { return Size(chunk_->value_size(), i); }
  std::string_view Slice(uint64_t i, uint64_t skip, uint64_t size) const {
    if (offsets_.empty()) return {};
    return std::string_view(chunk_->bytes()).substr(offsets_[i] + skip, size);
  }

  const pb::ResultChunk* chunk_;
  std::vector<uint64_t> offsets_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_RESULT_COLUMNS_H_
