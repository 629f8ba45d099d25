// Reports: what is told of a batch from the sink's summary and the workers' accounts, when that is
// complete, and the reports of ended batches that are kept.
#ifndef FANMILL_CONTROLLER_REPORTS_H_
#define FANMILL_CONTROLLER_REPORTS_H_

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "controller/batch_life.h"
#include "controller/membership.h"
#include "lib/core/range_set.h"

namespace fanmill::control {

inline constexpr int kSketchBucketsMax = 8192;
inline constexpr int kSummaryWorkersMax = 8192;

// The summary, without columns longer than any honest sink sends.
pb::BatchSummary Bounded(const pb::BatchSummary& summary);

// Whether a worker that is still there owes the ended batch its account. R95
bool AccountsOutstanding(const Batch& batch, const Membership& members);

// The last progress, with the sink's final word; after a restart from the report alone.
pb::BatchProgress FinalProgress(pb::BatchProgress progress, const pb::BatchReport& report);

// With what is known now; complete when the batch has ended and no account is missing, final when
// none that is missing can still come.
pb::BatchReport BuildReport(const Batch& batch, const Membership& members);

// Ended batches, the newest of them.
class Reports {
 public:
  explicit Reports(size_t kept_max, size_t bytes_max)
      : kept_max_(kept_max), bytes_max_(bytes_max) {}

  struct Ended {
    pb::BatchReport report;
    pb::BatchProgress progress;
    uint64_t generation = 0;  // of its kill; 0: it was not killed
    std::vector<pb::Member>
        unconfirmed;  // lacked when its kill ended, and have not confirmed since
    size_t bytes = 0;
  };
  void Keep(const pb::BatchReport& report, const pb::BatchProgress& progress,
            uint64_t generation = 0, std::vector<pb::Member> unconfirmed = {});
  const Ended* Find(uint32_t batch) const;
  // Who is there again is to be told of the batches whose kill it has not confirmed. R92
  bool Owes(uint64_t incarnation) const;
  std::vector<pb::BatchState> Owed(const Membership& members) const;
  // Its receipt: it is named no longer. False when it was not.
  bool Confirm(uint64_t incarnation, uint32_t batch, uint64_t generation);
  // Whether the batch has ended, also when its report is no longer kept.
  bool HasEnded(uint32_t batch) const { return ended_.Contains(batch); }
  const std::map<uint32_t, Ended>& kept() const { return kept_; }

 private:
  const size_t kept_max_;
  const size_t bytes_max_;
  std::map<uint32_t, Ended> kept_;
  std::deque<uint32_t> oldest_first_;
  size_t bytes_ = 0;
  RangeSet ended_;
};

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_REPORTS_H_
