#include "lib/io/zap.h"

#include <spdlog/spdlog.h>

#include <bit>
#include <future>
#include <utility>

#include "lib/core/check.h"
#include "lib/io/trace.h"

namespace fanmill {
namespace {

// The frames of RFC 27's request. Behind the mechanism come what it calls credentials: of CURVE a
// public key, of PLAIN a name and a password.
enum : size_t { kVersion, kRequest, kDomain, kAddress, kIdentity, kMechanism, kCredentials };
constexpr size_t kCurveFrames = kCredentials + 1;
constexpr size_t kPlainFrames = kCredentials + 2;

std::vector<std::string> ReceiveFrames(zmq::socket_t& socket) {
  std::vector<std::string> frames;
  zmq::message_t frame;
  do {
    if (!socket.recv(frame)) return {};
    frames.push_back(frame.to_string());
  } while (frame.more());
  return frames;
}

void SendFrames(zmq::socket_t& socket, const std::vector<std::string>& frames) {
  for (size_t i = 0; i < frames.size(); ++i) {
    const bool last = i + 1 == frames.size();
    socket.send(zmq::buffer(frames[i]), last ? zmq::send_flags::none : zmq::send_flags::sndmore);
  }
}

// As people write it: a socket for both families shows IPv4 addresses as ::ffff:10.0.0.1.
std::string PeerText(const std::string& address) {
  constexpr std::string_view kMapped = "::ffff:";
  return address.starts_with(kMapped) ? address.substr(kMapped.size()) : address;
}

}  // namespace

ZapHandler::ZapHandler(zmq::context_t& context, const std::optional<KeyPair>& cluster) {
  if (cluster.has_value()) {
    admitted_.resize(32);
    FANMILL_CHECK(zmq_z85_decode(reinterpret_cast<uint8_t*>(admitted_.data()),
                                 cluster->public_key.c_str()) != nullptr);
  }
  std::promise<void> ready;
  thread_ = std::thread([this, &context, &ready] {
    zmq::socket_t socket(context, zmq::socket_type::rep);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind("inproc://zeromq.zap.01");
    ready.set_value();
    Serve(std::move(socket));
  });
  ready.get_future().wait();
}

ZapHandler::~ZapHandler() { thread_.join(); }

bool ZapHandler::Admits(const std::vector<std::string>& frames) const {
  if (frames.size() <= kCredentials || frames[kVersion] != "1.0") return false;
  if (frames[kMechanism] == "CURVE") {
    return frames.size() == kCurveFrames && frames[kDomain] == kZapDomain && !admitted_.empty() &&
           frames[kCredentials] == admitted_;
  }
  return frames[kMechanism] == "PLAIN" && frames.size() == kPlainFrames &&
         frames[kDomain] == kLaneDomainPrefix + frames[kCredentials + 1];
}

void ZapHandler::NoteStranger(const std::vector<std::string>& frames) {
  if (!logs_ || frames.size() != kCurveFrames || frames[kMechanism] != "CURVE") return;
  if (!std::has_single_bit(++strangers_)) return;
  spdlog::warn("event=refused peer={} count={} text={}", Quoted(PeerText(frames[kAddress])),
               strangers_,
               Quoted("somebody knows this cluster's public key, but came with a key of its own, "
                      "and was sent away: every process of the cluster uses the same --key file"));
}

void ZapHandler::Serve(zmq::socket_t socket) {
  while (true) {
    try {
      const std::vector<std::string> frames = ReceiveFrames(socket);
      const bool admit = Admits(frames);
      if (!admit) {
        NoteStranger(frames);
        ++refused_;
      }
      const std::string request = frames.size() > kRequest ? frames[kRequest] : "";
      SendFrames(socket, {"1.0", request, admit ? "200" : "400", admit ? "OK" : "not this cluster",
                          admit ? "cluster" : "", ""});
    } catch (const zmq::error_t& error) {
      if (error.num() == ETERM) return;
    }
  }
}

}  // namespace fanmill
