// Lane: one incarnation of one worker as the ventilator sees it: the chunks that are outstanding
// there, how much more it may be given, how long it has been silent.
#ifndef FANMILL_VENTILATOR_LANE_H_
#define FANMILL_VENTILATOR_LANE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/core/instant.h"
#include "lib/core/peer.h"
#include "lib/core/range_set.h"
#include "ventilator/task_list.h"

namespace fanmill::ventilator {

// What a result is reckoned to take in its worker's spool, beside what the task was given.
inline constexpr uint64_t kResultBytesReckoned = 64;

// Tasks in one message, until all of them are terminal, returned or lost.
struct Chunk {
  uint64_t id = 0;
  uint32_t batch = 0;
  TaskList tasks;
  std::vector<uint32_t> attempts;  // empty: all 1
  RangeSet gone;            // indexes that this chunk does not hold: ended, returned, elsewhere
  uint64_t unfinished = 0;  // tasks that wait or run there: they fill the window
  uint64_t bytes = 0;       // what its results are reckoned to take until they are durable
  bool finished = false;    // no task of it waits or runs there
  bool resent = false;      // was told RESEND
  bool late = false;        // its tasks went elsewhere, yet its results count. R32
  bool doubted = false;     // the net did not take some message of the lane since it was sent
  Instant sent{};
  Instant finished_at{};  // or when RESEND was told last
  Instant resent_at{};    // when RESEND was told first

  uint64_t live() const { return tasks.size() - gone.size(); }  // tasks that it holds
  uint32_t attempt(uint64_t index) const { return attempts.empty() ? 1 : attempts[index]; }
};

struct Lane {
  uint64_t token = 0;
  uint64_t incarnation = 0;
  PeerId lease;  // where its worker speaks from
  uint32_t number = 0;
  std::string name, host;
  uint32_t slots = 0;
  std::vector<std::string> handlers;
  uint64_t spool_bytes = 0;  // 0: the worker did not say

  std::string endpoint;  // empty: the net has not opened it yet
  pb::LeaseGrant grant;  // what to answer the hello with, once it is
  bool ready = false;    // R23
  uint64_t nonce = 0;
  Instant probe_due = kNever;
  Duration probe_wait{0};  // from the next one to that after it

  std::map<uint64_t, Chunk> chunks;
  uint64_t unfinished = 0;  // sums over the chunks, kept by Add, SetUnfinished and Remove
  uint64_t undurable_bytes = 0;
  uint64_t sent_through = 0;  // highest chunk sent on it
  bool spool_full = false;
  bool draining = false;
  bool stuck = false;  // R32: results of it do not become durable; it is not fed
  struct Running {
    uint64_t chunk;
    uint32_t index;
  };
  std::vector<Running> running;  // as last reported

  Instant heard{};
  Duration grace{0};  // one lease more. R52
  uint64_t asks = 0;
  Instant asked = kNever;  // the oldest ask since it was heard last; kNever: none
  Instant ping_due = kNever;
  Instant unreachable = kNever;  // since when the net finds nobody there; kNever: it does
  std::string death;             // what its worker died of, as its guardian said; empty: it lives
  bool stripped = false;         // its unstarted tasks went elsewhere meanwhile. R51

  bool Offers(const std::string& handler) const;
  bool IsFed() const {
    return ready && !draining && !stuck && !spool_full && unreachable == kNever;
  }
  bool IsIdle() const { return unfinished < slots; }
  bool Runs(uint64_t chunk, uint64_t index) const;
  // Every chunk up to it is durable or gone: the worker may forget all of them. R41
  uint64_t DurableThrough() const;
  Instant LeaseEnd(Duration lease) const { return After(heard, lease + grace); }

  Chunk& Add(Chunk chunk);
  void SetUnfinished(Chunk& chunk, uint64_t unfinished);
  void Finish(Chunk& chunk, Instant now);
  std::map<uint64_t, Chunk>::iterator Remove(std::map<uint64_t, Chunk>::iterator chunk);
  void CheckInvariants() const;
};

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_LANE_H_
