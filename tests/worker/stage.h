// A session on a stage: the test plays everybody else, step by step, and sees all that is said.
#ifndef FANMILL_TESTS_WORKER_STAGE_H_
#define FANMILL_TESTS_WORKER_STAGE_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "lib/core/task_set.h"
#include "worker/session.h"

namespace fanmill {

using Lines = std::vector<std::string>;

inline constexpr uint64_t kCluster = 77;
inline constexpr uint64_t kEpoch = 7;  // the ventilator's
inline constexpr uint64_t kLaneToken = 50;
constexpr uint64_t Chunk(uint64_t n) { return ChunkId(kEpoch, n); }

SessionOptions StageOptions(uint32_t slots = 2);

class Stage {
 public:
  explicit Stage(SessionOptions options = StageOptions());

  // One step each; what the session said, a line a message, after checking its invariants.
  Lines Begin();
  Lines Hear(Channel channel, pb::Envelope envelope);
  Lines Hear(Channel channel, const Message& message);
  Lines Tick();
  // Time goes on, deadline by deadline.
  Lines Wait(Duration span);

  // Welcomed, and has said so far what follows from it at once; no signal came yet.
  void BeWelcomed();
  // Welcomed, hears signals, knows ventilator and sink, has a lane and is ready; knows the spec of
  // batch 1.
  void Join();

  pb::Envelope From(pb::Role role, uint64_t epoch) const;
  pb::ClusterState& state() { return state_; }  // as the controller would tell it
  Lines HearState();                            // a new version of it, in a reply
  Lines HearGrant(uint64_t lane = kLaneToken, std::vector<pb::Verdict> verdicts = {});
  Lines HearReply(const std::function<void(pb::LeaseReply&)>& fill);
  Lines HearVerdict(uint64_t n, pb::VerdictKind kind);
  Lines HearSpec(uint32_t batch);
  Lines HearChunk(uint64_t n, uint64_t first, uint64_t count,
                  const std::function<void(pb::TaskChunk&)>& fill = {});
  // The slot's executor: plain successes of what was handed last, or one outcome.
  Lines HearRan(uint32_t slot, uint64_t n, uint32_t first, uint32_t count, Duration run,
                bool idle = true);
  Lines HearOutcome(uint32_t slot, TaskOutcome outcome, bool idle = true);

  // What was said in the last step.
  const std::vector<Outgoing>& said() const { return said_; }
  // The last envelope of that kind in the last step; an empty one when there was none.
  pb::Envelope Said(pb::Envelope::BodyCase body) const;
  template <class T>
  std::vector<T> SaidLocal() const {
    std::vector<T> found;
    for (const Outgoing& outgoing : said_) {
      if (const T* message = std::get_if<T>(&outgoing.message)) found.push_back(*message);
    }
    return found;
  }
  // The LeaseReport that answers a question asked now, as text.
  std::string AskReport();
  static std::string Text(const pb::LeaseReport& report);
  uint64_t Counted(const std::string& what) const;

  Session session;
  Instant now{Seconds(100)};

 private:
  Lines Step(const std::function<void(Outbox&)>& step);

  pb::ClusterState state_;
  uint64_t sequence_ = 0;
  std::vector<Outgoing> said_;
};

TaskOutcome Outcome(uint64_t n, uint32_t index, pb::Status status, std::string out = "");

}  // namespace fanmill

#endif  // FANMILL_TESTS_WORKER_STAGE_H_
