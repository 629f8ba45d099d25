#include "lib/io/listener.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "lib/io/file.h"

namespace fanmill {
namespace {

bool Connects(int family, const sockaddr* address, socklen_t size) {
  const FileDescriptor probe(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.get(), address, size) == 0;
}

bool ListensAtPath(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return Connects(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

bool SomebodyListens(const Address& address) {
  if (!address.path.empty()) return ListensAtPath(address.path);
  if (!address.tcp()) return false;
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) !=
      0) {
    return false;
  }
  const bool connects = Connects(found->ai_family, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return connects;
}

}  // namespace fanmill
