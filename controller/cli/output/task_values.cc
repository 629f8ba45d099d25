#include "controller/cli/output/task_values.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"

namespace fanmill::cli {
namespace {

// A task that takes long keeps its whole block.
constexpr size_t kBlockTasksMax = 1024;
constexpr size_t kBlockBytesMax = 64 << 10;  // begun with less

}  // namespace

void TaskValues::Add(uint64_t task, std::string_view payload) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto last = blocks_.empty() ? blocks_.end() : std::prev(blocks_.end());
  const bool goes_on =
      last != blocks_.end() && !last->second.is_range && task == last->first + last->second.count &&
      last->second.count < kBlockTasksMax && last->second.bytes.size() < kBlockBytesMax;
  if (!goes_on) {
    FANMILL_CHECK(last == blocks_.end() || task >= last->first + last->second.count,
                  "tasks are added in their order");
    last = blocks_.emplace_hint(blocks_.end(), task, Block{});
  }
  Block& block = last->second;
  block.bytes.append(payload);
  block.ends.push_back(static_cast<uint32_t>(block.bytes.size()));
  ++block.count;
  ++block.left;
}

void TaskValues::AddRange(uint64_t task, int64_t start, int64_t step, uint64_t count) {
  if (count == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  Block range;
  range.count = range.left = count;
  range.is_range = true;
  range.start = start;
  range.step = step;
  blocks_.emplace_hint(blocks_.end(), task, std::move(range));
}

std::optional<std::string> TaskValues::Of(uint64_t task) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = Find(task);
  if (found == blocks_.end()) return std::nullopt;
  const Block& block = found->second;
  const uint64_t index = task - found->first;
  if (block.is_range) return absl::StrCat(block.start + static_cast<int64_t>(index) * block.step);
  const uint32_t begin = index == 0 ? 0 : block.ends[index - 1];
  return block.bytes.substr(begin, block.ends[index] - begin);
}

void TaskValues::Forget(uint64_t task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = Find(task);
  if (found == blocks_.end()) return;
  Block& block = blocks_.at(found->first);
  if (--block.left == 0) blocks_.erase(found);
}

uint64_t TaskValues::bytes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [task, block] : blocks_) {
    bytes += sizeof(block) + block.bytes.capacity() + block.ends.capacity() * sizeof(uint32_t);
  }
  return bytes;
}

TaskValues::Blocks::const_iterator TaskValues::Find(uint64_t task) const {
  auto after = blocks_.upper_bound(task);
  if (after == blocks_.begin()) return blocks_.end();
  const auto found = std::prev(after);
  return task - found->first < found->second.count ? found : blocks_.end();
}

}  // namespace fanmill::cli
