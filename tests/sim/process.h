// One simulated process: a node, its disk, its executor, its clock. It does what the production
// loop does with the node's messages, and suffers what operating systems do to processes: it
// crashes between any two messages and at any disk write, is stopped for a while, and its clock
// leaps. Every life has a clock and an epoch of its own.
#ifndef FANMILL_TESTS_SIM_PROCESS_H_
#define FANMILL_TESTS_SIM_PROCESS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
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
  std::array<uint64_t, 128>& bodies;     // messages that arrived, by the envelope's body
  std::vector<std::string>* transcript;  // null: none wanted
};

class Process {
 public:
  struct Setup {
    HostId host;
    std::string name;
    pb::Role role;
    std::vector<Channel> binds = {};  // at Endpoint(host, channel)
    bool may_crash = false;
    bool comes_back = true;   // after a crash
    uint64_t disk_bytes = 0;  // what its journal says it has room for; 0: it does not
    // A fresh node. `epoch`: which start this is; of a worker, its incarnation.
    std::function<std::unique_ptr<Node>(uint64_t epoch, uint64_t seed)> make = {};
  };
  Process(World world, Setup setup);

  static std::string Endpoint(HostId host, Channel channel);

  void Start();
  void Crash(const std::string& why);  // and starts again after a while
  void Arrive(PeerId from, const Message& message);
  // A person's signal.
  void Ask(StopAsked asked) { Arrive(PeerId{Channel::kPerson}, asked); }

  bool running() const { return node_ != nullptr; }
  bool left() const { return left_; }  // of its own will, in its last life
  const Setup& setup() const { return setup_; }
  // Of this life and all before.
  std::map<std::string, uint64_t> Counters() const;

 private:
  Instant LocalNow() const;
  Instant ToGlobal(Instant local) const;
  void Local(Duration delay, PeerId from, Message message);  // from a peer inside the process
  void Recover();
  void Step(const std::function<void(Instant, Outbox&)>& act);
  void Flush(Outbox& outbox);
  void Route(const Outgoing& outgoing);
  void RouteNet(const Message& message);
  void RouteJournal(const Message& message);
  void OnSync();
  void TellRoom();
  void WatchBook(uint64_t before, uint64_t through);
  void WatchReceipts(const Outgoing& outgoing);
  void MaybePause();
  void MaybeJump();
  void Resume();
  void Tick();
  void ArmTick();
  void Leave();
  void Die();
  void SendDeathReport(std::vector<v1::StartedAttempt> started);
  void SendLastHeartbeat();
  void SayAsGuardian(const Connect& connect, pb::Envelope envelope);
  bool Chance(uint32_t millionths);
  bool MayCrash(uint32_t millionths);
  bool noting() const { return world_.transcript != nullptr; }
  void Note(const std::string& line);

  World world_;
  Setup setup_;
  Disk disk_;
  bool sync_due_ = false;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Executor> executor_;
  uint64_t life_ = 0;  // events of an earlier life are void
  uint64_t epoch_ = 0;
  bool left_ = false;
  int64_t clock_base_us_ = 0;
  int64_t clock_drift_ppm_ = 0;
  Instant paused_until_{};
  std::vector<std::pair<PeerId, Message>> while_paused_;
  Instant armed_ = kNever;
  int stuck_ = 0;                 // ticks in a row that left their deadline where it was
  std::string control_endpoint_;  // for the guardian, as the next
  std::string lease_endpoint_;
  std::map<std::string, uint64_t> counters_before_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_PROCESS_H_
