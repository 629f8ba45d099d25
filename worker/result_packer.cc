#include "worker/result_packer.h"

#include <algorithm>

#include "lib/core/limits.h"
#include "lib/core/task_set.h"

namespace fanmill::worker {
namespace {

uint32_t PartsOf(uint64_t size) {
  return static_cast<uint32_t>((size + kPartBytes - 1) / kPartBytes);
}

class Packer {
 public:
  Packer(const Identity& identity, uint32_t worker, const pb::TaskChunk& chunk,
         const ChunkTasks& tasks)
      : identity_(identity), worker_(worker), chunk_(chunk), tasks_(tasks) {}

  void PackPlain(std::vector<PlainRun> runs);
  void PackOthers(std::vector<TaskOutcome> outcomes);
  std::vector<ResultPacket> Take(bool none_before);

 private:
  static bool IsLarge(const TaskOutcome& outcome) {
    return outcome.out_spill.handle != 0 || outcome.err_spill.handle != 0;
  }
  static size_t BytesOf(const TaskOutcome& outcome) {
    return outcome.value.size() + outcome.out.size() + outcome.err.size();
  }
  pb::ResultChunk& Open();
  void SetTasks(const std::vector<uint32_t>& indexes, pb::ResultChunk& results) const;
  void PackColumns(const TaskOutcome* begin, const TaskOutcome* end);
  void AddLarge(const TaskOutcome& outcome, const SpilledOutput& spill, uint32_t stream,
                pb::ResultChunk& results);

