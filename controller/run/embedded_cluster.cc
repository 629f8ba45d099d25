#include "controller/run/embedded_cluster.h"

#include <string>
#include <utility>

#include "controller/controller.h"
#include "lib/core/check.h"
#include "lib/core/wrapped_node.h"
#include "lib/io/memory_journal.h"
#include "lib/io/process.h"
#include "sink/ledger.h"
#include "ventilator/dispatcher.h"
#include "worker/session.h"

namespace fanmill {
namespace {

constexpr char kControl[] = "inproc://control";
// Who does not answer inside one process has been stopped together with who asks (Ctrl-Z).
constexpr Duration kForEver = Seconds(365 * 24 * 3600);
// It costs nothing here, and what waits for the next one is told so much sooner.
constexpr Duration kHeartbeatEvery = Millis(50);

// Nobody else's sockets are in this context, so each name is free.
std::string BindInside(Loop& loop, Channel channel) {
  Address address;
  address.inproc = ChannelName(channel);
  const absl::StatusOr<Address> bound = loop.Bind(channel, address);
  FANMILL_CHECK(bound.ok(), "a name inside the process is taken");
  return bound->Endpoint();
}

// A session that others may ask how many tasks run.
class CountedSession final : public WrappedNode {
 public:
  CountedSession(Session& session, std::atomic<uint32_t>& running)
      : WrappedNode(session), session_(session), running_(running) {}

  void Tick(Instant now, Outbox& outbox) override {
    WrappedNode::Tick(now, outbox);
    running_.store(session_.running(), std::memory_order_relaxed);
  }

 private:
  const Session& session_;
  std::atomic<uint32_t>& running_;
};

}  // namespace

template <class Options>
Options EmbeddedCluster::Introduced() const {
  Options options;
  options.directory = RandomId();
  options.seed = RandomId();
  options.version = Version();
  options.host = HostName();
  options.name = options.host;
  options.pid = options_.pid;
  if constexpr (requires { options.durability; }) options.durability = pb::DURABLE_IN_MEMORY;
  return options;
}

EmbeddedCluster::EmbeddedCluster(const EmbeddedOptions& options, SlotTable& table,
                                 std::unique_ptr<Sockets> sockets)
    : options_(options),
      table_(table),
      sockets_(std::move(sockets)),
      executor_(options_.executor, table_),
      controller_([this] { RunController(); }),
      ventilator_([this] { RunVentilator(); }),
      sink_([this] { RunSink(); }),
      worker_([this] { RunWorker(); }) {}

absl::StatusOr<std::unique_ptr<EmbeddedCluster>> EmbeddedCluster::Start(
    const EmbeddedOptions& options, SlotTable& table) {
  RaiseFileLimit();
  absl::StatusOr<std::unique_ptr<Sockets>> sockets = Sockets::Open({});
  if (!sockets.ok()) return sockets.status();
  return std::unique_ptr<EmbeddedCluster>(new EmbeddedCluster(options, table, *std::move(sockets)));
}

// The worker first, while there is somebody to take its receipt.
EmbeddedCluster::~EmbeddedCluster() {
  KillWorker();
  worker_.join();
  stop_ventilator_.Press();
  stop_sink_.Press();
  stop_controller_.Press();
  ventilator_.join();
  sink_.join();
  controller_.join();
}

client::Options EmbeddedCluster::ForClients() const {
  client::Options options;
  options.controller = kControl;
  options.inside = sockets_.get();
  options.patience = kForEver;
  return options;
}

Loop EmbeddedCluster::MakeLoop(const char* program) const { return Loop(*sockets_, {program}); }

void EmbeddedCluster::RunController() {
  Loop loop = MakeLoop("controller");
  FANMILL_CHECK(BindInside(loop, Channel::kControl) == kControl);
  auto options = Introduced<ControllerOptions>();
  options.cluster = RandomId();
  options.heartbeat_every = kHeartbeatEvery;
  options.signal = BindInside(loop, Channel::kSignal);
  Controller controller(options);
  MemoryJournal journal({.readable = false});
  loop.AddPeer(Channel::kJournal, journal);
  loop.AddPeer(Channel::kPerson, stop_controller_);
  loop.Run(controller);
}

void EmbeddedCluster::RunVentilator() {
  Loop loop = MakeLoop("ventilator");
  auto options = Introduced<DispatcherOptions>();
  options.controller = kControl;
  options.endpoints.set_acks(BindInside(loop, Channel::kAcks));
  options.endpoints.set_lease(BindInside(loop, Channel::kLease));
  options.endpoints.set_intake(BindInside(loop, Channel::kIntake));
  LaneOptions lanes;
  lanes.listen.inproc = "lane";
  lanes.first_port = 0;
  lanes.files_max = RaiseFileLimit();
  loop.AddLanes(lanes);
  options.lanes_max = loop.lanes().capacity();
  Dispatcher dispatcher(options);
  MemoryJournal journal({.readable = false});
  loop.AddPeer(Channel::kJournal, journal);
  loop.AddPeer(Channel::kPerson, stop_ventilator_);
  loop.Run(dispatcher);
}

void EmbeddedCluster::RunSink() {
  Loop loop = MakeLoop("sink");
  auto options = Introduced<LedgerOptions>();
  options.controller = kControl;
  options.endpoints.set_results(BindInside(loop, Channel::kResults));
  options.endpoints.set_facts(BindInside(loop, Channel::kFacts));
  Ledger ledger(options);
  MemoryJournal journal({.bytes_max = options_.results_bytes_max,
                         .spool_directory = options_.executor.spill_dir,
                         .on_trouble = options_.on_trouble});
  loop.AddPeer(Channel::kJournal, journal);
  loop.AddPeer(Channel::kPerson, stop_sink_);
  loop.Run(ledger);
}

void EmbeddedCluster::RunWorker() {
  auto options = Introduced<SessionOptions>();
  options.incarnation = RandomId();
  options.directory = 0;
  options.controller = kControl;
  options.slots = table_.slots();
  options.handlers = options_.executor.handlers;
  Session session(options);
  CountedSession counted(session, running_);
  Loop loop = MakeLoop("worker");
  loop.AddPeer(Channel::kExecutor, executor_);
  loop.AddPeer(Channel::kPerson, stop_worker_);
  loop.Run(counted);
  if (options_.on_worker_left) options_.on_worker_left();
}

}  // namespace fanmill
