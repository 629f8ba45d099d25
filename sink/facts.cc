#include "sink/facts.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lib/core/range_set.h"

namespace fanmill {
namespace {

// Adds the set bits of [begin, end); returns how far that came before the limit on ranges.
uint64_t AddSet(const SparseBitmap& bits, uint64_t begin, uint64_t end, uint64_t ranges_max,
                RangeSet& set) {
  for (uint64_t from = bits.NextSet(begin); from < end;) {
    if (set.range_count() >= ranges_max) return from;
    const uint64_t to = std::min(end, bits.NextClear(from));
    set.Add(from, to);
    from = bits.NextSet(to);
  }
  return end;
}

// Adds failed attempts of tasks that have no end yet; returns how far that came.
uint64_t AddAttempts(uint32_t batch, const BatchFold& fold, uint64_t begin, uint64_t end,
                     uint64_t attempts_max, pb::KnownFacts& known) {
  uint64_t through = end;
  fold.attempts().ForEach(begin, end,
                          [&](const FailedAttempts::Key& key, const FailedAttempt& attempt) {
                            if (fold.IsTerminal(key.task)) return true;
                            if (static_cast<uint64_t>(known.attempts_size()) >= attempts_max) {
                              through = key.task;
                              return false;
                            }
                            pb::AttemptFailure& failure = *known.add_attempts();
                            failure.set_batch(batch);
                            failure.set_task(key.task);
                            failure.set_epoch(key.epoch);
                            failure.set_attempt(key.attempt);
                            failure.set_status(attempt.status);
                            failure.set_code(attempt.code);
                            return true;
                          });
  return through;
}

pb::KnownFacts AnswerBatch(const pb::BatchFacts& asked, const Batch* batch, FactsLimits& limits) {
  pb::KnownFacts known;
  known.set_batch(asked.batch());
  RangeSet ask;
  RangeSet::Unpack(asked.ask(), UINT64_MAX, &ask);
  if (!ask.empty()) known.set_answered_through(ask.ranges().rbegin()->second);
  if (batch == nullptr) return known;
  const BatchFold& fold = batch->fold;
  if (fold.closed()) *known.mutable_closed() = fold.Closed();
  RangeSet ok;
  RangeSet failed;
  for (const auto& [begin, end] : ask.ranges()) {
    const uint64_t through =
        std::min({AddSet(fold.ok(), begin, end, limits.ranges, ok),
                  AddSet(fold.failed(), begin, end, limits.ranges, failed),
                  AddAttempts(asked.batch(), fold, begin, end, limits.attempts, known)});
    if (through == end) continue;
    known.set_answered_through(through);
    break;
  }
  *known.mutable_ok() = ok.Pack();
  *known.mutable_failed() = failed.Pack();
  limits.ranges -= std::max(ok.range_count(), failed.range_count());
  limits.attempts -= static_cast<uint64_t>(known.attempts_size());
  return known;
}

}  // namespace

pb::FactsReply AnswerFacts(const pb::FactsRequest& request, const Batches& batches,
                           FactsLimits limits) {
  pb::FactsReply reply;
  reply.set_sequence(request.sequence());
  for (const pb::BatchFacts& asked : request.batches()) {
    *reply.add_batches() = AnswerBatch(asked, batches.Find(asked.batch()), limits);
  }
  return reply;
}

}  // namespace fanmill
