// Addresses as people write them, HOST[:PORT], [::1]:PORT or ipc:///PATH, and endpoints as ZeroMQ
// takes them. Names are resolved here and once: inside libzmq a slow resolver would stop every
// socket of the process.
#ifndef FANMILL_LIB_IO_ADDRESS_H_
#define FANMILL_LIB_IO_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace fanmill {

// Either numeric host and port, or the path of a local socket, or the name of one in the process.
struct Address {
  std::string host;    // "127.0.0.1", "::1"; empty: not tcp
  uint16_t port = 0;   // 0: any free one
  std::string path;    // ipc: absolute
  std::string inproc;  // inside one process

  bool tcp() const { return !host.empty(); }
  std::string Endpoint() const;   // "tcp://127.0.0.1:21000"
  std::string ForPeople() const;  // what ParseAddress takes: "127.0.0.1:21000"
};

// kInvalidArgument with a sentence for a person when it is no address, kUnavailable when the host
// cannot be resolved. Where a name has several addresses, the first of IPv4 wins.
absl::StatusOr<Address> ParseAddress(std::string_view text, uint16_t default_port);
// The same as the endpoint.
absl::StatusOr<std::string> ResolveEndpoint(std::string_view text, uint16_t default_port);
// A host alone, resolved.
absl::StatusOr<std::string> ResolveHost(std::string_view host);

// What another process told: "tcp://NUMERIC:PORT", "ipc:///PATH" or "inproc://NAME". Never
// resolves.
absl::StatusOr<Address> ParseEndpoint(std::string_view endpoint);

// True where nobody but this machine can reach it.
bool IsLocal(const Address& address);
// True for 0.0.0.0 and ::, which can be listened on and not connected to.
bool IsWildcard(const Address& address);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_ADDRESS_H_
