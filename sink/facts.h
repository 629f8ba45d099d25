// Facts: what the ledger knows of the tasks a ventilator asks about. Only durable rows are known.
#ifndef FANMILL_SINK_FACTS_H_
#define FANMILL_SINK_FACTS_H_

#include <cstdint>

#include "proto/fanmill.pb.h"
#include "sink/batches.h"

namespace fanmill {

struct FactsLimits {
  uint64_t ranges = 100'000;  // of each kind, in one reply
  uint64_t attempts = 50'000;
};

// Answers each batch of the request, in its order. Where a limit cuts an answer short,
// `answered_through` says how far it reaches; a request is answered in pages so. R75
pb::FactsReply AnswerFacts(const pb::FactsRequest& request, const Batches& batches,
                           FactsLimits limits);

}  // namespace fanmill

#endif  // FANMILL_SINK_FACTS_H_
