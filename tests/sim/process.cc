#include "tests/sim/process.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/describe.h"
#include "lib/core/wire.h"
#include "proto/records.pb.h"

namespace fanmill::sim {
namespace {

constexpr HostId kGuardianHosts = 1'000'000;  // guardians speak from hosts of their own
constexpr int kStuckTicksMax = 1000;
constexpr uint64_t kRowsPerPage = 64;

}  // namespace

Process::Process(World world, Setup setup) : world_(world), setup_(std::move(setup)) {}

std::string Process::Endpoint(HostId host, Channel channel) {
  return "sim://" + std::to_string(host) + "/" + std::string(ChannelName(channel));
}

bool Process::Chance(uint32_t millionths) {
  return millionths > 0 && world_.scheduler.now() < world_.faults.until &&
         world_.random.Uniform(1'000'000) < millionths;
}

bool Process::MayCrash(uint32_t millionths) { return setup_.may_crash && Chance(millionths); }

void Process::Note(const std::string& line) {
  const double seconds =
      static_cast<double>(world_.scheduler.now().time_since_epoch().count()) / 1e6;
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%11.6f ", seconds);
  if (noting()) world_.transcript->push_back(stamp + setup_.name + " " + line);
}

// ---- Its clock ---------------------------------------------------------------------------------

Instant Process::LocalNow() const {
  const int64_t global = world_.scheduler.now().time_since_epoch().count();
  return Instant(Micros(clock_base_us_ + global + global * clock_drift_ppm_ / 1'000'000));
}

// A global instant at which the local clock shows `local` or a little more.
Instant Process::ToGlobal(Instant local) const {
  if (local == kNever) return kNever;
  const Duration left = std::max(local - LocalNow(), Duration{0});
  return After(world_.scheduler.now(), left + left / 1'000 + Micros(left.count() == 0 ? 0 : 2));
}

void Process::MaybeJump() {
  if (!Chance(world_.faults.jump_per_step)) return;
  world_.coverage.Count("fault.clock_jump");
  const auto jump = static_cast<int64_t>(world_.random.Uniform(8'000'000));
  if (noting()) Note("its clock leaps " + std::to_string(jump) + " us");
  clock_base_us_ += jump;
}

void Process::MaybePause() {
  if (world_.scheduler.now() < paused_until_ || !Chance(world_.faults.pause_per_step)) return;
  world_.coverage.Count("fault.pause");
  const uint64_t most = world_.random.Uniform(4) == 0 ? 20'000'000 : 1'500'000;
  const Duration pause = std::min(Micros(static_cast<int64_t>(world_.random.Uniform(most))),
                                  world_.faults.until - world_.scheduler.now());
  if (noting()) Note("pauses " + std::to_string(pause.count()) + " us");
  paused_until_ = world_.scheduler.now() + pause;
  world_.scheduler.At(paused_until_, [this, life = life_] {
    if (life == life_) Resume();
  });
}

// Whether time or messages come first is a matter of luck.
void Process::Resume() {
  if (node_ == nullptr || world_.scheduler.now() < paused_until_) return;
  const uint64_t life = life_;
  if (world_.random.Uniform(2) == 0) Tick();
  std::vector<std::pair<PeerId, Message>> waiting = std::exchange(while_paused_, {});
  for (const auto& [from, message] : waiting) {
    if (life == life_) Arrive(from, message);
  }
  if (life == life_ && node_ != nullptr) ArmTick();
}

void Process::Tick() {
  Step([this](Instant now, Outbox& outbox) { node_->Tick(now, outbox); });
  if (node_ == nullptr) return;
  stuck_ = node_->NextDeadline() <= LocalNow() ? stuck_ + 1 : 0;
  if (stuck_ == kStuckTicksMax) {
    world_.checker.Fail(setup_.name + " ticks and ticks, and its deadline stays where it is");
  }
}

void Process::ArmTick() {
  const Instant due = std::max(ToGlobal(node_->NextDeadline()), paused_until_);
  if (due == kNever || due == armed_) return;
  armed_ = due;
  world_.scheduler.At(due, [this, life = life_, due] {
    if (life != life_ || armed_ != due) return;
    armed_ = kNever;
    if (world_.scheduler.now() < paused_until_) return;
    Tick();
  });
}

// ---- Its life ----------------------------------------------------------------------------------

void Process::Start() {
  FANMILL_CHECK(node_ == nullptr, "started twice");
  ++life_;
  left_ = false;
  stuck_ = 0;
  const bool worker = setup_.role == pb::WORKER;
  epoch_ = worker ? world_.random.Next() | 1 : epoch_ + 1;
  clock_base_us_ = static_cast<int64_t>(world_.random.Uniform(1'000'000'000));
  clock_drift_ppm_ = static_cast<int64_t>(world_.random.Uniform(200)) - 100;
  if (noting()) Note("starts epoch=" + std::to_string(epoch_));
  node_ = setup_.make(epoch_, world_.random.Next());
  if (worker) {
    const PeerId executor{Channel::kExecutor};
    executor_ = std::make_unique<Executor>(
        world_.scheduler, world_.random, world_.plan, world_.checker, epoch_,
        Executor::Seams{
            [this, executor](Message reply) { Local(Micros(5), executor, std::move(reply)); },
            [this] { return LocalNow(); },
            [this] {
              // Later, since the executor that says so dies of it.
              world_.scheduler.In(Micros(1), [this, life = life_] {
                if (life != life_) return;
                world_.coverage.Count("fault.poison");
                Crash("poison");
              });
            }});
  }
  for (const Channel channel : setup_.binds) {
    world_.network.Bind(setup_.host, channel, 0, Endpoint(setup_.host, channel));
  }
  Step([this](Instant now, Outbox& outbox) { node_->Start(now, outbox); });
  const bool has_journal =
      setup_.role == pb::CONTROLLER || setup_.role == pb::VENTILATOR || setup_.role == pb::SINK;
  if (node_ != nullptr && has_journal) Recover();
}

void Process::Recover() {
  const std::vector<JournalRow> rows = disk_.Durable();
  Duration delay = Micros(50);
  for (uint64_t begin = 0; begin < rows.size(); begin += kRowsPerPage, delay += Micros(10)) {
    const uint64_t end = std::min<uint64_t>(begin + kRowsPerPage, rows.size());
    JournalRecovered page{
        {rows.begin() + static_cast<int64_t>(begin), rows.begin() + static_cast<int64_t>(end)},
        false};
    Local(delay, PeerId{Channel::kJournal}, std::move(page));
  }
  Local(delay, PeerId{Channel::kJournal}, JournalRecovered{{}, true});
  if (setup_.disk_bytes > 0)
    Local(delay, PeerId{Channel::kJournal}, JournalRoom{setup_.disk_bytes});
}

std::map<std::string, uint64_t> Process::Counters() const {
  std::map<std::string, uint64_t> all = counters_before_;
  if (node_ == nullptr) return all;
  for (const auto& [what, times] : node_->Counters()) all[what] += times;
  return all;
}

void Process::Die() {
  counters_before_ = Counters();
  ++life_;
  node_.reset();
  executor_.reset();
  while_paused_.clear();
  paused_until_ = {};
  armed_ = kNever;
  sync_due_ = false;
  world_.network.CloseAll(setup_.host);
}

void Process::Leave() {
  if (noting()) Note("leaves with exit code " + std::to_string(node_->ExitCode()));
  if (setup_.role == pb::WORKER) world_.checker.OnLeft(epoch_);
  Die();
  left_ = true;
}

void Process::Crash(const std::string& why) {
  if (node_ == nullptr) return;
  if (noting()) Note("CRASHES: " + why);
  world_.coverage.Count("fault.crash." + setup_.name.substr(0, setup_.name.find('-')));
  std::vector<v1::StartedAttempt> started;
  if (executor_ != nullptr) started = executor_->Started();
  Die();
  world_.checker.OnDied(epoch_);
  const uint64_t durable = disk_.durable();
  disk_.Crash(world_.random);
  if (world_.plan.forgetful && setup_.role != pb::CONTROLLER) {
    world_.coverage.Count("fault.journal_lost");
    disk_ = {};
  }
  if (setup_.role == pb::CONTROLLER) WatchBook(durable, disk_.durable());
  const bool silent =
      why != "poison" && world_.faults.silent_deaths && world_.random.Uniform(2) == 0;
  if (setup_.role == pb::WORKER && !silent) {
    SendDeathReport(std::move(started));
    SendLastHeartbeat();
  }
  if (!setup_.comes_back && world_.random.Uniform(4) == 0) {
    world_.coverage.Count("fault.death_for_good");
    left_ = true;
    return;
  }
  const Duration down = Millis(50 + static_cast<int64_t>(world_.random.Uniform(3'000)));
  world_.scheduler.In(down, [this, life = life_] {
    if (life == life_) Start();
  });
}

void Process::SendDeathReport(std::vector<v1::StartedAttempt> started) {
  if (lease_endpoint_.empty()) return;
  world_.coverage.Count("fault.death_report");
  pb::Envelope envelope = NewEnvelope(Identity{pb::GUARDIAN, epoch_, 0});
  envelope.mutable_death_report()->set_cause("signal 9");
  for (v1::StartedAttempt& attempt : started) {
    *envelope.mutable_death_report()->add_started() = std::move(attempt);
  }
  SayAsGuardian({Channel::kLease, lease_endpoint_}, std::move(envelope));
}

void Process::SendLastHeartbeat() {
  pb::Envelope envelope = NewEnvelope(Identity{pb::GUARDIAN, epoch_, 0});
  envelope.mutable_heartbeat()->set_leaving(true);
  envelope.mutable_heartbeat()->add_receipts();
  SayAsGuardian({Channel::kControl, control_endpoint_}, std::move(envelope));
}

void Process::SayAsGuardian(const Connect& connect, pb::Envelope envelope) {
  const HostId guardian = kGuardianHosts + setup_.host;
  world_.network.Connect(guardian, connect);
  const Message message = Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}};
  bool unreachable = false;
  world_.network.Send(guardian, PeerId{connect.channel, 0}, message, &unreachable);
}

// ---- What its node is told, and tells ----------------------------------------------------------

void Process::Local(Duration delay, PeerId from, Message message) {
  world_.scheduler.In(delay, [this, life = life_, from, message = std::move(message)] {
    if (life == life_) Arrive(from, message);
  });
}

void Process::Arrive(PeerId from, const Message& message) {
  if (node_ == nullptr) return;
  if (world_.scheduler.now() < paused_until_) {
    while_paused_.emplace_back(from, message);
    return;
  }
  if (noting()) Note("<- " + std::string(ChannelName(from.channel)) + " " + Describe(message));
  if (const auto* wire = std::get_if<Wire>(&message)) ++world_.bodies[wire->envelope->body_case()];
  Step([&](Instant now, Outbox& outbox) { node_->Handle(now, from, message, outbox); });
}

void Process::Step(const std::function<void(Instant, Outbox&)>& act) {
  Outbox outbox;
  act(LocalNow(), outbox);
  node_->CheckInvariants();
  Flush(outbox);
  if (node_ == nullptr) return;
  for (const std::string& notice : node_->TakeNotices()) {
    if (noting()) Note("notice: " + notice);
  }
  if (node_->Done()) return Leave();
  MaybePause();
  MaybeJump();
  ArmTick();
}

void Process::Flush(Outbox& outbox) {
  for (const Outgoing& outgoing : outbox.Take()) {
    if (MayCrash(world_.faults.crash_per_send)) return Crash("between two messages");
    WatchReceipts(outgoing);
    Route(outgoing);
    if (node_ == nullptr) return;
  }
}

void Process::Route(const Outgoing& outgoing) {
  if (noting()) {
    Note("-> " + std::string(ChannelName(outgoing.to.channel)) + " " + Describe(outgoing.message));
  }
  switch (outgoing.to.channel) {
    case Channel::kNet:
      return RouteNet(outgoing.message);
    case Channel::kJournal:
      return RouteJournal(outgoing.message);
    case Channel::kExecutor:
      return executor_->Deliver(outgoing.message);
    case Channel::kPerson:
      FANMILL_CHECK(false, "a person takes no messages");
      return;
    default:
      break;
  }
  bool unreachable = false;
  if (!world_.network.Send(setup_.host, outgoing.to, outgoing.message, &unreachable)) {
    Local(Micros(1), PeerId{Channel::kNet}, Undeliverable{outgoing.to, unreachable});
  }
}

void Process::RouteNet(const Message& message) {
  if (const auto* open = std::get_if<OpenLane>(&message)) {
    const std::string endpoint = world_.network.FreeLaneEndpoint(setup_.host);
    if (endpoint.empty()) {
      Local(Micros(20), PeerId{Channel::kNet}, LaneFailed{open->lane, "no port is free"});
      return;
    }
    world_.network.Bind(setup_.host, Channel::kLane, open->lane, endpoint);
    Local(Micros(20), PeerId{Channel::kNet}, LaneOpened{open->lane, endpoint});
  } else if (const auto* close = std::get_if<CloseLane>(&message)) {
    world_.network.Unbind(setup_.host, Channel::kLane, close->lane);
  } else if (const auto* connect = std::get_if<Connect>(&message)) {
    if (connect->channel == Channel::kControl) control_endpoint_ = connect->endpoint;
    if (connect->channel == Channel::kLease) lease_endpoint_ = connect->endpoint;
    world_.network.Connect(setup_.host, *connect);
  } else if (const auto* disconnect = std::get_if<Disconnect>(&message)) {
    world_.network.Disconnect(setup_.host, disconnect->channel);
  } else {
    FANMILL_CHECK(false, "not a message for the net");
  }
}

void Process::RouteJournal(const Message& message) {
  if (const auto* write = std::get_if<JournalWrite>(&message)) {
    disk_.Write(*write);
    if (MayCrash(world_.faults.crash_per_write)) {
      world_.coverage.Count("fault.crash_at_write");
      return Crash("at a disk write");
    }
    if (sync_due_) return;
    sync_due_ = true;
    const bool slow = world_.faults.slow_disk && Chance(50'000);
    if (slow) world_.coverage.Count("fault.slow_write");
    const uint64_t most = slow ? 3'000'000 : 500;
    world_.scheduler.In(Micros(50 + static_cast<int64_t>(world_.random.Uniform(most))),
                        [this, life = life_] {
                          if (life == life_) OnSync();
                        });
  } else if (const auto* read = std::get_if<JournalRead>(&message)) {
    Local(Micros(100), PeerId{Channel::kJournal}, disk_.Read(*read));
  } else {
    const auto* forget = std::get_if<JournalForget>(&message);
    FANMILL_CHECK(forget != nullptr, "not a message for a journal");
    if (setup_.disk_bytes == 0) return;
    disk_.Forget(forget->batch);
    TellRoom();
  }
}

void Process::OnSync() {
  sync_due_ = false;
  const uint64_t before = disk_.durable();
  const uint64_t through = disk_.Sync();
  if (setup_.role == pb::CONTROLLER) WatchBook(before, through);
  if (MayCrash(world_.faults.crash_per_write)) {
    world_.coverage.Count("fault.crash_after_sync");
    return Crash("after a disk write, before anybody knew");
  }
  Local(Micros(1), PeerId{Channel::kJournal}, JournalDurable{through});
  if (setup_.disk_bytes > 0) TellRoom();
}

void Process::TellRoom() {
  Local(Micros(1), PeerId{Channel::kJournal}, JournalRoom{disk_.Room(setup_.disk_bytes)});
}

void Process::WatchBook(uint64_t before, uint64_t through) {
  for (uint64_t sequence = before + 1; sequence <= through; ++sequence) {
    const std::string_view bytes = disk_.Row(sequence).bytes.bytes;
    pb::BookRecord record;
    const bool parsed = record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    if (parsed && record.has_batch() && record.batch().started()) {
      world_.checker.OnStartDurable(record.batch().batch());
    }
  }
}

// A receipt binds from the moment it was said.
void Process::WatchReceipts(const Outgoing& outgoing) {
  const auto* wire = std::get_if<Wire>(&outgoing.message);
  if (wire == nullptr || setup_.role != pb::WORKER || !wire->envelope->has_heartbeat()) return;
  for (const pb::Receipt& receipt : wire->envelope->heartbeat().receipts()) {
    world_.checker.OnReceipt(epoch_, receipt.batch());
  }
}

}  // namespace fanmill::sim
