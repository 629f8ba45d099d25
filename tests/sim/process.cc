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

}  // namespace

Process::Process(World world, Setup setup) : world_(world), setup_(std::move(setup)) {}

std::string Process::Endpoint(HostId host, Channel channel) {
  return "sim://" + std::to_string(host) + "/" + std::string(ChannelName(channel));
}

bool Process::Chance(uint32_t millionths) {
  return world_.scheduler.now() < world_.faults.until &&
         world_.random.Uniform(1'000'000) < millionths;
}

bool Process::MayCrash() const {
  return setup_.may_crash && world_.scheduler.now() < world_.faults.until;
}

Instant Process::LocalNow() const {
  const int64_t global = world_.scheduler.now().time_since_epoch().count();
  return Instant(Micros(clock_base_us_ + global + global / 1'000'000 * clock_drift_ppm_));
}

// The first global instant at which the local clock shows `local` or later.
Instant Process::ToGlobal(Instant local) const {
  if (local == kNever) return kNever;
  Instant guess = std::max(world_.scheduler.now(), Instant(Micros(
      local.time_since_epoch().count() - clock_base_us_)));
  const Duration behind = local - (LocalNow() + (guess - world_.scheduler.now()));
  return guess + std::max(behind, Duration{0}) + Micros(100);
}

void Process::Note(const std::string& line) {
  if (world_.transcript == nullptr) return;
  const double seconds =
      static_cast<double>(world_.scheduler.now().time_since_epoch().count()) / 1e6;
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%11.6f ", seconds);
  world_.transcript->push_back(stamp + setup_.name + " " + line);
}

