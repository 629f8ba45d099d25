#include "sink/releases.h"

#include <algorithm>

#include "lib/core/task_set.h"
#include "sink/result_columns.h"

namespace fanmill {
namespace {

// Failed attempts in the row that are the end of their task, or may become it.
uint32_t FailuresKept(const LedgerRow& row, const BatchFold& fold) {
  const pb::ResultChunk& chunk = row.envelope->results();
  uint32_t kept = 0;
  ForEachTask(chunk.tasks(), [&](uint64_t index, uint64_t task) {
    if (StatusAt(chunk, index) == pb::OK) return;
    const FailedAttempt* known =
        fold.attempts().Find({task, ChunkEpoch(chunk.chunk()), AttemptAt(chunk, index)});
    if (known != nullptr && known->sequence == row.sequence) ++kept;
  });
  return kept;
}

}  // namespace

void Releases::Passed(const LedgerRow& row, const BatchFold& fold) {
  const bool results = row.envelope != nullptr && row.envelope->has_results();
  if (row.envelope != nullptr && !results) return;  // a part: until it is used
  steps_.push_back({Step::kPassed, row.sequence, results ? FailuresKept(row, fold) : 0});
}

void Releases::Used(const RowItem& item) {
  steps_.push_back({item.stream != 0 ? Step::kPartUsed : Step::kFailureUsed, item.source});
}

bool Releases::IsSpent(const Step& step) {
  if (step.what == Step::kPassed) {
    if (step.failures > 0) owed_[step.row] = step.failures;
    return step.failures == 0;
  }
  if (step.what == Step::kPartUsed) return true;
  const auto owed = owed_.find(step.row);
  if (owed == owed_.end() || --owed->second > 0) return false;
  owed_.erase(owed);
  return true;
}

std::vector<uint64_t> Releases::AskedFrom(uint64_t cursor) {
  std::vector<uint64_t> rows;
  if (cursor >= answered_) {
    for (const Step& step : steps_) {
      if (IsSpent(step)) rows.push_back(step.row);
    }
  }
  steps_.clear();
  for (const uint64_t row : rows) gone_ = std::max(gone_, row);
  return rows;
}

}  // namespace fanmill
