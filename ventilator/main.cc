// fanmill-ventilator: takes tasks in and hands them out.
#include <cstdio>
#include <memory>
#include <string>

#include "lib/io/daemon.h"
#include "ventilator/dispatcher.h"

namespace fanmill {
namespace {

constexpr uint16_t kVentilatorPort = 21003;
constexpr uint16_t kLeaseOffset = 1;
constexpr uint16_t kIntakeOffset = 3;

constexpr char kAbout[] =
    "The ventilator of a Fanmill cluster: it takes tasks in from whoever submits them and hands\n"
    "them out, to each worker over a lane of its own, no faster than that worker can run them.\n"
    "What a lost worker had goes to others.";

constexpr char kExamples[] =
    "Ports: acks where it listens (21003), lease one above, intake three above (21006), and a "
    "lane\n"
    "for each worker.\n"
    "\n"
    "Examples:\n"
    "  fanmill-ventilator                              for a controller on this machine\n"
    "  fanmill-ventilator --controller head --listen 10.0.0.2 --key cluster.key\n"
    "\n"
    "Exit codes: 0 it was asked to leave and did, 2 wrong usage, 5 it could not work.";

// Reads "FIRST-LAST" or "any". Returns what is wrong with it, for a person.
std::string ReadLanePorts(const std::string& text, LaneOptions& lanes) {
  if (text == "any") {
    lanes.first_port = 0;
    return "";
  }
  unsigned first = 0;
  unsigned last = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%5u-%5u%n", &first, &last, &used) != 2 ||
      static_cast<size_t>(used) != text.size() || first == 0 || first > last || last > 65535) {
    return text + " is no range of ports; write it like 21100-21999, or any";
  }
  lanes.first_port = static_cast<uint16_t>(first);
  lanes.last_port = static_cast<uint16_t>(last);
  return "";
}

absl::StatusOr<int> Serve(const DaemonFlags& flags, const std::string& lane_ports) {
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(flags);
  if (!daemon.ok()) return daemon.status();
  const absl::StatusOr<std::string> acks = (*daemon)->Bind(Channel::kAcks, 0);
  if (!acks.ok()) return acks.status();
  const absl::StatusOr<std::string> lease = (*daemon)->Bind(Channel::kLease, kLeaseOffset);
  if (!lease.ok()) return lease.status();
  const absl::StatusOr<std::string> intake = (*daemon)->Bind(Channel::kIntake, kIntakeOffset);
  if (!intake.ok()) return intake.status();
  LaneOptions lanes = (*daemon)->LanesHere();
  if (!lane_ports.empty()) ReadLanePorts(lane_ports, lanes);
  (*daemon)->loop().AddLanes(lanes);

  DispatcherOptions options;
  (*daemon)->Introduce(options);
  options.controller = (*daemon)->controller();
  options.endpoints.set_acks(*acks);
  options.endpoints.set_lease(*lease);
  options.endpoints.set_intake(*intake);
  options.lanes_max = (*daemon)->loop().lanes().capacity();
  Dispatcher dispatcher(options);
  return (*daemon)->Run(dispatcher);
}

int Main(int argc, char** argv) {
  DaemonFlags flags;
  flags.common.program = "fanmill-ventilator";
  flags.role = "ventilator";
  flags.journal = "manifest";
  flags.port = kVentilatorPort;
  flags.listen = "127.0.0.1:21003";
  std::string lane_ports;
  CLI::App app(kAbout, flags.common.program);
  app.footer(kExamples);
  AddControllerFlag(app, flags.common);
  app.add_option("--lane-ports", lane_ports,
                 "ports of the lanes, FIRST-LAST, or any; without it 21100-21999, or any when "
                 "--listen has port 0")
      ->check([](const std::string& text) {
        LaneOptions lanes;
        return ReadLanePorts(text, lanes);
      })
      ->type_name("FIRST-LAST");
  return RunDaemon(app, flags, argc, argv, [&] { return Serve(flags, lane_ports); });
}

}  // namespace
}  // namespace fanmill

int main(int argc, char** argv) { return fanmill::Main(argc, argv); }
