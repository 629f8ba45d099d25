// FailedAttempts: the attempts of a batch that failed, and where their output stands in the
// ledger. Failed attempts are exceptions, so an entry each is affordable. Of a task that ended OK
// none is kept; of one that is FINAL_FAILED the attempt that is its end, when that is known.
#ifndef FANMILL_SINK_FAILED_ATTEMPTS_H_
#define FANMILL_SINK_FAILED_ATTEMPTS_H_

#include <compare>
#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

namespace pb = ::fanmill::v1;

struct FailedAttempt {
  pb::Status status = pb::FAILED;
  int32_t code = 0;
  uint32_t worker = 0;
  uint64_t run_us = 0;
  uint64_t chunk = 0;
  uint64_t sequence = 0;  // of the ledger row with its results
  uint32_t index = 0;     // in that row
};

class FailedAttempts {
 public:
  struct Key {
    uint64_t task;
    uint64_t epoch;
    uint32_t attempt;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  bool empty() const { return attempts_.empty(); }
  // The first record of an attempt stands; a duplicate changes nothing and returns false.
  bool Add(const Key& key, const FailedAttempt& attempt) {
    return attempts_.emplace(key, attempt).second;
  }
  // Null when that attempt is not known.
  const FailedAttempt* Find(const Key& key) const;
  // The first known attempt of the task; null when none is.
  const FailedAttempt* FirstOf(uint64_t task, Key* key) const;
  void Erase(uint64_t begin, uint64_t end);  // all attempts of tasks [begin, end)
  void KeepOnly(const Key& key);             // of key.task, every attempt but this one goes

  // Attempts of tasks [begin, end), in order, until the visitor returns false.
  template <class Visit>  // bool(const Key&, const FailedAttempt&)
  void ForEach(uint64_t begin, uint64_t end, Visit&& visit) const {
    for (auto at = attempts_.lower_bound(Key{begin, 0, 0});
         at != attempts_.end() && at->first.task < end; ++at) {
      if (!visit(at->first, at->second)) return;
    }
  }

 private:
  absl::btree_map<Key, FailedAttempt> attempts_;
};

}  // namespace fanmill

#endif  // FANMILL_SINK_FAILED_ATTEMPTS_H_
