// OutputParts: large outputs of a batch, and which ledger rows hold their parts. An output is
// whole when each of its parts has a row; until then the result that names it does not count.
#ifndef FANMILL_SINK_OUTPUT_PARTS_H_
#define FANMILL_SINK_OUTPUT_PARTS_H_

#include <compare>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

// 1 GiB in parts of 64 KiB; a part of a higher number is dropped and counted.
inline constexpr uint32_t kPartsPerStreamMax = 16384;

// Which part of which output of which attempt.
struct PartKey {
  explicit PartKey(const pb::OutputPart& part)
      : task(part.task()), chunk(part.chunk()), stream(part.stream()), part(part.part()) {}
  uint64_t task;
  uint64_t chunk;
  uint32_t stream;
  uint32_t part;
  friend auto operator<=>(const PartKey&, const PartKey&) = default;
};

class OutputParts {
 public:
  // False when the part number is above the limit. A part that is there already stays, and nothing
  // is added to an output that a result has claimed.
  bool Add(uint64_t sequence, const pb::OutputPart& part);
  // Whether adding it would change nothing.
  bool Has(const pb::OutputPart& part) const;
  // If all parts of all large outputs of the chunk are there, claims them for it: from now on its
  // outputs are these rows and no others. Else changes nothing and returns false. `sequence`: the
  // row that claims. What is no news of a task needs no outputs: `is_news` says of which it is.
  bool Claim(uint64_t sequence, const pb::ResultChunk& chunk,
             absl::FunctionRef<bool(uint64_t task)> is_news);
  // The rows of the output's parts, in order; null when nothing is claimed there.
  const std::vector<uint64_t>* Claimed(uint64_t task, uint64_t chunk, uint32_t stream) const;
  // Forgets what other chunks brought for the task.
  void KeepOnly(uint64_t task, uint64_t chunk);
  // Forgets what the row claimed for the task: it came late.
  void Unclaim(uint64_t sequence, uint64_t task, uint64_t chunk);
  bool empty() const { return outputs_.empty(); }

 private:
  struct Key {
    uint64_t task;
    uint64_t chunk;
    uint32_t stream;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Output {
    std::vector<uint64_t> rows;  // by part; 0: not there
    uint64_t claimed_by = 0;     // 0: no row yet
  };
  bool IsWhole(uint64_t chunk, const pb::LargeOutput& large) const;

  absl::btree_map<Key, Output> outputs_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_OUTPUT_PARTS_H_
