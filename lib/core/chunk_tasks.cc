#include "lib/core/chunk_tasks.h"

#include <charconv>

#include "lib/core/check.h"
#include "lib/core/task_set.h"

namespace fanmill {
namespace {

constexpr size_t kDecimalBytesMax = 20;  // of an int64_t with its sign

}  // namespace

ChunkTasks::ChunkTasks(const v1::TaskChunk& chunk)
    : chunk_(&chunk), size_(static_cast<uint32_t>(chunk.tasks().count())) {
  if (!IsContiguous(chunk.tasks())) tasks_ = Unpack(chunk.tasks());
  if (chunk.has_range()) {
    offsets_.reserve(size_ + 1);
    offsets_.push_back(0);
    char digits[kDecimalBytesMax];
    for (uint32_t i = 0; i < size_; ++i) {
      const int64_t value =
          chunk.range().start() + static_cast<int64_t>(task(i)) * chunk.range().step();
      const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
      values_.append(digits, static_cast<size_t>(end - digits));
      offsets_.push_back(static_cast<uint32_t>(values_.size()));
    }
  } else if (chunk.payload_size_size() > 0) {
    offsets_.reserve(size_ + 1);
    offsets_.push_back(0);
    for (const uint32_t bytes : chunk.payload_size()) offsets_.push_back(offsets_.back() + bytes);
  }
}

uint64_t ChunkTasks::task(uint32_t index) const {
  FANMILL_CHECK(index < size_);
  return tasks_.empty() ? chunk_->tasks().first() + index : tasks_[index];
}

uint32_t ChunkTasks::attempt(uint32_t index) const {
  FANMILL_CHECK(index < size_);
  return chunk_->attempt_size() == 0 ? 1 : chunk_->attempt(static_cast<int>(index));
}

std::string_view ChunkTasks::payload(uint32_t index) const {
  FANMILL_CHECK(index < size_);
  if (offsets_.empty()) return {};
  const std::string_view all = chunk_->has_range() ? values_ : chunk_->payloads();
  return all.substr(offsets_[index], offsets_[index + 1] - offsets_[index]);
}

}  // namespace fanmill
