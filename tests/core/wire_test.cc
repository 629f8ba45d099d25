#include "lib/core/wire.h"

#include <gtest/gtest.h>

#include <set>

#include "lib/core/describe.h"
#include "lib/core/limits.h"
#include "lib/core/task_set.h"
#include "tests/core/sample_messages.h"

namespace fanmill {
namespace {

Message Decoded(Channel channel, const pb::Envelope& envelope) {
  return Decode(channel, Frame::Own(envelope.SerializeAsString()));
}

// Why the envelope is no message of the channel; empty: it is one.
std::string WhyBad(Channel channel, const pb::Envelope& envelope) {
  const Message message = Decoded(channel, envelope);
  const BadFrame* bad = std::get_if<BadFrame>(&message);
  return bad == nullptr ? "" : bad->reason;
}

pb::Envelope SampleOf(pb::Envelope::BodyCase body) {
  for (const Sample& sample : SampleMessages()) {
    if (sample.envelope.body_case() == body) return sample.envelope;
  }
  ADD_FAILURE() << "no sample of body " << body;
  return {};
}

TEST(Wire, HasASampleOfEveryBodyForTheseTests) {
  std::set<int> met;
  for (const Sample& sample : SampleMessages()) met.insert(sample.envelope.body_case());
  EXPECT_EQ(static_cast<int>(met.size()), pb::Envelope::descriptor()->oneof_decl(0)->field_count());
}

TEST(Wire, GivesEveryBodyBackAsItWasSent) {
  for (const Sample& sample : SampleMessages()) {
    const Message sent = Wire{std::make_shared<const pb::Envelope>(sample.envelope), {}};
    const Frame frame = Encode(sent);
    const Message received = Decode(sample.channel, frame);
    const Wire* wire = std::get_if<Wire>(&received);
    ASSERT_NE(wire, nullptr) << Describe(sent) << ": " << WhyBad(sample.channel, sample.envelope);
    EXPECT_EQ(wire->envelope->SerializeAsString(), frame.bytes);
    EXPECT_EQ(wire->frame.bytes.data(), frame.bytes.data()) << "the frame is shared, not copied";
    EXPECT_EQ(Encode(received).bytes.data(), frame.bytes.data()) << "and sent on as it is";
  }
}

// R1
TEST(Wire, RefusesEveryBodyOnEveryOtherChannel) {
  for (const Sample& sample : SampleMessages()) {
    for (const Channel channel : kNetworkChannels) {
      if (channel == sample.channel) continue;
      EXPECT_NE(WhyBad(channel, sample.envelope), "")
          << sample.envelope.body_case() << " on " << ChannelName(channel);
    }
  }
}

// R1: a peer that speaks for another role is a stranger.
TEST(Wire, RefusesEveryBodyFromARoleThatNeverSendsIt) {
  for (const Sample& sample : SampleMessages()) {
    const bool from_controller = sample.envelope.role() == pb::CONTROLLER;
    for (const pb::Role role :
         {from_controller ? pb::WORKER : pb::CONTROLLER, pb::GUARDIAN, pb::ROLE_UNKNOWN}) {
      if (role == sample.envelope.role()) continue;
      pb::Envelope envelope = sample.envelope;
      envelope.set_role(role);
      EXPECT_NE(WhyBad(sample.channel, envelope), "") << envelope.ShortDebugString();
    }
  }
}

TEST(Wire, RefusesARoleThatIsNone) {
  pb::Envelope envelope = SampleOf(pb::Envelope::kProbe);
  envelope.set_role(static_cast<pb::Role>(31));
  EXPECT_NE(WhyBad(Channel::kLane, envelope), "");
  envelope.set_role(static_cast<pb::Role>(-1));
  EXPECT_NE(WhyBad(Channel::kLane, envelope), "");
}

TEST(Wire, RefusesAWorkerWithoutAnIncarnation) {
  pb::Envelope envelope = SampleOf(pb::Envelope::kSpecRequest);
  envelope.set_epoch(0);
  EXPECT_NE(WhyBad(Channel::kLease, envelope), "");
}

// R1
TEST(Wire, RefusesWhatIsNoMessageAtAll) {
  for (const std::string& garbage :
       {std::string(), std::string("GET / HTTP/1.0\r\n\r\n"), std::string("\0\0\0", 3),
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}) {
    for (const Channel channel : kNetworkChannels) {
      const Message message = Decode(channel, Frame::Own(garbage));
      const BadFrame* bad = std::get_if<BadFrame>(&message);
      ASSERT_NE(bad, nullptr);
      EXPECT_NE(bad->reason, "");
    }
  }
}

// R1
TEST(Wire, RefusesAnEnvelopeWithoutABody) {
  EXPECT_EQ(WhyBad(Channel::kControl, NewEnvelope(Identity{pb::WORKER, 1, 0})),
            "it has no body that we know");
}

// R2: what the controller needs to answer a peer of another version.
TEST(Wire, NamesTheProtocolVersionOfAnotherVersionsFrame) {
  pb::Envelope envelope = SampleOf(pb::Envelope::kHello);
  envelope.set_protocol(2);
  const Message message = Decoded(Channel::kControl, envelope);
  const BadFrame& bad = std::get<BadFrame>(message);
  EXPECT_EQ(bad.protocol, 2u);
  EXPECT_EQ(bad.reason, "protocol version 2, ours is 1");
}

// R2: fields 1 to 3 never change; all behind them may.
TEST(Wire, NamesTheVersionEvenOfAFrameThatItCannotParse) {
  const std::string body = "\x52\x05\xff\xff\xff\xff\xff";  // Hello (field 10) that does not parse
  const Message message = Decode(Channel::kControl, Frame::Own("\x08\x09" + body));
  EXPECT_EQ(std::get<BadFrame>(message).protocol, 9u);
  const Message behind = Decode(Channel::kControl, Frame::Own(body + "\x08\x09"));
  EXPECT_EQ(std::get<BadFrame>(behind).protocol, 9u);
}

// R2: or nobody of another version would ever read why.
TEST(Wire, UnderstandsARefusalOfAnyVersion) {
  pb::Envelope envelope = SampleOf(pb::Envelope::kRefused);
  envelope.set_protocol(9);
  const Message message = Decoded(Channel::kControl, envelope);
  ASSERT_TRUE(std::holds_alternative<Wire>(message));
  EXPECT_EQ(std::get<Wire>(message).envelope->refused().reason(), envelope.refused().reason());
  EXPECT_EQ(std::get<BadFrame>(Decoded(Channel::kFacts, envelope)).protocol, 9u);
}

// R2: only another version is named, so that nobody refuses a peer of our own for one bad frame.
TEST(Wire, NamesNoVersionForABadFrameOfOurOwn) {
  pb::Envelope envelope = SampleOf(pb::Envelope::kProbe);
  const Message message = Decoded(Channel::kControl, envelope);
  EXPECT_EQ(std::get<BadFrame>(message).protocol, 0u);
}

// R3: the cluster id is the machine's to judge; decoding keeps it.
TEST(Wire, KeepsTheClusterIdAndTheSender) {
  const Message message = Decoded(Channel::kLane, SampleOf(pb::Envelope::kProbe));
  const pb::Envelope& envelope = *std::get<Wire>(message).envelope;
  EXPECT_EQ(envelope.cluster(), 99u);
  EXPECT_EQ(envelope.role(), pb::VENTILATOR);
  EXPECT_EQ(envelope.epoch(), 7u);
}

TEST(Wire, DiscardsFieldsThatItDoesNotKnow) {
  pb::Envelope envelope = SampleOf(pb::Envelope::kHello);
  const std::string known = envelope.SerializeAsString();
  envelope.GetReflection()->MutableUnknownFields(&envelope)->AddVarint(3000, 1);
  pb::Hello* hello = envelope.mutable_hello();
  hello->GetReflection()->MutableUnknownFields(hello)->AddLengthDelimited(3000, "later");
  const Message message = Decoded(Channel::kControl, envelope);
  EXPECT_EQ(std::get<Wire>(message).envelope->SerializeAsString(), known);
}

// R1
TEST(Wire, TakesAFrameAtItsChannelsLimitAndNoneAboveIt) {
  for (const Channel channel : kNetworkChannels) {
    if (channel == Channel::kSignal) continue;
    const Sample* of_channel = nullptr;
    const std::vector<Sample> samples = SampleMessages();
    for (const Sample& sample : samples) {
      if (sample.channel == channel) of_channel = &sample;
    }
    ASSERT_NE(of_channel, nullptr);
    std::string text = of_channel->envelope.SerializeAsString();
    // An unknown field of bytes fills it: tag in 2 bytes, length in 4.
    const size_t fill = FrameBytesMax(channel) - text.size() - 6;
    text += "\xfa\x7e";
    for (int shift = 0; shift < 28; shift += 7) {
      text += static_cast<char>(((fill >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0));
    }
    text.append(fill, '.');
    ASSERT_EQ(text.size(), FrameBytesMax(channel));
    EXPECT_TRUE(std::holds_alternative<Wire>(Decode(channel, Frame::Own(text))));
    EXPECT_TRUE(std::holds_alternative<BadFrame>(Decode(channel, Frame::Own(text + "."))));
  }
}

TEST(Wire, CarriesSignalsAsText) {
  const Signal signal{Signal::Topic::kBatch, 17, Signal::Verb::kKill, 3};
  const Frame frame = Encode(signal);
  EXPECT_EQ(frame.bytes, "b/17 KILL 3");
  EXPECT_EQ(std::get<Signal>(Decode(Channel::kSignal, frame)), signal);
  EXPECT_TRUE(std::holds_alternative<BadFrame>(Decode(Channel::kSignal, Frame::Own("b/17 KILL"))));
}

TEST(WireDeathTest, HasNoBytesForMessagesInsideTheProcess) {
  EXPECT_DEATH(Encode(StopAsked{1}), "no bytes");
  EXPECT_DEATH(FrameBytesMax(Channel::kJournal), "no frames");
}

}  // namespace
}  // namespace fanmill
