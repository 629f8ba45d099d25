#include "lib/io/line.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/io/clock.h"
#include "lib/io/sockets.h"
#include "tests/io/script_node.h"

namespace fanmill {
namespace {

struct Pair {
  std::unique_ptr<Sockets> sockets;
  Address address;
  Line bound;
  Line connected;
};

Pair MakePair(Channel channel) {
  std::unique_ptr<Sockets> sockets = *Sockets::Open({});
  Sockets::Bound bound = *sockets->Bind(channel, AnyPort());
  zmq::socket_t connected = *sockets->Connect(channel, bound.address);
  return Pair{std::move(sockets), bound.address, Line(channel, true, std::move(bound.socket)),
              Line(channel, false, std::move(connected))};
}

std::optional<Received> Await(Line& line) {
  zmq_pollitem_t item = {line.handle(), 0, ZMQ_POLLIN, 0};
  zmq_poll(&item, 1, kPatience.count() / 1000);
  return line.Receive();
}

TEST(Line, CarriesFramesOfAnySizeUpToTheChannelsLimit) {
  Pair pair = MakePair(Channel::kAcks);
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{33}, size_t{1024}, size_t{1025}, kAckFrameBytesMax}) {
    ASSERT_EQ(pair.connected.Send(0, Frame::Own(std::string(size, 'x'))), Sent::kTaken);
    const std::optional<Received> received = Await(pair.bound);
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->bad, "");
    EXPECT_EQ(received->frame.bytes, std::string(size, 'x'));
  }
  EXPECT_EQ(pair.connected.Send(0, Frame::Own(std::string(kAckFrameBytesMax + 1, 'x'))),
            Sent::kTooLarge);
}

TEST(Line, SharesMemoryWithWhatItReceived) {
  Pair pair = MakePair(Channel::kAcks);
  ASSERT_EQ(pair.connected.Send(0, Frame::Own(std::string(100'000, 'a'))), Sent::kTaken);
  std::optional<Received> received = Await(pair.bound);
  ASSERT_TRUE(received.has_value());
  const Frame kept = received->frame;
  const char* const bytes = received->frame.bytes.data();
  received.reset();
  EXPECT_EQ(kept.bytes.data(), bytes);
  EXPECT_EQ(kept.bytes, std::string(100'000, 'a'));
}

TEST(Line, SendsLargeFramesWithoutACopyAndLetsGoOfThemAfterwards) {
  Pair pair = MakePair(Channel::kAcks);
  Frame frame = Frame::Own(std::string(100'000, 'a'));
  const std::weak_ptr<const void> owner = frame.owner;
  ASSERT_EQ(pair.connected.Send(0, std::exchange(frame, {})), Sent::kTaken);
  ASSERT_TRUE(Await(pair.bound).has_value());
  const Instant deadline = Now() + kPatience;
  while (!owner.expired() && Now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(owner.expired());
}

TEST(Line, AnswersTheConnectionThatAsked) {
  Pair pair = MakePair(Channel::kLease);
  Line other(Channel::kLease, false, *pair.sockets->Connect(Channel::kLease, pair.address));
  ASSERT_EQ(pair.connected.Send(0, Frame::Own("from one")), Sent::kTaken);
  const std::optional<Received> one = Await(pair.bound);
  ASSERT_EQ(other.Send(0, Frame::Own("from two")), Sent::kTaken);
  const std::optional<Received> two = Await(pair.bound);
  EXPECT_NE(one->from, two->from);
  EXPECT_EQ(pair.bound.Send(two->from.id, Frame::Own("to two")), Sent::kTaken);
  EXPECT_EQ(pair.bound.Send(one->from.id, Frame::Own("to one")), Sent::kTaken);
  EXPECT_EQ(Await(pair.connected)->frame.bytes, "to one");
  EXPECT_EQ(Await(other)->frame.bytes, "to two");
}

TEST(Line, SaysThatNobodyIsThere) {
  const auto sockets = *Sockets::Open({});
  Line router(Channel::kControl, true,
              std::move(sockets->Bind(Channel::kControl, AnyPort())->socket));
  EXPECT_EQ(router.Send(12345, Frame::Own("x")), Sent::kUnreachable);
  Line lane(Channel::kLane, true, std::move(sockets->Bind(Channel::kLane, AnyPort())->socket));
  EXPECT_EQ(lane.Send(0, Frame::Own("x")), Sent::kNoRoom);
}

TEST(Line, HasNoRoomWhenItsQueueIsFull) {
  const auto sockets = *Sockets::Open({});
  // Nobody listens there: a port that was just free.
  const Address address = sockets->Bind(Channel::kResults, AnyPort())->address;
  Line line(Channel::kResults, false, *sockets->Connect(Channel::kResults, address));
  for (int i = 0; i < kQueuedResultsMax; ++i) {
    ASSERT_EQ(line.Send(0, Frame::Own("x")), Sent::kTaken) << i;
  }
  EXPECT_EQ(line.Send(0, Frame::Own("x")), Sent::kNoRoom);
}

}  // namespace
}  // namespace fanmill
