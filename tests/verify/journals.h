// Journals: the three files of a cluster as rows in memory, written as the daemons would, and then
// broken by the test.
#ifndef FANMILL_TESTS_VERIFY_JOURNALS_H_
#define FANMILL_TESTS_VERIFY_JOURNALS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/core/limits.h"
#include "lib/core/task_set.h"
#include "lib/verify/proving.h"
#include "proto/records.pb.h"

namespace fanmill::verify {

class Journals {
 public:
  struct Kept {
    uint32_t batch;
    bool is_frame;
    bool sound;
    std::string bytes;
  };

  // ---- Rows; each returns its sequence ----
  uint64_t Write(File file, uint32_t batch, std::string bytes, bool is_frame = false) {
    rows[file][++last[file]] = {batch, is_frame, true, std::move(bytes)};
    return last[file];
  }
  uint64_t Open(uint32_t batch) {
    pb::ManifestRecord record;
    record.mutable_opened()->set_token_low(batch);
    return Manifest(batch, record);
  }
  uint64_t Append(uint32_t batch, uint64_t first, uint64_t count) {
    pb::ManifestRecord record;
    record.mutable_appended()->set_batch(batch);
    record.mutable_appended()->set_first(first);
    record.mutable_appended()->set_count(count);
    return Manifest(batch, record);
  }
  uint64_t Seal(uint32_t batch, uint64_t tasks) {
    pb::ManifestRecord record;
    record.mutable_sealed()->set_batch(batch);
    record.mutable_sealed()->set_tasks(tasks);
    return Manifest(batch, record);
  }
  uint64_t CloseInManifest(const pb::BatchClosed& closed) {
    pb::ManifestRecord record;
    *record.mutable_closed() = closed;
    return Manifest(closed.batch(), record);
  }
  uint64_t Begin(uint32_t batch) {
    pb::LedgerRecord record;
    record.mutable_opened()->set_batch(batch);
    return Ledger(batch, record);
  }
  uint64_t SealInLedger(uint32_t batch, uint64_t tasks) {
    pb::LedgerRecord record;
    record.mutable_sealed()->set_batch(batch);
    record.mutable_sealed()->set_tasks(tasks);
    return Ledger(batch, record);
  }
  static pb::Envelope Results(uint32_t batch, const std::vector<uint64_t>& tasks,
                              pb::Status status = pb::OK) {
    pb::Envelope envelope;
    pb::ResultChunk& chunk = *envelope.mutable_results();
    chunk.set_chunk(ChunkId(1, 1));
    chunk.set_batch(batch);
    *chunk.mutable_tasks() = PackTasks(tasks);
    chunk.add_run_us(5);
    if (status == pb::OK) return envelope;
    for (size_t i = 0; i < tasks.size(); ++i) chunk.add_status(status);
    return envelope;
  }
  static pb::Envelope Part(uint32_t batch, uint64_t task, uint32_t part, const std::string& bytes) {
    pb::Envelope envelope;
    pb::OutputPart& output = *envelope.mutable_output();
    output.set_chunk(ChunkId(1, 1));
    output.set_batch(batch);
    output.set_task(task);
    output.set_attempt(1);
    output.set_stream(1);
    output.set_part(part);
    output.set_bytes(bytes);
    return envelope;
  }
  uint64_t Frame(uint32_t batch, const pb::Envelope& envelope) {
    return Write(File::kLedger, batch, envelope.SerializeAsString(), true);
  }
  uint64_t FinalFailed(uint32_t batch, uint64_t task) {
    pb::LedgerRecord record;
    record.mutable_final_failed()->set_batch(batch);
    record.mutable_final_failed()->set_task(task);
    record.mutable_final_failed()->set_attempt(1);
    record.mutable_final_failed()->set_status(pb::FAILED);
    return Ledger(batch, record);
  }
  uint64_t Close(const pb::BatchClosed& closed) {
    pb::LedgerRecord record;
    *record.mutable_closed() = closed;
    return Ledger(closed.batch(), record);
  }
  static pb::BatchClosed Closed(uint32_t batch, uint64_t ok, uint64_t failed,
                                uint64_t cancelled = 0, bool is_cancelled = false) {
    pb::BatchClosed closed;
    closed.set_batch(batch);
    closed.set_cancelled(is_cancelled);
    closed.set_ok(ok);
    closed.set_failed(failed);
    closed.set_cancelled_tasks(cancelled);
    return closed;
  }
  uint64_t Report(const pb::BatchClosed& closed, uint64_t tasks, bool final) {
    pb::BookRecord record;
    pb::BatchReport& report = *record.mutable_report();
    report.set_batch(closed.batch());
    report.set_final(final);
    report.set_phase(closed.cancelled()     ? pb::BATCH_CANCELLED
                     : closed.failed() == 0 ? pb::DONE
                                            : pb::BATCH_FAILED);
    pb::BatchSummary& summary = *report.mutable_summary();
    summary.set_tasks(tasks);
    summary.set_cancelled(closed.cancelled());
    summary.set_ok(closed.ok());
    summary.set_failed(closed.failed());
    summary.set_cancelled_tasks(closed.cancelled_tasks());
    return Write(File::kBook, closed.batch(), record.SerializeAsString());
  }
  uint64_t Started(uint32_t batch) {
    pb::BookRecord record;
    record.mutable_batch()->set_batch(batch);
    record.mutable_batch()->set_started(true);
    return Write(File::kBook, batch, record.SerializeAsString());
  }

  // All that follows an end in the ledger.
  void Tell(const pb::BatchClosed& closed, uint64_t tasks) {
    CloseInManifest(closed);
    Report(closed, tasks, false);
    Report(closed, tasks, true);
  }
  void Forget(File file, uint32_t batch) {
    std::erase_if(rows[file], [batch](const auto& entry) { return entry.second.batch == batch; });
  }

  Proofs Prove(Wanted wanted = {}) {
    Proving proving(std::move(wanted));
    for (const File file : {File::kBook, File::kManifest, File::kLedger}) {
      for (const auto& [sequence, row] : rows[file]) {
        proving.Take(file, {sequence, row.batch, row.is_frame, row.sound, row.bytes});
      }
      proving.End(file, last[file]);
    }
    return proving.Conclude();
  }

  std::map<File, std::map<uint64_t, Kept>> rows;
  std::map<File, uint64_t> last;

 private:
  uint64_t Manifest(uint32_t batch, pb::ManifestRecord record) {
    record.set_batch(batch);
    return Write(File::kManifest, batch, record.SerializeAsString());
  }
  uint64_t Ledger(uint32_t batch, const pb::LedgerRecord& record) {
    return Write(File::kLedger, batch, record.SerializeAsString());
  }
};

}  // namespace fanmill::verify

#endif  // FANMILL_TESTS_VERIFY_JOURNALS_H_
