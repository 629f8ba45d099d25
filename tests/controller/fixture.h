// A controller on a table: give it messages, see exactly what it sends, crash it and start it again
// on the same disk.
#ifndef FANMILL_TESTS_CONTROLLER_FIXTURE_H_
#define FANMILL_TESTS_CONTROLLER_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "controller/controller.h"
#include "proto/records.pb.h"

namespace fanmill {

using Lines = std::vector<std::string>;

inline constexpr uint64_t kCluster = 77;

class ControllerTest : public testing::Test {
 protected:
  void SetUp() override { Boot(); }

  // Starts a controller on what the disk holds durably; what was not durable is lost.
  Lines Boot();
  // Each returns what was sent, one line each:
  //   "PEER BODY" (a reply), "row KIND", "signal TEXT", "facts BODY", "connect facts ENDPOINT".
  Lines Give(uint64_t peer, const pb::Envelope& envelope);
  Lines Give(PeerId from, Message message);
  Lines Sync();               // the disk makes all it was given durable
  Lines Wait(Duration span);  // time passes, with ticks at each deadline

  static pb::Envelope From(pb::Role role, uint64_t epoch);
  static pb::Envelope Hello(pb::Role role, uint64_t epoch);
  static pb::Envelope WorkerHello(uint64_t incarnation, uint32_t number = 0);
  static pb::Envelope Beat(pb::Role role, uint64_t epoch);
  static pb::BatchProgress Progress(uint32_t batch, uint32_t min_workers = 1);
  pb::Envelope Command(pb::Command::Verb verb, uint32_t batch = 0, uint64_t request = 1);
  // The ventilator's heartbeat, with everything it told so far.
  Lines Tell(const pb::BatchProgress& progress);
  Lines TellReady(std::vector<uint64_t> incarnations);
  Lines VentilatorBeats();
  Lines Summary(pb::BatchSummary summary);
  static pb::BatchSummary Closed(uint32_t batch, uint64_t ok, uint64_t failed = 0);
  static pb::Envelope Receipt(uint64_t incarnation, uint32_t batch, uint64_t generation);
  static pb::Envelope Account(uint64_t incarnation, uint32_t batch);
  static pb::Envelope Leaving(pb::Envelope beat);
  // What the guardian of a worker says that died: with a receipt when nothing of it is left.
  static pb::Envelope Death(uint64_t incarnation, bool nothing_left);
  // All but the silent ones speak until their leases have run out.
  void FallSilent(const std::vector<uint64_t>& workers, bool sink = false, bool ventilator = false);

  // A ventilator, a sink, and workers 1..n, ready for "noop".
  void Assemble(uint64_t workers);
  // A running batch 1 on such a cluster.
  void RunBatch(uint64_t workers);

  // The last reply of its kind.
  const pb::CommandReply& Answer() const { return answer_; }
  pb::CommandReply Ask(pb::Command::Verb verb, uint32_t batch = 0, uint64_t request = 1);
  // What a heartbeat of the sink (which says nothing) learns.
  pb::ClusterState State();
  std::string PhaseOf(uint32_t batch);
  uint64_t Counted(const std::string& what) const;

  ControllerOptions options_;
  std::unique_ptr<Controller> controller_;
  Instant now_{Seconds(1000)};
  bool slow_disk_ = false;  // then only Sync makes anything durable
  std::vector<JournalRow> disk_;
  size_t durable_ = 0;
  std::map<uint32_t, pb::BatchProgress> told_;
  std::vector<uint64_t> ready_;
  pb::CommandReply answer_;
  pb::HeartbeatReply heard_;
  pb::Welcome welcome_;
  pb::Refused refused_;

 private:
  Lines Take(Outbox& outbox);
  std::string Line(const Outgoing& outgoing);
};

}  // namespace fanmill

#endif  // FANMILL_TESTS_CONTROLLER_FIXTURE_H_
