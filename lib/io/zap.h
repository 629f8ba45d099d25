// ZapHandler: the doorkeeper of every bound socket in a context that asks for one. Without it
// libzmq admits anybody who speaks CURVE or PLAIN; this one admits the cluster's key alone, in the
// cluster's domain alone, and to a lane without a key whoever knows that lane's password.
#ifndef FANMILL_LIB_IO_ZAP_H_
#define FANMILL_LIB_IO_ZAP_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "lib/io/keys.h"

namespace fanmill {

inline constexpr char kZapDomain[] = "fanmill";
// A lane's domain is this and its password, so that its doorkeeper need not know what lanes exist.
inline constexpr char kLaneDomainPrefix[] = "lane-";

class ZapHandler {
 public:
  // Answers from the moment this returns. REQUIRES: the context has no other handler.
  // Without a key nobody comes in by one.
  ZapHandler(zmq::context_t& context, const std::optional<KeyPair>& cluster);
  // REQUIRES: the context was shut down.
  ~ZapHandler();

  uint64_t refused() const { return refused_; }
  // From now on it is logged who comes with a key of its own though it knows the cluster's: at the
  // first, and then ever more rarely. Whoever has the file of another cluster fails before anybody
  // is asked; and a worker that was away may well knock at its old lane.
  void LogStrangers() { logs_ = true; }

 private:
  void NoteStranger(const std::vector<std::string>& frames);
  void Serve(zmq::socket_t socket);
  bool Admits(const std::vector<std::string>& frames) const;

  std::string admitted_;  // the public key, 32 bytes; empty: none
  std::atomic<uint64_t> refused_ = 0;
  std::atomic<bool> logs_ = false;
  uint64_t strangers_ = 0;  // that were to be logged
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_ZAP_H_