  struct Draft {
    pb::Envelope envelope;
    std::vector<LargePart> large;
  };
  const Identity& identity_;
  const uint32_t worker_;
  const pb::TaskChunk& chunk_;
  const ChunkTasks& tasks_;
  std::vector<Draft> drafts_;
};

pb::ResultChunk& Packer::Open() {
  drafts_.push_back({NewEnvelope(identity_), {}});
  pb::ResultChunk& results = *drafts_.back().envelope.mutable_results();
  results.set_chunk(chunk_.chunk());
  results.set_batch(chunk_.batch());
  results.set_worker(worker_);
  return results;
}

void Packer::SetTasks(const std::vector<uint32_t>& indexes, pb::ResultChunk& results) const {
  std::vector<uint64_t> tasks;
  tasks.reserve(indexes.size());
  for (const uint32_t index : indexes) tasks.push_back(tasks_.task(index));
  *results.mutable_tasks() = PackTasks(tasks);
  if (chunk_.attempt().empty()) return;
  for (const uint32_t index : indexes) results.add_attempt(tasks_.attempt(index));
}

void Packer::PackPlain(std::vector<PlainRun> runs) {
  if (runs.empty()) return;
  std::sort(runs.begin(), runs.end(),
            [](const PlainRun& a, const PlainRun& b) { return a.first < b.first; });
  uint64_t count = 0;
  uint32_t expected = runs.front().first;
  bool gapless = true;
  Duration sum{0};
  for (const PlainRun& run : runs) {
    gapless = gapless && run.first == expected;
    expected = run.first + run.count;
    count += run.count;
    sum += run.run;
  }
  pb::ResultChunk& results = Open();
  results.add_run_us(static_cast<uint64_t>(sum.count()) / count);
  if (count == tasks_.size()) {
    *results.mutable_tasks() = chunk_.tasks();
    *results.mutable_attempt() = chunk_.attempt();
  } else if (gapless && IsContiguous(chunk_.tasks()) && chunk_.attempt().empty()) {
    *results.mutable_tasks() = PackRange(tasks_.task(runs.front().first), count);
  } else {
    std::vector<uint32_t> indexes;
    indexes.reserve(count);
    for (const PlainRun& run : runs) {
      for (uint32_t i = 0; i < run.count; ++i) indexes.push_back(run.first + i);
    }
    SetTasks(indexes, results);
  }
}

void Packer::PackOthers(std::vector<TaskOutcome> outcomes) {
  std::sort(outcomes.begin(), outcomes.end(),
            [](const TaskOutcome& a, const TaskOutcome& b) { return a.index < b.index; });
  const TaskOutcome* const end = outcomes.data() + outcomes.size();
  for (const TaskOutcome* begin = outcomes.data(); begin != end;) {
    const TaskOutcome* next = begin + 1;
    size_t bytes = BytesOf(*begin);
    while (!IsLarge(*begin) && next != end && !IsLarge(*next) &&
           bytes + BytesOf(*next) <= kResultChunkBytesMax) {
      bytes += BytesOf(*next++);
    }
    PackColumns(begin, next);
    begin = next;
  }
}

void Packer::PackColumns(const TaskOutcome* begin, const TaskOutcome* end) {
  pb::ResultChunk& results = Open();
  std::vector<uint32_t> indexes;
  bool status = false, code = false, value = false, out = false, err = false;
  for (const TaskOutcome* outcome = begin; outcome != end; ++outcome) {
    indexes.push_back(outcome->index);
    status |= outcome->status != pb::OK;
    code |= outcome->code != 0;
    value |= !outcome->value.empty();
    out |= !outcome->out.empty();
    err |= !outcome->err.empty();
  }
  SetTasks(indexes, results);
  std::string& bytes = *results.mutable_bytes();
  for (const TaskOutcome* outcome = begin; outcome != end; ++outcome) {
    if (status) results.add_status(outcome->status);
    if (code) results.add_code(outcome->code);
    if (value) results.add_value_size(static_cast<uint32_t>(outcome->value.size()));
    if (out) results.add_stdout_size(static_cast<uint32_t>(outcome->out.size()));
    if (err) results.add_stderr_size(static_cast<uint32_t>(outcome->err.size()));
    results.add_run_us(static_cast<uint64_t>(std::max<int64_t>(0, outcome->run.count())));
    bytes.append(outcome->value).append(outcome->out).append(outcome->err);
    AddLarge(*outcome, outcome->out_spill, 1, results);
    AddLarge(*outcome, outcome->err_spill, 2, results);
  }
}

// Without a handle it says only how much was dropped of what stands in the result.
void Packer::AddLarge(const TaskOutcome& outcome, const SpilledOutput& spill, uint32_t stream,
                      pb::ResultChunk& results) {
  if (spill.handle == 0 && spill.dropped == 0) return;
  const int entry = results.large_size();
  pb::LargeOutput& large = *results.add_large();
  large.set_task(tasks_.task(outcome.index));
  large.set_stream(stream);
  large.set_size(spill.size);
  large.set_parts(PartsOf(spill.size));
  large.set_dropped(spill.dropped);
  if (spill.handle == 0) return;
  drafts_.back().large.push_back({spill.handle, tasks_.task(outcome.index),
                                  tasks_.attempt(outcome.index), stream, spill.size, entry});
}

std::vector<ResultPacket> Packer::Take(bool none_before) {
  std::vector<ResultPacket> packets;
  for (Draft& draft : drafts_) {
    pb::ResultChunk& results = *draft.envelope.mutable_results();
    results.set_whole(none_before && drafts_.size() == 1 &&
                      results.tasks().count() == tasks_.size());
    packets.push_back(
        {std::make_shared<const pb::Envelope>(std::move(draft.envelope)), std::move(draft.large)});
  }
  return packets;
}

}  // namespace

uint64_t ResultPacket::SpoolBytes() const {
  uint64_t bytes = envelope->ByteSizeLong();
  for (const LargePart& part : large) bytes += part.size;
  return bytes;
}

std::vector<uint64_t> SpillsOf(const TaskOutcome& outcome) {
  std::vector<uint64_t> handles;
  if (outcome.out_spill.handle != 0) handles.push_back(outcome.out_spill.handle);
  if (outcome.err_spill.handle != 0) handles.push_back(outcome.err_spill.handle);
  return handles;
}

std::vector<ResultPacket> PackResults(const Identity& identity, uint32_t worker,
                                      const pb::TaskChunk& chunk, const ChunkTasks& tasks,
                                      PendingResults pending, bool none_before) {
  Packer packer(identity, worker, chunk, tasks);
  packer.PackPlain(std::move(pending.plain));
  packer.PackOthers(std::move(pending.others));
  return packer.Take(none_before);
}

}  // namespace fanmill::worker
