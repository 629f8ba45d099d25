#include "lib/io/lanes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"

namespace fanmill {
namespace {

// Of one lane: its socket, its listener, its worker's connection, and one that is just coming.
constexpr uint64_t kFilesPerLane = 4;
// For everything else a process opens. At the very edge libzmq aborts, so nobody goes there.
constexpr uint64_t kFilesReserved = 128;
constexpr uint32_t kSocketsReserved = 32;

uint32_t PortCount(const LaneOptions& options) {
  const bool any = !options.listen.tcp() || options.first_port == 0;
  return any ? 0 : options.last_port - options.first_port + 1u;
}

}  // namespace

std::optional<uint16_t> PortPool::Take(Instant now) {
  if (next_ <= last_) return static_cast<uint16_t>(next_++);
  if (resting_.empty() || resting_.front().until > now) return std::nullopt;
  const uint16_t port = resting_.front().port;
  resting_.pop_front();
  return port;
}

void PortPool::GiveBack(uint16_t port, Instant now) {
  resting_.push_back({port, After(now, kPortRest)});
}

uint32_t LaneCapacity(uint64_t files_max, uint32_t sockets_max, uint32_t ports) {
  const uint64_t by_files = (files_max - std::min(files_max, kFilesReserved)) / kFilesPerLane;
  const uint64_t by_sockets = sockets_max - std::min(sockets_max, kSocketsReserved);
  const uint64_t by_ports = ports == 0 ? UINT32_MAX : ports;
  return static_cast<uint32_t>(std::min({by_files, by_sockets, by_ports}));
}

Lanes::Lanes(Sockets& sockets, LaneOptions options)
    : sockets_(sockets),
      options_(std::move(options)),
      pool_(options_.first_port, options_.last_port),
      capacity_(LaneCapacity(options_.files_max, kSocketsMax, PortCount(options_))) {}

absl::Status Lanes::NoRoom() const {
  return absl::ResourceExhaustedError(
      absl::StrCat("no room for another worker: ", lanes_.size(),
                   " are connected, as many as the limit of open "
                   "files (",
                   options_.files_max,
                   ") and the lane ports allow; raise ulimit -n or widen "
                   "--lane-ports at the ventilator"));
}

absl::StatusOr<Sockets::Bound> Lanes::BindOnRange(uint64_t lane, Instant now) {
  absl::Status last;
  for (uint32_t tries = 0; tries < PortCount(options_); ++tries) {
    const std::optional<uint16_t> port = pool_.Take(now);
    if (!port.has_value()) break;
    Address address = options_.listen;
    address.port = *port;
    absl::StatusOr<Sockets::Bound> bound = sockets_.Bind(Channel::kLane, address, lane);
    if (bound.ok()) return bound;
    last = bound.status();
    pool_.GiveBack(*port, now);
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("no free port for another worker in ", options_.first_port, "-",
                   options_.last_port, last.ok() ? "" : absl::StrCat(" (", last.message(), ")"),
                   "; ports of workers that left rest for ", kPortRest.count() / 1'000'000,
                   " s, widen --lane-ports at the ventilator if that is too long"));
}

absl::StatusOr<std::string> Lanes::Open(uint64_t lane, Instant now) {
  FANMILL_CHECK(Find(lane) == nullptr, "a lane is opened once");
  if (lanes_.size() >= capacity_) return NoRoom();
  absl::StatusOr<Sockets::Bound> bound = absl::UnknownError("");
  if (PortCount(options_) > 0) {
    bound = BindOnRange(lane, now);
  } else {
    Address address = options_.listen;
    address.port = 0;
    if (!address.path.empty()) absl::StrAppend(&address.path, ".lane-", absl::Hex(lane));
    if (!address.inproc.empty()) absl::StrAppend(&address.inproc, ".lane-", absl::Hex(lane));
    bound = sockets_.Bind(Channel::kLane, address, lane);
  }
  if (!bound.ok()) return bound.status();
  Address told = bound->address;
  const uint16_t port = told.port;
  if (told.tcp() && !options_.advertise_host.empty()) told.host = options_.advertise_host;
  lanes_.emplace(lane, Lane{Line(Channel::kLane, true, std::move(bound->socket)), port});
  return told.Endpoint();
}

void Lanes::Close(uint64_t lane, Instant now) {
  const auto found = lanes_.find(lane);
  if (found == lanes_.end()) return;
  if (PortCount(options_) > 0) pool_.GiveBack(found->second.port, now);
  lanes_.erase(found);
}

Line* Lanes::Find(uint64_t lane) {
  const auto found = lanes_.find(lane);
  return found == lanes_.end() ? nullptr : &found->second.line;
}

void Lanes::TouchAll() {
  for (auto& [lane, each] : lanes_) each.line.Touch();
}

}  // namespace fanmill
