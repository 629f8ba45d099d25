#include "lib/core/routes.h"

namespace fanmill {
namespace {

constexpr unsigned From(v1::Role role) { return 1u << role; }
constexpr unsigned kMembers =
    From(v1::CLIENT) | From(v1::VENTILATOR) | From(v1::SINK) | From(v1::WORKER);

struct Route {
  Channel channel;
  unsigned senders;
};

Route RouteOf(const v1::Envelope& envelope) {
  switch (envelope.body_case()) {
    case v1::Envelope::kHello:
    case v1::Envelope::kCommand:
      return {Channel::kControl, kMembers};
    case v1::Envelope::kHeartbeat:
      return {Channel::kControl, kMembers | From(v1::GUARDIAN)};
    case v1::Envelope::kWelcome:
    case v1::Envelope::kHeartbeatReply:
    case v1::Envelope::kRefused:
    case v1::Envelope::kCommandReply:
      return {Channel::kControl, From(v1::CONTROLLER)};
    case v1::Envelope::kTasks:
    case v1::Envelope::kProbe:
      return {Channel::kLane, From(v1::VENTILATOR)};
    case v1::Envelope::kResults:
    case v1::Envelope::kOutput:
    case v1::Envelope::kProbeEcho:
      return {Channel::kResults, From(v1::WORKER)};
    case v1::Envelope::kBatchOpen:
      return {Channel::kResults, From(v1::VENTILATOR)};
    case v1::Envelope::kAck:
      return {Channel::kAcks, From(v1::SINK)};
    case v1::Envelope::kLeaseHello:
    case v1::Envelope::kLeaseReport:
    case v1::Envelope::kFinished:
    case v1::Envelope::kSpecRequest:
      return {Channel::kLease, From(v1::WORKER)};
    case v1::Envelope::kDeathReport:
      return {Channel::kLease, From(v1::GUARDIAN)};
    case v1::Envelope::kLeaseGrant:
    case v1::Envelope::kLeaseReply:
    case v1::Envelope::kRecall:
    case v1::Envelope::kSpecReply:
      return {Channel::kLease, From(v1::VENTILATOR)};
    case v1::Envelope::kOpenBatch:
    case v1::Envelope::kAppend:
    case v1::Envelope::kSeal:
      return {Channel::kIntake, From(v1::CLIENT)};
    case v1::Envelope::kBatchOpened:
    case v1::Envelope::kAppended:
      return {Channel::kIntake, From(v1::VENTILATOR)};
    case v1::Envelope::kFactsRequest:
      return {Channel::kFacts, From(v1::VENTILATOR)};
    case v1::Envelope::kSummaryRequest:
      return {Channel::kFacts, From(v1::CONTROLLER)};
    case v1::Envelope::kReadRequest:
    case v1::Envelope::kPruneRequest:
      return {Channel::kFacts, From(v1::CLIENT)};
    case v1::Envelope::kFactsReply:
    case v1::Envelope::kSummaryReply:
    case v1::Envelope::kReadReply:
    case v1::Envelope::kPruneReply:
      return {Channel::kFacts, From(v1::SINK)};
    case v1::Envelope::BODY_NOT_SET:
      break;
  }
  return {Channel::kNet, 0};  // no channel of the network
}

}  // namespace

const char* WhyAstray(Channel channel, const v1::Envelope& envelope) {
  if (envelope.body_case() == v1::Envelope::BODY_NOT_SET) return "it has no body that we know";
  if (!v1::Role_IsValid(envelope.role())) return "its sender's role is none";
  const Route route = RouteOf(envelope);
  if (route.channel != channel) return "its body does not belong to the channel";
  if ((route.senders & From(envelope.role())) == 0) return "its body does not belong to its sender";
  return nullptr;
}

}  // namespace fanmill
