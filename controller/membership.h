// Membership: who belongs to the cluster, under which number, and when each was last heard.
//
//    Hello --> live --silent for a lease--> gone --heard again--> live
//               |                             |
//               +--leaving--> left            +--shown for a while--> forgotten
//               left is final for an incarnation, and is forgotten likewise.
//
// Only the controller's view depends on it: who is shown, and whose receipt is waited for.
#ifndef FANMILL_CONTROLLER_MEMBERSHIP_H_
#define FANMILL_CONTROLLER_MEMBERSHIP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/instant.h"
#include "lib/core/local.h"
#include "proto/fanmill.pb.h"

namespace fanmill::control {

inline constexpr size_t kTextBytesMax = 128;  // of every text a peer gave
inline constexpr uint32_t kWorkerNumberMax = 1'000'000;

struct Member {
  pb::Role role = pb::ROLE_UNKNOWN;
  uint64_t incarnation = 0;  // the epoch of a ventilator or sink
  pb::Hello hello;           // texts cut; of a worker with the number it was given
  Instant heard;
  uint32_t running = 0;
  bool ready = false;
  bool gone = false;
  bool left = false;
  bool ran = false;        // was there while a batch ran: something of it may run
  bool asked = false;      // a cluster wish concerns it: it was here then, came later, or lacks
  bool confirmed = false;  // gave its receipt: nothing of it runs, nor ever will
  Instant away;            // since when it is gone or left
  uint64_t left_row = 0;   // of the book, that says so

  bool live() const { return !gone && !left; }
};

// "worker 3 (host:17)", "the sink".
std::string MemberName(const Member& member);
std::string WorkerName(uint32_t number, const std::string& label);
// "host:17", or the name that it was given.
std::string MemberLabel(const Member& member);
pb::Member ToMember(const Member& member, Instant now);
// What is kept of a Hello: no handlers, texts made printable and cut.
pb::Hello Trimmed(const pb::Hello& hello);

class Membership {
 public:
  struct Limits {
    Duration lease;
    Duration gone_shown;
    size_t workers_max;  // live ones
    size_t gone_max;
  };
  struct Swept {
    std::vector<Member> gone;  // newly
    std::vector<Member> forgotten;
  };

  explicit Membership(Limits limits) : limits_(limits) {}

  // The first directory given for a role is its directory for ever. R14
  void Pin(pb::Role role, uint64_t directory) { pinned_.emplace(role, directory); }
  std::optional<uint64_t> Pinned(pb::Role role) const;

  Member* Find(pb::Role role, uint64_t incarnation);
  const Member* Find(pb::Role role, uint64_t incarnation) const;
  // A ventilator or sink replaces the one before it. REQUIRES: not found.
  Member& Add(Instant now, pb::Role role, uint64_t incarnation, const pb::Hello& hello);
  void Remove(pb::Role role, uint64_t incarnation);
  // The number asked for when no other live worker has it, else a fresh one. R15
  uint32_t NumberFor(uint32_t asked);
  bool Full() const { return LiveWorkers() >= limits_.workers_max; }
  // It spoke. One who left stays so.
  void Return(Instant now, Member& member);
  void Leave(Instant now, Member& member);

  Swept Sweep(Instant now);  // R16
  Instant next_sweep() const { return next_sweep_; }
  // Nobody was listened to for so long: nobody's silence counts for that time.
  void Excuse(Duration pause);
  void HeardAll(Instant now);
  // After a shutdown that was over: only who is there counts, and nothing was asked of anybody.
  void BeginAfresh();

  const Member* ventilator() const { return ventilator_ ? &*ventilator_ : nullptr; }
  const Member* sink() const { return sink_ ? &*sink_ : nullptr; }
  std::map<uint64_t, Member>& workers() { return workers_; }
  const std::map<uint64_t, Member>& workers() const { return workers_; }
  std::vector<const Member*> Everybody() const;
  // A ventilator or sink that is silent and did not leave: nobody else does its work.
  std::vector<const Member*> SilentRoles() const;
  size_t LiveWorkers() const;
  // Of tasks and results: the least of ventilator and sink.
  pb::Durability durability() const;
  void CheckInvariants() const;

 private:
  bool NumberTaken(uint32_t number) const;
  std::vector<Member*> EverybodyMutable();

  const Limits limits_;
  std::map<pb::Role, uint64_t> pinned_;
  std::optional<Member> ventilator_;
  std::optional<Member> sink_;
  std::map<uint64_t, Member> workers_;
  uint32_t last_number_ = 0;
  Instant next_sweep_ = kNever;  // at or before the first moment at which a sweep has work
};

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_MEMBERSHIP_H_