void Process::Start() {
  FANMILL_CHECK(node_ == nullptr, "started twice");
  ++life_;
  const bool worker = setup_.role == pb::WORKER;
  epoch_ = worker ? world_.random.Next() | 1 : epoch_ + 1;
  clock_base_us_ = static_cast<int64_t>(world_.random.Uniform(1'000'000'000));
  clock_drift_ppm_ = static_cast<int64_t>(world_.random.Uniform(200)) - 100;
  Note("starts epoch=" + std::to_string(epoch_));
  node_ = setup_.make(epoch_, world_.random.Next());
  if (worker) {
    executor_ = std::make_unique<Executor>(
        world_.scheduler, world_.plan, world_.checker, epoch_,
        Executor::Seams{
            [this](Message reply) { Local(Micros(5), PeerId{Channel::kExecutor}, std::move(reply)); },
            [this] { return LocalNow(); },
            [this](uint32_t) {
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
  if (setup_.role != pb::CONTROLLER) {
    world_.network.Connect(setup_.host, Channel::kControl, Endpoint(0, Channel::kControl));
  }
  Step([this](Instant now, Outbox& outbox) { node_->Start(now, outbox); });
  if (node_ == nullptr) return;
  std::vector<JournalRow> rows = disk_.Durable();
  const auto half = rows.begin() + static_cast<int64_t>(rows.size() / 2);
  Local(Micros(50), PeerId{Channel::kJournal},
        JournalRecovered{{rows.begin(), half}, false});
  Local(Micros(60), PeerId{Channel::kJournal}, JournalRecovered{{half, rows.end()}, true});
}

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
  Note("<- " + std::string(ChannelName(from.channel)) + " " + Describe(message));
  Step([&](Instant now, Outbox& outbox) { node_->Handle(now, from, message, outbox); });
}

void Process::Step(const std::function<void(Instant, Outbox&)>& act) {
  Outbox outbox;
  act(LocalNow(), outbox);
  node_->CheckInvariants();
  Flush(outbox);
  if (node_ == nullptr) return;
  for (const std::string& notice : node_->TakeNotices()) Note("notice: " + notice);
  if (node_->Done()) {
    Leave();
    return;
  }
  MaybePause();
  ArmTick();
}

void Process::Flush(Outbox& outbox) {
  for (const Outgoing& outgoing : outbox.Take()) {
    if (MayCrash() && Chance(world_.faults.crash_per_send)) crash_now_ = true;
    if (crash_now_) {
      Crash("between two messages");
      return;
    }
    Watch(outgoing);
    Route(outgoing);
    if (node_ == nullptr) return;
  }
}

void Process::Route(const Outgoing& outgoing) {
  Note("-> " + std::string(ChannelName(outgoing.to.channel)) + " " + Describe(outgoing.message));
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
    if (connect->channel == Channel::kLease) lease_endpoint_ = connect->endpoint;
    world_.network.Connect(setup_.host, connect->channel, connect->endpoint);
  } else if (const auto* disconnect = std::get_if<Disconnect>(&message)) {
    world_.network.Disconnect(setup_.host, disconnect->channel);
  } else {
    FANMILL_CHECK(false, "not a message for the net");
  }
}

void Process::RouteJournal(const Message& message) {
  if (const auto* write = std::get_if<JournalWrite>(&message)) {
    disk_.Write(*write);
    if (MayCrash() && Chance(world_.faults.crash_per_write)) {
      world_.coverage.Count("fault.crash_at_write");
      crash_now_ = true;
      Crash("at a disk write");
      return;
    }
    if (sync_due_) return;
    sync_due_ = true;
    const int64_t most = world_.faults.slow_disk ? 200'000 : 500;
    world_.scheduler.In(Micros(50 + static_cast<int64_t>(world_.random.Uniform(most))),
                        [this, life = life_] {
                          if (life == life_) OnSync();
                        });
  } else if (const auto* read = std::get_if<JournalRead>(&message)) {
    Local(Micros(100), PeerId{Channel::kJournal}, disk_.Read(*read));
  } else {
    FANMILL_CHECK(std::holds_alternative<JournalForget>(message), "not a message for a journal");
  }
}

void Process::OnSync() {
  sync_due_ = false;
  const uint64_t before = disk_.durable();
  const uint64_t through = disk_.Sync();
  if (setup_.role == pb::CONTROLLER) {
    const std::vector<JournalRow> rows = disk_.Durable();
    for (uint64_t i = before; i < through; ++i) {
      pb::BookRecord record;
      if (record.ParseFromString(std::string(rows[i].bytes.bytes)) && record.has_batch() &&
          record.batch().started()) {
        world_.checker.OnStartDurable(record.batch().batch());
      }
    }
  }
  if (MayCrash() && Chance(world_.faults.crash_per_write)) {
    world_.coverage.Count("fault.crash_after_sync");
    Crash("after a disk write, before anybody knew");
    return;
  }
  Local(Micros(1), PeerId{Channel::kJournal}, JournalDurable{through});
}

// What outsiders rely on once it was said.
void Process::Watch(const Outgoing& outgoing) {
  const auto* wire = std::get_if<Wire>(&outgoing.message);
  if (wire == nullptr || setup_.role != pb::WORKER || !wire->envelope->has_heartbeat()) return;
  for (const pb::Receipt& receipt : wire->envelope->heartbeat().receipts()) {
    world_.checker.OnReceipt(epoch_, receipt.batch());
  }
}

void Process::MaybePause() {
  if (!Chance(world_.faults.pause_per_step)) return;
  world_.coverage.Count("fault.pause");
  const Duration pause = Millis(static_cast<int64_t>(
      world_.random.Uniform(world_.random.Uniform(4) == 0 ? 20'000 : 1'500)));
  Note("pauses " + std::to_string(pause.count()) + " us");
  paused_until_ = world_.scheduler.now() + pause;
  world_.scheduler.At(paused_until_, [this, life = life_] {
    if (life != life_) return;
    for (auto& [from, message] : std::exchange(while_paused_, {})) {
      if (life == life_) Arrive(from, message);
    }
    if (life == life_ && node_ != nullptr) ArmTick();
  });
}

void Process::ArmTick() {
  const Instant due = std::max(ToGlobal(node_->NextDeadline()), paused_until_);
  if (due == kNever || due == armed_) return;
  armed_ = due;
  world_.scheduler.At(due, [this, life = life_, due] {
    if (life != life_ || armed_ != due) return;
    armed_ = kNever;
    if (world_.scheduler.now() < paused_until_) return ArmTick();
    Step([this](Instant now, Outbox& outbox) { node_->Tick(now, outbox); });
  });
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
  crash_now_ = false;
  world_.network.CloseAll(setup_.host);
}

void Process::Leave() {
  Note("leaves");
  Die();
}

void Process::Crash(const std::string& why) {
  if (node_ == nullptr) return;
  Note("CRASHES: " + why);
  world_.coverage.Count("fault.crash." + setup_.name.substr(0, setup_.name.find('-')));
  std::vector<v1::StartedAttempt> started;
  if (executor_ != nullptr) started = executor_->Started();
  const bool poison = why == "poison";
  Die();
  disk_.Crash(world_.random);
  const bool silent = world_.faults.silent_deaths && world_.random.Uniform(2) == 0;
  if (setup_.role == pb::WORKER && (poison || !silent)) SendDeathReport(started);
  const Duration down = Millis(50 + static_cast<int64_t>(world_.random.Uniform(3'000)));
  world_.scheduler.In(down, [this] {
    if (node_ == nullptr) Start();
  });
}

void Process::SendDeathReport(const std::vector<v1::StartedAttempt>& started) {
  if (lease_endpoint_.empty()) return;
  world_.coverage.Count("fault.death_report");
  const HostId guardian = kGuardianHosts + setup_.host;
  pb::Envelope envelope = NewEnvelope(Identity{pb::GUARDIAN, epoch_, 0});
  envelope.mutable_death_report()->set_cause("signal 9");
  for (const v1::StartedAttempt& attempt : started) {
    *envelope.mutable_death_report()->add_started() = attempt;
  }
  world_.network.Connect(guardian, Channel::kLease, lease_endpoint_);
  const Message message = Wire{std::make_shared<const pb::Envelope>(std::move(envelope)), {}};
  bool unreachable = false;
  world_.network.Send(guardian, PeerId{Channel::kLease, 0}, message, &unreachable);
}

}  // namespace fanmill::sim
