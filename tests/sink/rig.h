// Rig: a ledger on a journal in memory. Every message passes through encode and decode, as on a
// wire; what the ledger sends is kept as text. Nothing is durable before Sync.
#ifndef FANMILL_TESTS_SINK_RIG_H_
#define FANMILL_TESTS_SINK_RIG_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/task_set.h"
#include "sink/ledger.h"

namespace fanmill {

inline constexpr uint64_t kCluster = 7;
inline constexpr uint32_t kBatch = 3;
// The first chunk of the ventilator's first epoch, as text and as number.
inline constexpr uint64_t kChunk = ChunkId(1, 1);
inline const std::string kChunkText = std::to_string(kChunk);

class Rig {
 public:
  explicit Rig(LedgerOptions options = {});

  // Starts, recovers what is durable, is welcomed, and knows a ventilator. Forgets what was sent.
  void Join();
  // Starts and recovers only.
  void Start();
  // Kill -9, and up again: rows that were not durable are gone.
  void Restart();

  // A slow disk: what is read of the journal waits, one answer for each call.
  void HoldReads() { holds_reads_ = true; }
  void AnswerHeldRead();
  size_t held_reads() const { return held_reads_.size(); }

  // A frame of that channel arrives.
  void Say(Channel channel, pb::Envelope envelope, uint64_t connection = 0);
  void Give(PeerId from, const Message& message);
  // All that was written becomes durable.
  void Sync();
  void Tick(Duration later);  // time passes, then a tick

  // What was sent since the last call, in order: "acks ack { whole: 5 }", without the header.
  // Messages to the journal are answered here and not among them.
  std::vector<std::string> Sent();
  // The read replies among them.
  std::vector<pb::ReadReply> Replies();
  pb::BatchSummary Summary(uint32_t batch = kBatch);
  uint64_t Count(const std::string& what) const;

  Ledger& ledger() { return *ledger_; }
  std::vector<JournalRow>& rows() { return rows_; }
  pb::ClusterState& state() { return state_; }
  // A reply to the last heartbeat, with state(), one version up.
  void SayState();
  // The next heartbeat is said, and answered: the state is still true.
  void Heartbeat();

 private:
  void Take(Outbox& outbox);
  void AnswerRead(const JournalRead& read);

  LedgerOptions options_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<JournalRow> rows_;
  bool holds_reads_ = false;
  std::deque<JournalRead> held_reads_;
  uint64_t durable_ = 0;
  Instant now_{Seconds(1000)};
  pb::ClusterState state_;
  uint64_t heartbeat_ = 0;  // the last one's sequence
  std::vector<std::string> sent_;
  std::vector<pb::ReadReply> replies_;
};

// Who speaks.
pb::Envelope FromWorker();
pb::Envelope FromVentilator(uint64_t epoch = 1);
pb::Envelope FromClient();

// A whole chunk of plain OKs of tasks [first, first + count), 100 us each, by worker 1.
pb::Envelope Oks(uint64_t first, uint64_t count, uint64_t chunk = kChunk);
// The same of one task that failed with code 9.
pb::Envelope Failed(uint64_t task, uint32_t attempt = 1, uint64_t chunk = kChunk);
pb::Envelope Part(uint64_t task, uint32_t part, const std::string& bytes, uint64_t chunk = kChunk);
// One task whose stdout came in `parts` parts before.
pb::Envelope WithLarge(uint64_t task, uint32_t parts, uint64_t chunk = kChunk);
pb::Envelope Opens(uint32_t batch = kBatch, uint64_t epoch = 1);
// A facts request about the batch alone.
pb::Envelope Facts(const pb::BatchFacts& facts, uint64_t epoch = 1);
pb::BatchFacts About(uint32_t batch = kBatch);
pb::BatchFacts Sealed(uint64_t tasks, uint32_t batch = kBatch);
pb::BatchFacts Finalise(uint64_t task, uint32_t attempt = 1, pb::Status status = pb::FAILED);
pb::BatchFacts Ask(uint64_t begin, uint64_t end);
pb::Envelope Read(uint64_t cursor, uint64_t wait_us = 0, uint64_t max_bytes = 0,
                  uint32_t batch = kBatch);

// The same read, by a reader who is the only one.  R105
pb::Envelope Releasing(pb::Envelope read);

// Rows as a person would jot them down: "task 4 ok", "part 4 abc", "task 5 failed 9".
std::vector<std::string> Jot(const pb::ReadReply& reply);

}  // namespace fanmill

#endif  // FANMILL_TESTS_SINK_RIG_H_
