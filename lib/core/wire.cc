#include "lib/core/wire.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wire_format_lite.h>

#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "lib/core/validate.h"

namespace fanmill {
namespace {

// What does not parse is ours to count and to name; protobuf would let every stranger write lines
// on stderr.
[[maybe_unused]] const auto kProtobufsOwnLog = google::protobuf::SetLogHandler(nullptr);

// The protocol version in a frame that may be nothing else that we know; 0 when there is none.
uint32_t PeekProtocol(std::string_view bytes) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(bytes.data()),
                                               static_cast<int>(bytes.size()));
  constexpr uint32_t kTag = pb::Envelope::kProtocolFieldNumber << 3;
  while (const uint32_t tag = input.ReadTag()) {
    uint32_t protocol = 0;
    if (tag == kTag) return input.ReadVarint32(&protocol) ? protocol : 0;
    if (!WireFormatLite::SkipField(&input, tag)) return 0;
  }
  return 0;
}

BadFrame Bad(std::string reason, uint32_t protocol = kProtocolVersion) {
  return {std::move(reason), protocol == kProtocolVersion ? 0 : protocol};
}

Message DecodeEnvelope(Channel channel, Frame frame) {
  auto envelope = std::make_shared<pb::Envelope>();
  const bool parsed =
      envelope->ParseFromArray(frame.bytes.data(), static_cast<int>(frame.bytes.size()));
  const uint32_t protocol = parsed ? envelope->protocol() : PeekProtocol(frame.bytes);
  // A refusal is for those of another version: it reads the same in all of them.  R2
  const bool refusal = parsed && channel == Channel::kControl && envelope->has_refused();
  if (protocol != kProtocolVersion && protocol != 0 && !refusal) {
    return Bad("protocol version " + std::to_string(protocol) + ", ours is " +
                   std::to_string(kProtocolVersion),
               protocol);
  }
  if (!parsed || protocol == 0) return Bad("no Fanmill message");
  if (const char* why = WhyInvalid(channel, *envelope)) return Bad(why);
  envelope->DiscardUnknownFields();
  return Wire{std::move(envelope), std::move(frame)};
}

}  // namespace

pb::Envelope NewEnvelope(const Identity& identity) {
  pb::Envelope envelope;
  envelope.set_protocol(kProtocolVersion);
  envelope.set_cluster(identity.cluster);
  envelope.set_role(identity.role);
  envelope.set_epoch(identity.epoch);
  return envelope;
}

size_t FrameBytesMax(Channel channel) {
  switch (channel) {
    case Channel::kControl:
      return kControlFrameBytesMax;
    case Channel::kSignal:
      return kSignalFrameBytesMax;
    case Channel::kResults:
      return kResultsFrameBytesMax;
    case Channel::kAcks:
      return kAckFrameBytesMax;
    case Channel::kLease:
      return kLeaseFrameBytesMax;
    case Channel::kIntake:
      return kIntakeFrameBytesMax;
    case Channel::kFacts:
      return kFactsFrameBytesMax;
    case Channel::kLane:
      return kLaneFrameBytesMax;
    case Channel::kNet:
    case Channel::kJournal:
    case Channel::kExecutor:
    case Channel::kPerson:
      break;
  }
  FANMILL_CHECK(false, "a channel inside the process has no frames");
}

Frame Encode(const Message& message) {
  if (const Signal* signal = std::get_if<Signal>(&message)) {
    return Frame::Own(EncodeSignal(*signal));
  }
  const Wire* wire = std::get_if<Wire>(&message);
  FANMILL_CHECK(wire != nullptr, "a message inside the process has no bytes");
  if (wire->frame.owner != nullptr) return wire->frame;
  return Frame::Own(wire->envelope->SerializeAsString());
}

// R1
Message Decode(Channel channel, Frame frame) {
  if (frame.bytes.size() > FrameBytesMax(channel)) {
    return Bad("a frame of " + std::to_string(frame.bytes.size()) + " bytes, at most " +
               std::to_string(FrameBytesMax(channel)) + " are allowed");
  }
  if (channel != Channel::kSignal) return DecodeEnvelope(channel, std::move(frame));
  if (const std::optional<Signal> signal = DecodeSignal(frame.bytes)) return *signal;
  return Bad("no signal");
}

}  // namespace fanmill
