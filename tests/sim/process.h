// One simulated process over all its lives: a node, its disk, its executor, its own clock; crashes,
// pauses and restarts. What the production loop does with sockets, this does with the network.
#ifndef FANMILL_TESTS_SIM_PROCESS_H_
#define FANMILL_TESTS_SIM_PROCESS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/node.h"
#include "tests/sim/checker.h"
#include "tests/sim/disk.h"
#include "tests/sim/executor.h"
#include "tests/sim/faults.h"
#include "tests/sim/network.h"
#include "tests/sim/scheduler.h"

namespace fanmill::sim {

// What all processes of one run share.
struct World {
  Scheduler& scheduler;
  Random& random;
  const Faults& faults;
  const ClusterPlan& plan;
  Coverage& coverage;
  Checker& checker;
  Network& network;
  std::vector<std::string>* transcript;  // null: none wanted
};

class Process {
 public:
  struct Setup {
    HostId host;
    std::string name;
    pb::Role role;
    std::vector<Channel> binds;   // at Endpoint(host, channel)
    bool may_crash;
    // A fresh node. `epoch`: which start this is; of a worker, its incarnation.
    std::function<std::unique_ptr<Node>(uint64_t epoch, uint64_t seed)> make;
  };
  Process(World world, Setup setup);

  static std::string Endpoint(HostId host, Channel channel);

  void Start();
  void Crash(const std::string& why);   // and starts again after a while
  void Arrive(PeerId from, const Message& message);
  // A person's signal.
  void Ask(StopAsked asked) { Arrive(PeerId{Channel::kPerson}, asked); }

  bool running() const { return node_ != nullptr; }
  const Node* node() const { return node_.get(); }
  const Setup& setup() const { return setup_; }
  uint64_t epoch() const { return epoch_; }
  // Of this life and all before.
  std::map<std::string, uint64_t> Counters() const;

 private:
  Instant LocalNow() const;
  Instant ToGlobal(Instant local) const;
  void Local(Duration delay, PeerId from, Message message);  // from a peer inside the process
  void Step(const std::function<void(Instant, Outbox&)>& act);
  void Flush(Outbox& outbox);
  void Route(const Outgoing& outgoing);
  void RouteNet(const Message& message);
  void RouteJournal(const Message& message);
  void OnSync();
  void Watch(const Outgoing& outgoing);
  void MaybePause();
  void ArmTick();
  void Leave();
  void Die();
  void SendDeathReport(const std::vector<v1::StartedAttempt>& started);
  bool Chance(uint32_t millionths);
  bool MayCrash() const;
  void Note(const std::string& line);

  World world_;
  Setup setup_;
  Disk disk_;
  bool sync_due_ = false;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Executor> executor_;
  uint64_t life_ = 0;          // events of an earlier life are void
  uint64_t epoch_ = 0;
  int64_t clock_base_us_ = 0;  // every life has a clock of its own
  int64_t clock_drift_ppm_ = 0;
  Instant paused_until_{};
  std::vector<std::pair<PeerId, Message>> while_paused_;
  Instant armed_ = kNever;
  bool crash_now_ = false;
  std::string lease_endpoint_;  // for the guardian
  std::map<std::string, uint64_t> counters_before_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_PROCESS_H_
