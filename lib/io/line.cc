#include "lib/io/line.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/wire.h"
#include "lib/io/sockets.h"

namespace fanmill {
namespace {

// Copying less than this is cheaper than sharing it.
constexpr size_t kCopiedBytesMax = 1024;

// A ROUTER's own name for a connection: a zero byte, then 32 bits. Names that a peer chose for
// itself are not taken.
constexpr size_t kAddressBytes = 5;
// A connection that speaks REQ puts an empty frame in front, and wants one in front of the answer.
constexpr uint64_t kSpeaksReq = uint64_t{1} << 32;

std::optional<uint64_t> ParseAddressFrame(const zmq::message_t& frame) {
  const auto* bytes = frame.data<uint8_t>();
  if (frame.size() != kAddressBytes || bytes[0] != 0) return std::nullopt;
  uint64_t id = 0;
  for (size_t i = 1; i < kAddressBytes; ++i) id = id << 8 | bytes[i];
  return id;
}

zmq::message_t AddressFrame(uint64_t id) {
  std::array<uint8_t, kAddressBytes> bytes = {};
  for (size_t i = 1; i < kAddressBytes; ++i) {
    bytes[i] = static_cast<uint8_t>(id >> (8 * (kAddressBytes - 1 - i)));
  }
  return zmq::message_t(bytes.data(), bytes.size());
}

zmq::message_t Share(const Frame& frame) {
  if (frame.bytes.size() <= kCopiedBytesMax) {
    return zmq::message_t(frame.bytes.data(), frame.bytes.size());
  }
  using Owner = std::shared_ptr<const void>;
  return zmq::message_t(
      const_cast<char*>(frame.bytes.data()), frame.bytes.size(),
      [](void*, void* owner) { delete static_cast<Owner*>(owner); }, new Owner(frame.owner));
}

}  // namespace

Line::Line(Channel channel, bool bound, zmq::socket_t socket)
    : channel_(channel),
      bound_(bound),
      type_(SocketType(channel, bound)),
      receives_(type_ != zmq::socket_type::push && type_ != zmq::socket_type::pub),
      socket_(std::move(socket)) {}

bool Line::Take(zmq::message_t& part) {
  while (zmq_msg_recv(part.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) {
    if (errno == EAGAIN) return false;
    FANMILL_CHECK(errno == EINTR, "a socket was used after it was closed");
  }
  return true;
}

std::optional<Received> Line::Receive() {
  auto body = std::make_shared<zmq::message_t>();
  Received received{{channel_, 0}, {}, {}};
  if (type_ == zmq::socket_type::router) {
    zmq::message_t address;
    if (!Take(address)) return std::nullopt;
    const std::optional<uint64_t> id = ParseAddressFrame(address);
    if (!id.has_value()) received.bad = "its sender gave itself an address";
    received.from.id = id.value_or(0);
  }
  if (!Take(*body)) return std::nullopt;
  if (body->more() && body->size() == 0 && channel_ == Channel::kControl && bound_) {
    received.from.id |= kSpeaksReq;
    FANMILL_CHECK(Take(*body), "a message comes whole");
  }
  while (body->more()) {
    received.bad = "it has more than one frame";
    FANMILL_CHECK(Take(*body), "a message comes whole");
  }
  received.frame = Frame{body, body->to_string_view()};
  return received;
}

int Line::Put(zmq::message_t part, bool more) {
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  while (zmq_msg_send(part.handle(), socket_.handle(), flags) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

Sent Line::Send(uint64_t to, const Frame& frame) {
  if (frame.bytes.size() > FrameBytesMax(channel_)) return Sent::kTooLarge;
  int error = 0;
  if (type_ == zmq::socket_type::router) {
    error = Put(AddressFrame(to), true);
    if (error == 0 && (to & kSpeaksReq) != 0) error = Put(zmq::message_t(), true);
  }
  if (error == 0) error = Put(Share(frame), false);
  switch (error) {
    case 0:
      return Sent::kTaken;
    case EAGAIN:
      return Sent::kNoRoom;
    case EHOSTUNREACH:
      return Sent::kUnreachable;
    default:
      FANMILL_CHECK(false, "a socket was used after it was closed");
  }
  return Sent::kNoRoom;
}

void Line::Touch() { static_cast<void>(socket_.get(zmq::sockopt::events)); }

}  // namespace fanmill
