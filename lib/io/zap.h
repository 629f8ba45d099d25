// ZapHandler: the doorkeeper of every CURVE socket in a context. Without one libzmq admits anybody
// who speaks CURVE; this one admits the cluster's key alone, in the cluster's domain alone.
#ifndef FANMILL_LIB_IO_ZAP_H_
#define FANMILL_LIB_IO_ZAP_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "lib/io/keys.h"

namespace fanmill {

inline constexpr char kZapDomain[] = "fanmill";

class ZapHandler {
 public:
  // Answers from the moment this returns. REQUIRES: the context has no other handler.
  ZapHandler(zmq::context_t& context, const KeyPair& cluster);
  // REQUIRES: the context was shut down.
  ~ZapHandler();

  uint64_t refused() const { return refused_; }

 private:
  void Serve(zmq::socket_t socket);

  std::string admitted_;  // the public key, 32 bytes
  std::atomic<uint64_t> refused_ = 0;
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_ZAP_H_
