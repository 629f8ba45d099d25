#include "lib/core/peer.h"

namespace fanmill {

std::string_view ChannelName(Channel channel) {
  switch (channel) {
    case Channel::kControl:
      return "control";
    case Channel::kSignal:
      return "signal";
    case Channel::kResults:
      return "results";
    case Channel::kAcks:
      return "acks";
    case Channel::kLease:
      return "lease";
    case Channel::kIntake:
      return "intake";
    case Channel::kFacts:
      return "facts";
    case Channel::kLane:
      return "lane";
    case Channel::kNet:
      return "net";
    case Channel::kJournal:
      return "journal";
    case Channel::kExecutor:
      return "executor";
    case Channel::kPerson:
      return "person";
  }
  return "unknown";
}

}  // namespace fanmill
