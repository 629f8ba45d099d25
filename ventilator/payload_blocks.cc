#include "ventilator/payload_blocks.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "lib/core/check.h"

namespace fanmill::ventilator {
namespace {

constexpr uint64_t kCostMax = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kSumMax =
    std::numeric_limits<int64_t>::max();  // a signed sum elsewhere holds it

uint64_t Saturated(unsigned __int128 sum) {
  return static_cast<uint64_t>(std::min<unsigned __int128>(sum, kSumMax));
}

uint32_t SleepCost(std::string_view payload) {
  uint64_t cost = 0;
  const char* const end = payload.data() + payload.size();
  const auto [rest, error] = std::from_chars(payload.data(), end, cost);
  const bool number = error == std::errc() && rest == end;
  return number ? static_cast<uint32_t>(std::min(cost, kCostMax)) : 0;
}

uint64_t ValueCost(int64_t start, int64_t step, uint64_t task) {
  const auto value = static_cast<__int128>(start) + static_cast<__int128>(step) * task;
  return static_cast<uint64_t>(std::clamp<__int128>(value, 0, kCostMax));
}

}  // namespace

void PayloadBlocks::Append(const pb::AppendTasks& append) {
  FANMILL_CHECK(append.first() == size_, "tasks are appended without gaps");
  if (append.count() == 0) return;
  Block block = NewBlock(append);
  declared_us_ = std::min(kSumMax, declared_us_ + DeclaredSum(block));
  if (!block.costs.empty() || (sleeps_ && block.step != 0) ||
      (!blocks_.empty() && blocks_.back().cost_us != block.cost_us)) {
    costs_vary_ = true;
  }
  size_ = block.end();
  bytes_ += block.bytes();
  if (!blocks_.empty() && Alike(blocks_.back(), block)) {
    blocks_.back().count += block.count;
  } else {
    blocks_.push_back(std::move(block));
  }
}

PayloadBlocks::Block PayloadBlocks::NewBlock(const pb::AppendTasks& append) const {
  Block block;
  block.first = append.first();
  block.count = append.count();
  if (append.has_range()) {
    block.kind = Kind::kRange;
    block.start = append.range().start();
    block.step = append.range().step();
  } else if (!append.payloads().empty()) {
    block.kind = Kind::kBytes;
    block.payloads = append.payloads();
    block.offsets.reserve(append.count() + 1);
    block.offsets.push_back(0);
    for (const uint32_t size : append.payload_size()) {
      block.offsets.push_back(block.offsets.back() + size);
    }
  }
  Declare(append, block);
  if (block.kind == Kind::kBytes || !block.costs.empty()) block.open = block.count;
  return block;
}

void PayloadBlocks::Declare(const pb::AppendTasks& append, Block& block) const {
  block.cost_us = expected_us_;
  if (append.cost_us_size() > 0) {
    block.costs.assign(append.cost_us().begin(), append.cost_us().end());
  } else if (sleeps_ && block.kind == Kind::kBytes) {
    for (uint64_t i = 0; i < block.count; ++i) {
      block.costs.push_back(
          SleepCost(std::string_view(block.payloads)
                        .substr(block.offsets[i], block.offsets[i + 1] - block.offsets[i])));
    }
  } else if (sleeps_ && block.kind == Kind::kRange) {
    block.cost_us = ValueCost(block.start, block.step, block.first);
  }
  if (block.costs.empty() ||
      std::ranges::adjacent_find(block.costs, std::ranges::not_equal_to{}) != block.costs.end()) {
    return;
  }
  block.cost_us = block.costs.front();
  block.costs = {};
}

uint64_t PayloadBlocks::DeclaredSum(const Block& block) const {
  if (!block.costs.empty()) {
    uint64_t sum = 0;
    for (const uint32_t cost : block.costs) sum += cost;
    return sum;
  }
  using Wide = unsigned __int128;
  if (!sleeps_ || block.kind != Kind::kRange || block.step == 0) {
    return Saturated(Wide{block.cost_us} * block.count);
  }
  // An arithmetic series; values below 0 cost nothing, which its ends show well enough.
  const uint64_t last = ValueCost(block.start, block.step, block.end() - 1);
  return Saturated((Wide{block.cost_us} + last) * block.count / 2);
}

bool PayloadBlocks::Alike(const Block& a, const Block& b) {
  return a.kind != Kind::kBytes && a.kind == b.kind && a.start == b.start && a.step == b.step &&
         a.costs.empty() && b.costs.empty() && (a.cost_us == b.cost_us || a.step != 0);
}

uint64_t PayloadBlocks::IndexOf(uint64_t task) const {
  if (last_ < blocks_.size() && task >= blocks_[last_].first && task < blocks_[last_].end()) {
    return last_;
  }
  const auto after = std::ranges::upper_bound(blocks_, task, {}, &Block::first);
  FANMILL_CHECK(after != blocks_.begin() && task < (after - 1)->end(), "no such task");
  last_ = static_cast<uint64_t>(after - blocks_.begin()) - 1;
  return last_;
}

uint64_t PayloadBlocks::CostUs(uint64_t task) const {
  const Block& block = At(task);
  if (!block.costs.empty()) return block.costs[task - block.first];
  if (sleeps_ && block.kind == Kind::kRange) return ValueCost(block.start, block.step, task);
  return block.cost_us;
}

uint32_t PayloadBlocks::PayloadSize(uint64_t task) const {
  const Block& block = At(task);
  if (block.offsets.empty()) return 0;
  return block.offsets[task - block.first + 1] - block.offsets[task - block.first];
}

bool PayloadBlocks::SameKind(uint64_t a, uint64_t b) const {
  const Block& of_a = At(a);
  const Block& of_b = At(b);
  return of_a.kind == of_b.kind && of_a.start == of_b.start && of_a.step == of_b.step;
}

uint64_t PayloadBlocks::KindEnd(uint64_t task, uint64_t end) const {
  uint64_t reach = At(task).end();
  while (reach < end && SameKind(task, reach)) reach = At(reach).end();
  return std::min(reach, end);
}

void PayloadBlocks::FillAll(const TaskList& tasks, pb::TaskChunk& chunk) const {
  const Block& first = At(tasks[0]);
  if (first.kind == Kind::kRange) {
    chunk.mutable_range()->set_start(first.start);
    chunk.mutable_range()->set_step(first.step);
  }
  if (first.kind != Kind::kBytes) return;
  chunk.mutable_payload_size()->Reserve(static_cast<int>(tasks.size()));
  for (uint64_t i = 0; i < tasks.size(); ++i) {
    const Block& block = At(tasks[i]);
    FANMILL_CHECK(!block.offsets.empty(), "a task that is handed out still has its bytes");
    const uint64_t index = tasks[i] - block.first;
    const uint32_t size = block.offsets[index + 1] - block.offsets[index];
    chunk.add_payload_size(size);
    chunk.mutable_payloads()->append(block.payloads, block.offsets[index], size);
  }
}

void PayloadBlocks::Done(uint64_t task) {
  if (bytes_ == 0) return;
  Block& block = blocks_[IndexOf(task)];
  if (block.open == 0 || --block.open > 0) return;
  bytes_ -= block.bytes();
  block.payloads = {};
  block.offsets = {};
  block.costs = {};
}

void PayloadBlocks::Free() {
  blocks_ = {};
  bytes_ = 0;
  last_ = 0;
}

}  // namespace fanmill::ventilator
