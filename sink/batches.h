// Batches: every batch that the sink has heard of, with what it has written about each and waits to
// see durable, so that nothing is written twice for want of an fsync.
#ifndef FANMILL_SINK_BATCHES_H_
#define FANMILL_SINK_BATCHES_H_

#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "sink/batch_fold.h"

namespace fanmill {

struct Batch {
  explicit Batch(uint32_t number) : fold(number) {}

  BatchFold fold;          // of durable rows only
  bool begun = false;      // results of it came, so it was started
  uint64_t begun_at = 0;   // the newest heartbeat then
  bool recovered = false;  // known from before this start
  bool forgotten = false;  // ended, and its rows were dropped to make room. R68
  uint64_t bytes = 0;      // of its rows in the journal
  // Written, not durable yet.
  bool opening = false;
  bool sealing = false;
  bool closing = false;
  absl::btree_set<uint64_t> finalising;
  absl::btree_set<PartKey> arriving;  // parts of large outputs; as many as memory has room for
};

class Batches {
 public:
  explicit Batches(uint64_t batches_max) : batches_max_(batches_max) {}

  // Null when it is not known.
  Batch* Find(uint32_t number) {
    const auto found = batches_.find(number);
    return found == batches_.end() ? nullptr : &found->second;
  }
  const Batch* Find(uint32_t number) const { return const_cast<Batches*>(this)->Find(number); }
  // The batch, made when new. Null for number 0, or when there are too many.
  Batch* Make(uint32_t number) {
    if (Batch* found = Find(number)) return found;
    if (number == 0 || full()) return nullptr;
    return &batches_.emplace(number, Batch(number)).first->second;
  }
  void Erase(uint32_t number) { batches_.erase(number); }
  bool full() const { return batches_.size() >= batches_max_; }
  const absl::btree_map<uint32_t, Batch>& all() const { return batches_; }
  absl::btree_map<uint32_t, Batch>& all() { return batches_; }

 private:
  uint64_t batches_max_;
  absl::btree_map<uint32_t, Batch> batches_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_BATCHES_H_
