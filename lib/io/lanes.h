// Lanes: the ventilator's PUSH sockets, one for each incarnation of each worker, on ports of a
// fixed range. Which port, when it may be used again, and how many lanes this process can bear.
#ifndef FANMILL_LIB_IO_LANES_H_
#define FANMILL_LIB_IO_LANES_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "lib/core/instant.h"
#include "lib/io/line.h"
#include "lib/io/sockets.h"

namespace fanmill {

// Below the ports that the kernel gives to connecting sockets: a worker that keeps trying a port of
// that range can end up connected to itself.
inline constexpr uint16_t kLanePortFirst = 21100;
inline constexpr uint16_t kLanePortLast = 21999;
// A freed port rests until every worker that still tries it has given up: longer than libzmq waits
// between two attempts.
inline constexpr Duration kPortRest = Millis(kReconnectMsMax + 5'000);

// Numbers from a range; what is given back rests before it is given out again.
class PortPool {
 public:
  PortPool(uint16_t first, uint16_t last) : next_(first), last_(last) {}
  std::optional<uint16_t> Take(Instant now);  // the lowest, while some were never used
  void GiveBack(uint16_t port, Instant now);

 private:
  struct Resting {
    uint16_t port;
    Instant until;
  };
  uint32_t next_;
  uint32_t last_;
  std::deque<Resting> resting_;  // longest first
};

struct LaneOptions {
  Address listen;              // lanes are where it is, on ports (or paths) of their own
  std::string advertise_host;  // what workers are told instead of its host; empty: the same
  uint16_t first_port = kLanePortFirst;  // 0: any free ports
  uint16_t last_port = kLanePortLast;
  uint64_t files_max = 0;  // RLIMIT_NOFILE, as raised
};

// How many lanes fit, given the limits of open files, of sockets, and of ports (0: any).
uint32_t LaneCapacity(uint64_t files_max, uint32_t sockets_max, uint32_t ports);

class Lanes {
 public:
  Lanes(Sockets& sockets, LaneOptions options);

  uint32_t capacity() const { return capacity_; }
  // The endpoint to tell the worker, or a sentence that says why there is none.
  // REQUIRES: no such lane is open.
  absl::StatusOr<std::string> Open(uint64_t lane, Instant now);
  void Close(uint64_t lane, Instant now);
  Line* Find(uint64_t lane);
  void TouchAll();

 private:
  struct Lane {
    Line line;
    uint16_t port;
  };
  absl::StatusOr<Sockets::Bound> BindOnRange(uint64_t lane, Instant now);
  absl::Status NoRoom() const;

  Sockets& sockets_;
  LaneOptions options_;
  PortPool pool_;
  uint32_t capacity_;
  std::unordered_map<uint64_t, Lane> lanes_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_LANES_H_
