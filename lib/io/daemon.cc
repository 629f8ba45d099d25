#include "lib/io/daemon.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "lib/io/durable_journal.h"
#include "lib/io/file.h"
#include "lib/io/trace.h"

namespace fanmill {
namespace {

DurableJournalOptions JournalOf(const DaemonFlags& flags, const StateDirectory& state) {
  DurableJournalOptions options;
  options.file = fmt::format("{}/{}.db", state.path(), flags.journal);
  options.what = flags.journal;
  options.durability = flags.durability == "os" ? Durability::kOs : Durability::kFull;
  options.bytes_max = flags.journal_bytes;
  options.on_trouble = [](const absl::Status& why) {
    spdlog::error("event=journal text={}", Quoted(std::string(why.message())));
  };
  options.on_failure = [](const absl::Status& why) {
    spdlog::critical("event=journal_failed text={}", Quoted(std::string(why.message())));
    _exit(kUnableExitCode);
  };
  return options;
}

}  // namespace

void AddDaemonFlags(CLI::App& app, DaemonFlags& flags) {
  flags.state = DefaultState();
  app.add_option("--listen", flags.listen,
                 "where to listen: HOST[:PORT], [IPV6]:PORT or ipc:///PATH; port 0: free ones")
      ->capture_default_str()
      ->type_name("ADDRESS");
  app.add_option("--advertise", flags.advertise,
                 "the host that others are told to connect to, if not the one of --listen")
      ->check(NotEmpty)
      ->type_name("HOST");
  auto* state =
      app.add_option(
             "--state", flags.state,
             fmt::format("directory of lasting state; this program uses {}/ inside", flags.role))
          ->envname("FANMILL_STATE")
          ->capture_default_str()
          ->check(NotEmpty)
          ->type_name("DIR");
  if (flags.state.empty()) state->required();
  OneOf(app.add_option(
            "--durability", flags.durability,
            "full: what was told survives a crash of this machine; os: of this process alone, "
            "and is faster where the disk is slow"),
        {"full", "os"})
      ->capture_default_str();
  app.add_option("--address-file", flags.address_file,
                 "once it listens, write where into this file, in one step")
      ->check(NotEmpty)
      ->type_name("FILE");
}

Daemon::Daemon(const DaemonFlags& flags, Addresses addresses, StateDirectory state,
               std::unique_ptr<Sockets> sockets, std::unique_ptr<LocalPeer> journal)
    : flags_(flags),
      addresses_(std::move(addresses)),
      sockets_(std::move(sockets)),
      state_(std::move(state)),
      journal_(std::move(journal)),
      loop_(*sockets_, {flags.common.program, flags.common.trace_messages}) {
  loop_.AddPeer(Channel::kJournal, *journal_);
  loop_.AddPeer(Channel::kPerson, person_);
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const DaemonFlags& flags) {
  RaiseFileLimit();
  absl::StatusOr<std::unique_ptr<Sockets>> sockets = OpenSockets(flags.common);
  if (!sockets.ok()) return sockets.status();
  absl::StatusOr<Addresses> addresses = Resolve(flags, **sockets);
  if (!addresses.ok()) return addresses.status();
  // Last: a wrong flag must not cost an epoch.
  absl::StatusOr<StateDirectory> state = StateDirectory::Open(flags.state + "/" + flags.role);
  if (!state.ok()) return state.status();
  absl::StatusOr<std::unique_ptr<DurableJournal>> journal =
      DurableJournal::Open(JournalOf(flags, *state));
  if (!journal.ok()) return journal.status();
  return std::unique_ptr<Daemon>(new Daemon(flags, *std::move(addresses), *std::move(state),
                                            *std::move(sockets), *std::move(journal)));
}

absl::StatusOr<Daemon::Addresses> Daemon::Resolve(const DaemonFlags& flags,
                                                  const Sockets& sockets) {
  Addresses addresses;
  absl::StatusOr<Address> listen = ParseAddress(flags.listen, flags.port);
  if (!listen.ok()) return listen.status();
  if (absl::Status allowed = sockets.Allow(*listen); !allowed.ok()) return allowed;
  addresses.listen = *std::move(listen);
  if (!flags.advertise.empty()) {
    absl::StatusOr<std::string> host = ResolveHost(flags.advertise);
    if (!host.ok()) return host.status();
    addresses.advertise_host = *std::move(host);
  } else if (IsWildcard(addresses.listen)) {
    return absl::InvalidArgumentError(fmt::format(
        "listening on every address of this machine ({}) needs --advertise HOST: what others are "
        "to connect to",
        addresses.listen.ForPeople()));
  }
  if (flags.common.controller.empty()) return addresses;
  absl::StatusOr<Address> controller = ParseAddress(flags.common.controller, kControlPort);
  if (!controller.ok()) return controller.status();
  if (absl::Status allowed = sockets.Allow(*controller); !allowed.ok()) return allowed;
  addresses.controller = controller->Endpoint();
  return addresses;
}

absl::StatusOr<std::string> Daemon::Bind(Channel channel, uint16_t offset) {
  Address address = addresses_.listen;
  if (address.tcp() && address.port != 0) {
    if (address.port + offset > 65535) {
      return absl::InvalidArgumentError(
          fmt::format("--listen {}: ports up to {} would be needed, and there are 65535",
                      address.ForPeople(), address.port + offset));
    }
    address.port = static_cast<uint16_t>(address.port + offset);
  } else if (offset != 0 && !address.path.empty()) {
    address.path += fmt::format(".{}", ChannelName(channel));
  }
  absl::StatusOr<Address> bound = loop_.Bind(channel, address);
  if (!bound.ok()) return bound.status();
  if (bound->tcp() && !addresses_.advertise_host.empty()) bound->host = addresses_.advertise_host;
  told_.emplace_back(channel, *bound);
  return bound->Endpoint();
}

LaneOptions Daemon::LanesHere() const {
  LaneOptions options;
  options.listen = addresses_.listen;
  options.advertise_host = addresses_.advertise_host;
  options.files_max = RaiseFileLimit();
  if (addresses_.listen.tcp() && addresses_.listen.port == 0) options.first_port = 0;
  return options;
}

// The controller's alone is what --controller takes; the others' are a line for each socket.
std::string Daemon::AddressText() const {
  if (!told_.empty() && told_.front().first == Channel::kControl) {
    return told_.front().second.ForPeople() + "\n";
  }
  std::string text;
  for (const auto& [channel, address] : told_) {
    text += fmt::format("{} {}\n", ChannelName(channel), address.Endpoint());
  }
  return text;
}

absl::StatusOr<int> Daemon::Run(Node& node) {
  if (!flags_.address_file.empty()) {
    if (absl::Status written = ReplaceFile(flags_.address_file, AddressText()); !written.ok()) {
      return written;
    }
  }
  spdlog::info("event=started version={} state={} epoch={}", Version(), Quoted(state_.path()),
               state_.epoch());
  for (const auto& [channel, address] : told_) {
    spdlog::info("event=listening channel={} endpoint={}", ChannelName(channel),
                 address.Endpoint());
  }
  const int code = loop_.Run(node);
  watchdog_ = std::make_unique<ExitWatchdog>(code);
  spdlog::info("event=left code={}", code);
  return code;
}

int RunDaemon(CLI::App& app, DaemonFlags& flags, int argc, char** argv,
              const std::function<absl::StatusOr<int>()>& serve) {
  BlockStopSignals();
  AddCommonFlags(app, flags.common);
  AddDaemonFlags(app, flags);
  if (const std::optional<int> code = ParseCommandLine(app, argc, argv)) return *code;
  StartLogging(flags.common);
  const absl::StatusOr<int> code = serve();
  return code.ok() ? *code : Complain(flags.common, code.status());
}

}  // namespace fanmill
