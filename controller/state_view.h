// StateView: ClusterState, the whole of what everybody should know, and its version. A version is
// never used twice, not even over restarts, so that peers need only compare. R12
#ifndef FANMILL_CONTROLLER_STATE_VIEW_H_
#define FANMILL_CONTROLLER_STATE_VIEW_H_

#include <cstdint>
#include <map>
#include <vector>

#include "controller/batch_life.h"
#include "controller/membership.h"
#include "controller/reports.h"
#include "controller/wishes.h"

namespace fanmill::control {

pb::BatchState StateOf(const Batch& batch, Instant now);

class StateView {
 public:
  explicit StateView(uint64_t epoch) : version_((epoch << 32) + 1) {}

  // To be called with every change of what the state is made of.
  void Changed() { ++version_; }
  uint64_t version() const { return version_; }
  // R17: ended batches are heard of too.
  void HearOf(uint32_t batch) {
    if (batch <= batches_through_) return;
    batches_through_ = batch;
    Changed();
  }

  // Good until the next call. Built once per version; only the ages are filled in anew.
  const pb::ClusterState& State(Instant now, const Membership& members, const Wishes& wishes,
                                const std::map<uint32_t, Batch>& batches, const Reports& reports);

 private:
  struct Ages {
    Instant start;
    Instant end;
  };
  void Build(const Membership& members, const Wishes& wishes,
             const std::map<uint32_t, Batch>& batches, const Reports& reports);

  uint64_t version_;
  uint32_t batches_through_ = 0;
  pb::ClusterState built_;  // of version built_.version()
  std::vector<Ages> ages_;  // by index of built_.batches
};

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_STATE_VIEW_H_
