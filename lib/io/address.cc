#include "lib/io/address.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "lib/core/printable.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

constexpr size_t kShownBytesMax = 200;
constexpr size_t kIpcPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

absl::Status NoAddress(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is no address: {}; write HOST:PORT, [IPV6]:PORT or ipc:///PATH",
                  Printable(text, kShownBytesMax), why));
}

bool ConsumePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string Numeric(const sockaddr* address, socklen_t size) {
  char host[NI_MAXHOST];
  if (getnameinfo(address, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return host;
}

// The numeric form of `host`, or the resolver's error.
std::string Resolve(const std::string& host, int flags, int* error) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  *error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (*error != 0) return "";
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  const addrinfo* best = list;
  // Daemons listen on 127.0.0.1 by default, and "localhost" is often ::1 first.
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET) {
      best = each;
      break;
    }
  }
  return Numeric(best->ai_addr, best->ai_addrlen);
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

struct HostAndPort {
  std::string_view host;
  std::optional<uint16_t> port;  // absent: none was written
};

absl::StatusOr<HostAndPort> Split(std::string_view text) {
  HostAndPort parts;
  std::string_view rest;
  if (ConsumePrefix(text, "[")) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return absl::InvalidArgumentError("its ] is missing");
    parts.host = text.substr(0, end);
    rest = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    if (colon != text.rfind(':')) {
      return absl::InvalidArgumentError("an IPv6 address needs brackets around it");
    }
    parts.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (parts.host.empty()) return absl::InvalidArgumentError("it has no host");
  if (rest.empty()) return parts;
  if (rest[0] == ':') parts.port = ParsePort(rest.substr(1));
  if (!parts.port.has_value()) {
    return absl::InvalidArgumentError("its port is no number from 0 to 65535");
  }
  return parts;
}

absl::StatusOr<Address> ParsePath(std::string_view text, std::string_view path) {
  if (!path.starts_with("/")) return NoAddress(text, "its path does not begin with /");
  if (path.size() > kIpcPathBytesMax) {
    return NoAddress(text, fmt::format("its path is longer than {} bytes", kIpcPathBytesMax));
  }
  if (path.find('\0') != std::string_view::npos) return NoAddress(text, "its path has a zero byte");
  Address address;
  address.path = std::string(path);
  return address;
}

}  // namespace

std::string Address::Endpoint() const {
  if (!path.empty()) return "ipc://" + path;
  if (!inproc.empty()) return "inproc://" + inproc;
  return "tcp://" + ForPeople();
}

std::string Address::ForPeople() const {
  if (!tcp()) return Endpoint();
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

absl::StatusOr<std::string> ResolveHost(std::string_view host) {
  int error = 0;
  std::string numeric = Resolve(std::string(host), 0, &error);
  if (!numeric.empty()) return numeric;
  const std::string why = error == EAI_SYSTEM ? ErrorText(errno) : gai_strerror(error);
  return absl::UnavailableError(
      fmt::format("could not resolve the host \"{}\": {}; check the spelling, or give its number",
                  Printable(host, kShownBytesMax), why));
}

absl::StatusOr<Address> ParseAddress(std::string_view text, uint16_t default_port) {
  std::string_view rest = text;
  if (ConsumePrefix(rest, "ipc://")) return ParsePath(text, rest);
  ConsumePrefix(rest, "tcp://");  // as it stands in logs
  if (rest.find("://") != std::string_view::npos) return NoAddress(text, "unknown transport");
  if (rest.find('\0') != std::string_view::npos) return NoAddress(text, "it has a zero byte");
  absl::StatusOr<HostAndPort> parts = Split(rest);
  if (!parts.ok()) return NoAddress(text, std::string(parts.status().message()));
  absl::StatusOr<std::string> host = ResolveHost(parts->host);
  if (!host.ok()) return host.status();
  Address address;
  address.host = *std::move(host);
  address.port = parts->port.value_or(default_port);
  return address;
}

absl::StatusOr<std::string> ResolveEndpoint(std::string_view text, uint16_t default_port) {
  absl::StatusOr<Address> address = ParseAddress(text, default_port);
  if (!address.ok()) return address.status();
  return address->Endpoint();
}

absl::StatusOr<Address> ParseEndpoint(std::string_view endpoint) {
  std::string_view rest = endpoint;
  Address address;
  if (ConsumePrefix(rest, "ipc://")) return ParsePath(endpoint, rest);
  if (ConsumePrefix(rest, "inproc://") && !rest.empty()) {
    address.inproc = std::string(rest);
    return address;
  }
  if (!ConsumePrefix(rest, "tcp://") || rest.find('\0') != std::string_view::npos) {
    return NoAddress(endpoint, "it is no endpoint");
  }
  absl::StatusOr<HostAndPort> parts = Split(rest);
  if (!parts.ok()) return NoAddress(endpoint, std::string(parts.status().message()));
  if (!parts->port.has_value()) return NoAddress(endpoint, "it has no port");
  int error = 0;
  address.host = Resolve(std::string(parts->host), AI_NUMERICHOST, &error);
  if (address.host.empty()) return NoAddress(endpoint, "its host is no number");
  address.port = *parts->port;
  return address;
}

bool IsLocal(const Address& address) {
  if (!address.tcp()) return true;
  return address.host == "::1" || address.host.starts_with("127.") ||
         address.host.starts_with("::ffff:127.");
}

bool IsWildcard(const Address& address) {
  return address.host == "0.0.0.0" || address.host == "::";
}

}  // namespace fanmill
