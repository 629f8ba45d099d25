#include "lib/io/send_once.h"

#include <memory>
#include <utility>
#include <zmq.hpp>

#include "lib/core/wire.h"
#include "lib/io/keys.h"
#include "lib/io/line.h"
#include "lib/io/sockets.h"

namespace fanmill {

absl::Status SendOnce(Channel channel, const std::string& endpoint, const KeyPair* key,
                      const v1::Envelope& envelope, Duration patience) {
  absl::StatusOr<Address> address = ParseEndpoint(endpoint);
  if (!address.ok()) return address.status();
  SocketsOptions options;
  options.insecure_network = true;  // the caller has been talking to it before
  if (key != nullptr) options.key = *key;
  absl::StatusOr<std::unique_ptr<Sockets>> sockets = Sockets::Open(std::move(options));
  if (!sockets.ok()) return sockets.status();
  absl::StatusOr<zmq::socket_t> socket = (*sockets)->Connect(channel, *address);
  if (!socket.ok()) return socket.status();
  // Here the queue matters: the end of the context waits for it.
  socket->set(zmq::sockopt::linger, static_cast<int>(patience.count() / 1000));
  Line line(channel, false, *std::move(socket));
  const Message message = Wire{std::make_shared<const v1::Envelope>(envelope), {}};
  if (line.Send(0, Encode(message)) == Sent::kTaken) return absl::OkStatus();
  return absl::UnavailableError("the socket to " + endpoint + " took no message");
}

}  // namespace fanmill
