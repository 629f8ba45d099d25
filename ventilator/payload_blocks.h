// PayloadBlocks: what the tasks of a batch are made of, as it was appended: a range as a range,
// bytes as one block whose memory is freed once all its tasks are terminal.
#ifndef FANMILL_VENTILATOR_PAYLOAD_BLOCKS_H_
#define FANMILL_VENTILATOR_PAYLOAD_BLOCKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/fanmill.pb.h"
#include "ventilator/task_list.h"

namespace fanmill::ventilator {

class PayloadBlocks {
 public:
  // `sleeps`: a payload is the decimal number of microseconds, hence the task's declared cost.
  // `expected_us`: the declared cost of tasks that have none of their own; 0: none.
  PayloadBlocks(bool sleeps, uint64_t expected_us) : sleeps_(sleeps), expected_us_(expected_us) {}

  // REQUIRES: append.first() == size(), and its columns agree with its count.
  void Append(const pb::AppendTasks& append);
  uint64_t size() const { return size_; }
  uint64_t bytes() const { return bytes_; }              // held in memory
  uint64_t expected_us() const { return declared_us_; }  // sum of declared costs
  // Whether two tasks may have different declared costs: only then is any order better.
  bool costs_vary() const { return costs_vary_; }

  uint64_t CostUs(uint64_t task) const;  // declared; 0: none
  uint32_t PayloadSize(uint64_t task) const;
  // Whether one chunk can carry both: bytes, values of one range, or nothing.
  bool SameKind(uint64_t a, uint64_t b) const;
  // Where the run of tasks of the kind of `task` ends; at most `end`.
  uint64_t KindEnd(uint64_t task, uint64_t end) const;
  bool HasBytes(uint64_t task) const { return At(task).kind == Kind::kBytes; }
  // Writes the tasks' payloads into the chunk. REQUIRES: they are of one kind.
  void FillAll(const TaskList& tasks, pb::TaskChunk& chunk) const;

  void Done(uint64_t task);  // terminal, once: its bytes are not needed any more
  void Free();               // none is

 private:
  enum class Kind : uint8_t { kNone, kRange, kBytes };
  struct Block {
    uint64_t first = 0;
    uint64_t count = 0;
    Kind kind = Kind::kNone;
    int64_t start = 0, step = 0;  // kRange
    uint64_t cost_us = 0;         // of each, when costs is empty
    uint64_t open = 0;            // kBytes, costs: tasks not terminal
    std::string payloads;
    std::vector<uint32_t> offsets;  // count + 1 of them
    std::vector<uint32_t> costs;
    uint64_t end() const { return first + count; }
    uint64_t bytes() const {
      return payloads.size() + sizeof(uint32_t) * (offsets.size() + costs.size());
    }
  };
  uint64_t IndexOf(uint64_t task) const;
  const Block& At(uint64_t task) const { return blocks_[IndexOf(task)]; }
  Block NewBlock(const pb::AppendTasks& append) const;
  void Declare(const pb::AppendTasks& append, Block& block) const;
  uint64_t DeclaredSum(const Block& block) const;
  static bool Alike(const Block& a, const Block& b);

  bool sleeps_;
  uint64_t expected_us_;
  uint64_t size_ = 0;
  uint64_t bytes_ = 0;
  uint64_t declared_us_ = 0;
  bool costs_vary_ = false;
  std::vector<Block> blocks_;  // ascending, without gaps
  mutable uint64_t last_ = 0;  // index of the block that was asked for last
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_PAYLOAD_BLOCKS_H_
