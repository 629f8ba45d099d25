#include "lib/io/dealer.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "lib/core/check.h"
#include "lib/core/wire.h"
#include "lib/io/clock.h"
#include "lib/io/keys.h"
#include "lib/io/line.h"
#include "lib/io/sockets.h"

namespace fanmill {
namespace {

class ConnectedDealer final : public Dealer {
 public:
  ConnectedDealer(std::unique_ptr<Sockets> sockets, Line line)
      : sockets_(std::move(sockets)), line_(std::move(line)) {}

  bool Send(const v1::Envelope& envelope) override {
    const Message message = Wire{std::make_shared<const v1::Envelope>(envelope), {}};
    return line_.Send(0, Encode(message)) == Sent::kTaken;
  }

  std::optional<v1::Envelope> Receive(Duration timeout) override {
    const Instant deadline = After(Now(), timeout);
    do {
      while (std::optional<Received> received = line_.Receive()) {
        const Message message = Decode(line_.channel(), std::move(received->frame));
        if (const auto* wire = std::get_if<Wire>(&message)) return *wire->envelope;
        if (const auto* bad = std::get_if<BadFrame>(&message)) last_bad_frame_ = bad->reason;
      }
    } while (Wait(deadline - Now()));
    return std::nullopt;
  }

  std::string LastBadFrame() const override { return last_bad_frame_; }

 private:
  // False after the time is over or a signal came.
  bool Wait(Duration timeout) {
    if (timeout <= Duration(0)) return false;
    zmq_pollitem_t item = {line_.handle(), 0, ZMQ_POLLIN, 0};
    const int64_t millis = std::min<int64_t>((timeout.count() + 999) / 1000, INT32_MAX);
    return zmq_poll(&item, 1, static_cast<long>(millis)) > 0;
  }

  std::unique_ptr<Sockets> sockets_;  // outlives the line; null: somebody else's
  Line line_;
  std::string last_bad_frame_;
};

absl::StatusOr<Line> ConnectLine(Channel channel, const std::string& endpoint, Sockets& sockets) {
  absl::StatusOr<Address> address = ParseEndpoint(endpoint);
  if (!address.ok()) return address.status();
  absl::StatusOr<zmq::socket_t> socket = sockets.Connect(channel, *address);
  if (!socket.ok()) return socket.status();
  return Line(channel, false, *std::move(socket));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dealer>> ConnectDealer(Channel channel, const std::string& endpoint,
                                                      const KeyPair* key, bool insecure_network) {
  SocketsOptions options;
  options.insecure_network = insecure_network;
  if (key != nullptr) options.key = *key;
  absl::StatusOr<std::unique_ptr<Sockets>> sockets = Sockets::Open(std::move(options));
  if (!sockets.ok()) return sockets.status();
  absl::StatusOr<Line> line = ConnectLine(channel, endpoint, **sockets);
  if (!line.ok()) return line.status();
  return std::make_unique<ConnectedDealer>(*std::move(sockets), *std::move(line));
}

absl::StatusOr<std::unique_ptr<Dealer>> ConnectDealer(Channel channel, const std::string& endpoint,
                                                      Sockets& sockets) {
  absl::StatusOr<Line> line = ConnectLine(channel, endpoint, sockets);
  if (!line.ok()) return line.status();
  return std::make_unique<ConnectedDealer>(nullptr, *std::move(line));
}

}  // namespace fanmill
