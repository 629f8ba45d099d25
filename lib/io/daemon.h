// Daemon: what controller, ventilator and sink have in common around their nodes: a state directory
// of their own, sockets to listen on, an address that others are told, a person who may stop them.
#ifndef FANMILL_LIB_IO_DAEMON_H_
#define FANMILL_LIB_IO_DAEMON_H_

#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/core/node.h"
#include "lib/io/flags.h"
#include "lib/io/loop.h"
#include "lib/io/person.h"
#include "lib/io/process.h"
#include "lib/io/state_directory.h"

namespace fanmill {

struct DaemonFlags {
  CommonFlags common;
  std::string role;       // its directory inside --state
  uint16_t port = 0;      // its first, where --listen names none
  std::string listen;     // HOST[:PORT]
  std::string advertise;  // HOST
  std::string state;
  std::string address_file;
  std::string journal;  // what its node's rows are called: "ledger", in ledger.db
  uint64_t journal_bytes = uint64_t{1} << 40;
  std::string durability = "full";
};

// --listen, --advertise, --state, --address-file, --durability.
void AddDaemonFlags(CLI::App& app, DaemonFlags& flags);

class Daemon {
 public:
  // Opens the state directory and the network. Errors are one sentence for a person.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const DaemonFlags& flags);

  // Listens `offset` ports above the first one, and returns the endpoint that others are to use.
  // Where the first port is 0 every socket gets a free one.
  absl::StatusOr<std::string> Bind(Channel channel, uint16_t offset);
  // Where lanes are to listen, without their ports.
  LaneOptions LanesHere() const;
  Loop& loop() { return loop_; }
  const StateDirectory& state() const { return state_; }

  // Fills what the options of every node have.
  template <class Options>
  void Introduce(Options& options) const {
    options.epoch = state_.epoch();
    options.directory = state_.id();
    options.seed = RandomId();
    options.version = Version();
    options.host = HostName();
    options.name = options.host;
    options.pid = static_cast<uint64_t>(getpid());
    options.durability = flags_.durability == "os" ? v1::DURABLE_IN_OS : v1::DURABLE_ON_DISK;
  }
  // The numeric endpoint of --controller; empty at the controller itself.
  const std::string& controller() const { return addresses_.controller; }

  // Tells where it listens, and runs the node until it is done.
  absl::StatusOr<int> Run(Node& node);

 private:
  struct Addresses {
    Address listen;
    std::string advertise_host;
    std::string controller;
  };

  Daemon(const DaemonFlags& flags, Addresses addresses, StateDirectory state,
         std::unique_ptr<Sockets> sockets, std::unique_ptr<LocalPeer> journal);
  static absl::StatusOr<Addresses> Resolve(const DaemonFlags& flags, const Sockets& sockets);
  std::string AddressText() const;

  DaemonFlags flags_;
  Addresses addresses_;
  std::unique_ptr<ExitWatchdog> watchdog_;  // once the node is done; outlives the sockets
  std::unique_ptr<Sockets> sockets_;
  StateDirectory state_;  // free for the next when nobody listens here any more
  Person person_;
  std::unique_ptr<LocalPeer> journal_;
  Loop loop_;
  std::vector<std::pair<Channel, Address>> told_;  // what others are to use
};

// The whole of a daemon's main: command line, logging, `serve`, complaints, exit code. `serve`
// starts the daemon, binds its sockets and runs its node.
int RunDaemon(CLI::App& app, DaemonFlags& flags, int argc, char** argv,
              const std::function<absl::StatusOr<int>()>& serve);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_DAEMON_H_
