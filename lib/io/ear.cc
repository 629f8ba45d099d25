#include "lib/io/ear.h"

#include <utility>
#include <variant>

#include "lib/core/wire.h"
#include "lib/io/keys.h"
#include "lib/io/line.h"
#include "lib/io/sockets.h"

namespace fanmill {
namespace {

class ConnectedEar final : public Ear {
 public:
  ConnectedEar(std::unique_ptr<Sockets> sockets, Line line)
      : sockets_(std::move(sockets)), line_(std::move(line)) {}

  std::optional<Signal> Receive() override {
    while (std::optional<Received> received = line_.Receive()) {
      const Message message = Decode(Channel::kSignal, std::move(received->frame));
      if (const auto* signal = std::get_if<Signal>(&message)) return *signal;
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<Sockets> sockets_;  // outlives the line; null: somebody else's
  Line line_;
};

absl::StatusOr<std::unique_ptr<Ear>> ConnectOn(Sockets& sockets, std::unique_ptr<Sockets> own,
                                               const std::string& endpoint,
                                               const std::vector<std::string>& prefixes) {
  absl::StatusOr<Address> address = ParseEndpoint(endpoint);
  if (!address.ok()) return address.status();
  absl::StatusOr<zmq::socket_t> socket = sockets.Connect(Channel::kSignal, *address, prefixes);
  if (!socket.ok()) return socket.status();
  Line line(Channel::kSignal, false, *std::move(socket));
  return std::make_unique<ConnectedEar>(std::move(own), std::move(line));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Ear>> ConnectEar(const std::string& endpoint,
                                                const std::vector<std::string>& prefixes,
                                                const KeyPair* key, bool insecure_network) {
  SocketsOptions options;
  options.insecure_network = insecure_network;
  if (key != nullptr) options.key = *key;
  absl::StatusOr<std::unique_ptr<Sockets>> sockets = Sockets::Open(std::move(options));
  if (!sockets.ok()) return sockets.status();
  Sockets& open = **sockets;
  return ConnectOn(open, *std::move(sockets), endpoint, prefixes);
}

absl::StatusOr<std::unique_ptr<Ear>> ConnectEar(const std::string& endpoint,
                                                const std::vector<std::string>& prefixes,
                                                Sockets& sockets) {
  return ConnectOn(sockets, nullptr, endpoint, prefixes);
}

}  // namespace fanmill
