// One valid envelope of every body, each on its channel and from its sender, with most fields set.
#ifndef FANMILL_TESTS_CORE_SAMPLE_MESSAGES_H_
#define FANMILL_TESTS_CORE_SAMPLE_MESSAGES_H_

#include <vector>

#include "lib/core/peer.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

struct Sample {
  Channel channel;
  v1::Envelope envelope;
};

std::vector<Sample> SampleMessages();

inline constexpr Channel kNetworkChannels[] = {
    Channel::kControl, Channel::kSignal, Channel::kResults, Channel::kAcks,
    Channel::kLease,   Channel::kIntake, Channel::kFacts,   Channel::kLane};

}  // namespace fanmill

#endif  // FANMILL_TESTS_CORE_SAMPLE_MESSAGES_H_
