// Mill: what all parts of the dispatcher share: the batches, who we are, what the sink and the
// controller last said, and what was counted. Parts change it only through what is named here.
#ifndef FANMILL_VENTILATOR_MILL_H_
#define FANMILL_VENTILATOR_MILL_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/member.h"
#include "ventilator/batch_tasks.h"
#include "ventilator/options.h"

namespace fanmill::ventilator {

inline constexpr char kShuttingDown[] = "the cluster is shutting down";  // for people

struct Mill {
  explicit Mill(const DispatcherOptions& o);

  const DispatcherOptions options;
  Member member;
  std::map<uint32_t, std::unique_ptr<BatchTasks>> batches;
  std::map<std::string, uint64_t> counters;
  std::vector<std::string> notices;

  uint64_t sink_room = 0;  // R65; 0 until it said so
  std::string sink_full;   // its words for why there is none
  Instant sink_heard{};
  bool feed_all = false;    // something became available that any lane may take
  bool facts_news = false;  // the sink should be told at once

  BatchTasks* Find(uint32_t batch) {
    const auto found = batches.find(batch);
    return found == batches.end() ? nullptr : found->second.get();
  }
  void Count(const char* what, uint64_t times = 1) { counters[what] += times; }
  pb::Envelope NewEnvelope() const { return fanmill::NewEnvelope(member.identity()); }
  bool IsOwnChunk(uint64_t chunk) const {
    return ChunkEpoch(chunk) == ChunkEpoch(ChunkId(options.epoch, 0));
  }
  bool IsShuttingDown() const { return member.state().wish() != pb::RUN; }
  // The whole cluster drains or dies, or this worker does: nothing more is handed out.
  bool IsLeaving(uint32_t worker) const;
  // R55, R65: whether acks may be awaited at all.
  bool SinkIsSilent(Instant now) const { return now >= After(sink_heard, options.sink_silence); }
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_MILL_H_
