#include "lib/io/sockets.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "lib/core/check.h"
#include "lib/core/wire.h"
#include "lib/io/clock.h"
#include "lib/io/listener.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

// ZMQ_ZAP_ENFORCE_DOMAIN: there since libzmq 4.3, but named only in the header of its drafts.
constexpr int kZapEnforceDomain = 93;
constexpr int kFrameSlackBytes = 64 << 10;
constexpr Duration kDoorkeeperPatience = Seconds(5);

// Every option that any socket has. ZMQ_HEARTBEAT_* is not among them: it cuts healthy connections
// under load and can abort the process; liveness is the nodes' own business.
void SetOptions(zmq::socket_t& socket, Channel channel, bool bound) {
  namespace option = zmq::sockopt;
  // What matters was acknowledged by the application before anybody exits.
  socket.set(option::linger, 0);
  // Windows and room bound what waits; these are tripwires, but for the parts of large outputs.
  const int most = channel == Channel::kResults ? kQueuedResultsMax : kQueueMessagesMax;
  socket.set(option::sndhwm, most);
  // The ventilator's window bounds a lane, and a PULL that is full loses what comes.
  socket.set(option::rcvhwm, channel == Channel::kLane && !bound ? 0 : most);
  // A dead link shows within 10 s: this one while data is under way,
  socket.set(option::tcp_maxrt, 10'000);
  // these three while nothing is (5 s + 2 * 2 s).
  socket.set(option::tcp_keepalive, 1);
  socket.set(option::tcp_keepalive_idle, 5);
  socket.set(option::tcp_keepalive_intvl, 2);
  socket.set(option::tcp_keepalive_cnt, 2);
  // Who connects and says nothing holds a descriptor no longer than this.
  socket.set(option::handshake_ivl, 3'000);
  socket.set(option::connect_timeout, 3'000);
  // Quickly back after a restart, without a storm against what stays away.
  socket.set(option::reconnect_ivl, 100);
  socket.set(option::reconnect_ivl_max, kReconnectMsMax);
  socket.set(option::ipv6, 1);
  if (!bound) return;
  // Only here: on a connecting socket one large message would end the connection for ever. The
  // slack lets a frame a little too large be counted instead of costing its neighbours.
  socket.set(option::maxmsgsize, static_cast<int64_t>(FrameBytesMax(channel)) + kFrameSlackBytes);
  // Many workers may come at once.
  socket.set(option::backlog, 512);
  // Who is gone is told on the send, instead of the message being dropped without a word.
  if (SocketType(channel, true) == zmq::socket_type::router) {
    socket.set(option::router_mandatory, 1);
  }
}

void SetDomain(zmq::socket_t& socket, const std::string& domain) {
  socket.set(zmq::sockopt::zap_domain, domain);
  // Without this a missing doorkeeper would let anybody in.
  const int enforce = 1;
  FANMILL_CHECK(zmq_setsockopt(socket.handle(), kZapEnforceDomain, &enforce, sizeof enforce) == 0);
}

void SetPassword(zmq::socket_t& socket, bool bound, uint64_t lane) {
  const std::string password = absl::StrCat(absl::Hex(lane));
  if (bound) {
    socket.set(zmq::sockopt::plain_server, 1);
    SetDomain(socket, kLaneDomainPrefix + password);
  } else {
    socket.set(zmq::sockopt::plain_username, "worker");
    socket.set(zmq::sockopt::plain_password, password);
  }
}

absl::Status CouldNotListen(const Address& address, int error) {
  const char* what_to_do = "";
  switch (error) {
    case EADDRINUSE:
      what_to_do = "; another Fanmill runs there? choose another with --listen";
      break;
    case EADDRNOTAVAIL:
    case ENODEV:
      what_to_do = "; choose an address of this machine with --listen";
      break;
    case EACCES:
      what_to_do = "; choose a port above 1023, or a folder of your own, with --listen";
      break;
    case EMFILE:
      what_to_do = "; raise the limit of open files (ulimit -n)";
      break;
  }
  return absl::UnavailableError(
      absl::StrCat("could not listen on ", address.Endpoint(), ": ", ErrorText(error), what_to_do));
}

uint16_t BoundPort(const zmq::socket_t& socket) {
  const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
  uint32_t port = 0;
  FANMILL_CHECK(absl::SimpleAtoi(endpoint.substr(endpoint.rfind(':') + 1), &port));
  return static_cast<uint16_t>(port);
}

}  // namespace

zmq::socket_type SocketType(Channel channel, bool bound) {
  using enum zmq::socket_type;
  switch (channel) {
    case Channel::kSignal:
      return bound ? pub : sub;
    case Channel::kResults:
    case Channel::kAcks:
      return bound ? pull : push;
    case Channel::kLane:
      return bound ? push : pull;
    default:
      return bound ? router : dealer;
  }
}

std::string_view SocketTypeName(zmq::socket_type type) {
  using enum zmq::socket_type;
  switch (type) {
    case pub:
      return "PUB";
    case sub:
      return "SUB";
    case push:
      return "PUSH";
    case pull:
      return "PULL";
    case router:
      return "ROUTER";
    case dealer:
      return "DEALER";
    default:
      return "?";
  }
}

Sockets::Sockets(SocketsOptions options) : options_(std::move(options)) {
  context_.set(zmq::ctxopt::max_sockets, kSocketsMax);
}

Sockets::~Sockets() {
  context_.shutdown();
  zap_.reset();
  context_.close();
}

absl::StatusOr<std::unique_ptr<Sockets>> Sockets::Open(SocketsOptions options) {
  try {
    return std::unique_ptr<Sockets>(new Sockets(std::move(options)));
  } catch (const zmq::error_t& error) {
    return absl::UnavailableError(
        absl::StrCat("could not set up the network: ", ErrorText(error.num())));
  }
}

absl::Status Sockets::PostDoorkeeper(Channel channel, const Address& address) {
  const bool lane = channel == Channel::kLane && address.inproc.empty();
  if (zap_ != nullptr || !(options_.key.has_value() || lane)) return absl::OkStatus();
  zap_ = std::make_unique<ZapHandler>(context_, options_.key);
  return options_.key.has_value() ? CheckDoorkeeper() : absl::OkStatus();
}

// Knocks with a random key at a door of our own.
absl::Status Sockets::CheckDoorkeeper() {
  zmq::socket_t door(context_, zmq::socket_type::pull);
  zmq::socket_t stranger(context_, zmq::socket_type::push);
  SetOptions(door, Channel::kResults, true);
  SetOptions(stranger, Channel::kResults, false);
  SetCurve(door, true, *options_.key);
  SetCurve(stranger, false, RandomKeyPair());
  const std::string endpoint = absl::StrCat("ipc://@fanmill-", absl::Hex(RandomId()));
  door.bind(endpoint);
  stranger.connect(endpoint);
  const Instant deadline = Now() + kDoorkeeperPatience;
  while (zap_->refused() == 0 && Now() < deadline) WaitFor(Millis(1));
  if (zap_->refused() > 0) {
    zap_->LogStrangers();
    return absl::OkStatus();
  }
  return absl::InternalError(
      "a stranger's key was not refused in the test at start: libzmq does not ask who comes in; "
      "not starting");
}

void Sockets::SetCurve(zmq::socket_t& socket, bool bound, const KeyPair& own) const {
  socket.set(zmq::sockopt::curve_publickey, own.public_key);
  socket.set(zmq::sockopt::curve_secretkey, own.secret_key);
  if (bound) {
    socket.set(zmq::sockopt::curve_server, 1);
    SetDomain(socket, kZapDomain);
  } else {
    socket.set(zmq::sockopt::curve_serverkey, options_.key->public_key);
  }
}

void Sockets::Secure(zmq::socket_t& socket, Channel channel, bool bound, uint64_t lane) const {
  if (options_.key.has_value()) return SetCurve(socket, bound, *options_.key);
  if (channel == Channel::kLane) SetPassword(socket, bound, lane);
}

absl::Status Sockets::Allow(const Address& address) const {
  if (options_.key.has_value() || options_.insecure_network || IsLocal(address)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("refusing to use ", address.Endpoint(),
                   " without a key: whoever reaches it could run code on the whole cluster; make "
                   "one with fanmill "
                   "keygen FILE and give --key FILE to every process, or say --insecure-network"));
}

absl::StatusOr<Sockets::Bound> Sockets::Bind(Channel channel, const Address& address,
                                             uint64_t lane) {
  if (absl::Status allowed = Allow(address); !allowed.ok()) return allowed;
  // Binding would take the path away from whoever listens there, without a word.
  if (!address.path.empty() && SomebodyListens(address)) {
    return CouldNotListen(address, EADDRINUSE);
  }
  try {
    if (absl::Status posted = PostDoorkeeper(channel, address); !posted.ok()) return posted;
    Bound bound{zmq::socket_t(context_, SocketType(channel, true)), address};
    SetOptions(bound.socket, channel, true);
    Secure(bound.socket, channel, true, lane);
    bound.socket.bind(address.Endpoint());
    if (address.tcp() && address.port == 0) bound.address.port = BoundPort(bound.socket);
    return bound;
  } catch (const zmq::error_t& error) {
    return CouldNotListen(address, error.num());
  }
}

absl::StatusOr<zmq::socket_t> Sockets::Connect(Channel channel, const Address& address,
                                               const std::vector<std::string>& prefixes,
                                               uint64_t lane) {
  if (absl::Status allowed = Allow(address); !allowed.ok()) return allowed;
  try {
    zmq::socket_t socket(context_, SocketType(channel, false));
    SetOptions(socket, channel, false);
    Secure(socket, channel, false, lane);
    for (const std::string& prefix : prefixes) socket.set(zmq::sockopt::subscribe, prefix);
    socket.connect(address.Endpoint());
    return socket;
  } catch (const zmq::error_t& error) {
    return absl::UnavailableError(
        absl::StrCat("could not connect to ", address.Endpoint(), ": ", ErrorText(error.num())));
  }
}

}  // namespace fanmill
