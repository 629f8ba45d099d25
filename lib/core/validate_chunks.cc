#include <algorithm>
#include <limits>
#include <vector>

#include "lib/core/limits.h"
#include "lib/core/range_set.h"
#include "lib/core/task_set.h"
#include "lib/core/validate.h"

namespace fanmill {
namespace {

constexpr uint32_t kStdout = 1;
constexpr uint32_t kStderr = 2;

using Sizes = google::protobuf::RepeatedField<uint32_t>;

// A column has an entry for each task, or none at all.
template <class Column>
bool Fits(const Column& column, uint64_t count) {
  return column.empty() || static_cast<uint64_t>(column.size()) == count;
}

uint64_t Sum(const Sizes& sizes) {
  uint64_t sum = 0;
  for (const uint32_t size : sizes) sum += size;
  return sum;
}

bool AllAtMost(const Sizes& sizes, uint32_t most) {
  uint32_t largest = 0;
  for (const uint32_t size : sizes) largest = std::max(largest, size);
  return largest <= most;
}

bool AllFromOne(const Sizes& attempts) {
  uint32_t least = 1;
  for (const uint32_t attempt : attempts) least = std::min(least, attempt);
  return least == 1;
}

// Whether start + task * step is a number of 64 bits for the task.
bool HasValue(const v1::ValueRange& range, uint64_t task) {
  const __int128 value = static_cast<__int128>(range.start()) +
                         static_cast<__int128>(task) * static_cast<__int128>(range.step());
  return value >= std::numeric_limits<int64_t>::min() &&
         value <= std::numeric_limits<int64_t>::max();
}

// REQUIRES: valid and not empty.
bool HasValues(const v1::ValueRange& range, const v1::TaskSet& tasks) {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  uint64_t most = 0;
  ForEachTask(tasks, [&](uint64_t, uint64_t task) {
    least = std::min(least, task);
    most = std::max(most, task);
  });
  return HasValue(range, least) && HasValue(range, most);
}

const char* WhyTasksInvalid(const v1::TaskSet& tasks) {
  if (tasks.count() == 0) return "no task in it";
  if (!IsValid(tasks, kTasksPerChunkMax)) return "its task numbers are none, or too many";
  return nullptr;
}

bool IsStream(uint32_t stream) { return stream == kStdout || stream == kStderr; }

const char* WhyInvalid(const v1::LargeOutput& large) {
  if (!IsStream(large.stream())) return "a large output of no known stream";
  if (large.size() > kOutputStreamBytesMax) return "a large output's size";
  if (large.size() == 0 && large.dropped() == 0) return "a large output that never was";
  const bool room = large.parts() >= (large.size() + kOutputPartBytesMax - 1) / kOutputPartBytesMax;
  if (!room || large.parts() > large.size()) return "a large output's number of parts";
  return nullptr;
}

const char* WhyLargeInvalid(const v1::ResultChunk& chunk) {
  if (chunk.large().empty()) return nullptr;
  if (static_cast<uint64_t>(chunk.large_size()) > 2 * chunk.tasks().count()) {
    return "more large outputs than streams";
  }
  std::vector<uint64_t> tasks = Unpack(chunk.tasks());
  std::sort(tasks.begin(), tasks.end());
  for (const v1::LargeOutput& large : chunk.large()) {
    if (const char* why = WhyInvalid(large)) return why;
    if (!std::binary_search(tasks.begin(), tasks.end(), large.task())) {
      return "a large output of a task that is not in it";
    }
  }
  return nullptr;
}

// A worker reports ends that happened there: CANCELLED is none, LOST is the ventilator's word.
bool IsResultStatus(int status) {
  return v1::Status_IsValid(status) && status != v1::CANCELLED && status != v1::LOST;
}

}  // namespace

const char* WhyInvalid(const v1::TaskChunk& chunk) {
  if (chunk.chunk() == 0 || chunk.lane() == 0 || chunk.batch() == 0) return "an id is missing";
  if (const char* why = WhyTasksInvalid(chunk.tasks())) return why;
  const uint64_t count = chunk.tasks().count();
  if (!Fits(chunk.attempt(), count) || !Fits(chunk.payload_size(), count)) {
    return "a column has another length than its tasks";
  }
  if (!AllFromOne(chunk.attempt())) return "attempts count from 1";
  if (!AllAtMost(chunk.payload_size(), kTaskPayloadBytesMax)) return "a payload is too large";
  if (Sum(chunk.payload_size()) != chunk.payloads().size()) return "payload sizes do not add up";
  if (chunk.payloads().size() > kChunkPayloadBytesMax) return "its payloads are too large";
  if (!chunk.has_range()) return nullptr;
  if (!chunk.payload_size().empty()) return "it has payloads and a range";
  return HasValues(chunk.range(), chunk.tasks()) ? nullptr : "its range leaves 64 bits";
}

const char* WhyInvalid(const v1::ResultChunk& chunk) {
  if (chunk.chunk() == 0 || chunk.batch() == 0) return "an id is missing";
  if (const char* why = WhyTasksInvalid(chunk.tasks())) return why;
  const uint64_t count = chunk.tasks().count();
  if (!Fits(chunk.attempt(), count) || !Fits(chunk.status(), count) || !Fits(chunk.code(), count) ||
      !Fits(chunk.value_size(), count) || !Fits(chunk.stdout_size(), count) ||
      !Fits(chunk.stderr_size(), count)) {
    return "a column has another length than its tasks";
  }
  if (chunk.run_us_size() != 1 && static_cast<uint64_t>(chunk.run_us_size()) != count) {
    return "run times are one, or one per task";
  }
  if (!AllFromOne(chunk.attempt())) return "attempts count from 1";
  if (!std::all_of(chunk.status().begin(), chunk.status().end(), IsResultStatus)) {
    return "a status that no result has";
  }
  if (!AllAtMost(chunk.value_size(), kTaskPayloadBytesMax) ||
      !AllAtMost(chunk.stdout_size(), kInlineOutputBytesMax) ||
      !AllAtMost(chunk.stderr_size(), kInlineOutputBytesMax)) {
    return "an output is too large to stand in it";
  }
  const uint64_t bytes =
      Sum(chunk.value_size()) + Sum(chunk.stdout_size()) + Sum(chunk.stderr_size());
  if (bytes != chunk.bytes().size()) return "output sizes do not add up";
  return WhyLargeInvalid(chunk);
}

const char* WhyInvalid(const v1::OutputPart& part) {
  if (part.chunk() == 0 || part.batch() == 0) return "an id is missing";
  if (part.task() >= kTasksPerBatchMax) return "its task number is none";
  if (part.attempt() == 0) return "attempts count from 1";
  if (!IsStream(part.stream())) return "its stream is not known";
  if (part.part() >= kOutputStreamBytesMax) return "its number is too large";
  if (part.bytes().empty() || part.bytes().size() > kOutputPartBytesMax) return "its size";
  return nullptr;
}

const char* WhyInvalid(const v1::AttemptFailure& failure) {
  if (failure.batch() == 0) return "a failure of no batch";
  if (failure.task() >= kTasksPerBatchMax) return "a failure of no task";
  if (failure.attempt() == 0) return "attempts count from 1";
  if (!v1::Status_IsValid(failure.status()) || failure.status() == v1::OK) {
    return "a failure whose status is none";
  }
  if (failure.cause().size() > kNameBytesMax) return "its cause is too long";
  return nullptr;
}

const char* WhyInvalid(const v1::Ack& ack) {
  for (const v1::PartialAck& partial : ack.partial()) {
    if (partial.chunk() == 0) return "an id is missing";
    if (const char* why = WhyTasksInvalid(partial.tasks())) return why;
  }
  for (const v1::AttemptFailure& failure : ack.failed()) {
    if (const char* why = WhyInvalid(failure)) return why;
  }
  for (const v1::BatchClosed& closed : ack.closed()) {
    if (closed.batch() == 0) return "it closes no batch";
  }
  return nullptr;
}

const char* WhyInvalid(const v1::AppendTasks& append) {
  if (append.batch() == 0) return "an id is missing";
  const uint64_t count = append.count();
  if (count > kTasksPerAppendMax || append.first() > kTasksPerBatchMax ||
      count > kTasksPerBatchMax - append.first()) {
    return "more tasks than a batch can have";
  }
  if (!Fits(append.payload_size(), count) || !Fits(append.cost_us(), count)) {
    return "a column has another length than its tasks";
  }
  if (append.payload_size_size() > static_cast<int>(kPayloadsPerAppendMax) ||
      append.cost_us_size() > static_cast<int>(kPayloadsPerAppendMax)) {
    return "too many tasks for one append";
  }
  if (!AllAtMost(append.payload_size(), kTaskPayloadBytesMax)) return "a payload is too large";
  if (Sum(append.payload_size()) != append.payloads().size()) return "payload sizes do not add up";
  if (append.payloads().size() > kAppendPayloadBytesMax) return "its payloads are too large";
  if (!append.has_range() || count == 0) return nullptr;
  if (!append.payload_size().empty()) return "it has payloads and a range";
  const uint64_t last = append.first() + count - 1;
  return HasValue(append.range(), append.first()) && HasValue(append.range(), last)
             ? nullptr
             : "its range leaves 64 bits";
}

const char* WhyInvalid(const v1::HeldChunk& held) {
  if (held.chunk() == 0 || held.batch() == 0) return "an id is missing";
  uint64_t limit = kTasksPerChunkMax;
  if (held.has_tasks()) {
    if (const char* why = WhyTasksInvalid(held.tasks())) return why;
    limit = held.tasks().count();
  }
  if (!held.attempt().empty() && (!held.has_tasks() || !Fits(held.attempt(), limit))) {
    return "a column has another length than its tasks";
  }
  if (!AllFromOne(held.attempt())) return "attempts count from 1";
  if (!RangeSet::IsValid(held.unfinished(), limit) || !RangeSet::IsValid(held.returned(), limit) ||
      !RangeSet::IsValid(held.stopped(), limit)) {
    return "indexes that its chunk does not have";
  }
  return nullptr;
}

}  // namespace fanmill
