#include "sink/commit.h"

#include <algorithm>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/task_set.h"
#include "lib/core/wire.h"
#include "sink/result_columns.h"

namespace fanmill {
namespace {

// What a waiting row costs beside its bytes: the parsed message and the entries that hold it.
constexpr uint64_t kRowBytes = 512;

uint32_t BatchOf(const pb::Envelope& envelope) {
  return envelope.has_results() ? envelope.results().batch() : envelope.output().batch();
}

bool HasOk(const pb::ResultChunk& chunk, uint64_t task) {
  if (IsContiguous(chunk.tasks())) {
    const uint64_t index = task - chunk.tasks().first();  // beyond the count when it lies before
    return index < chunk.tasks().count() && StatusAt(chunk, index) == pb::OK;
  }
  bool found = false;
  ForEachTask(chunk.tasks(), [&](uint64_t index, uint64_t each) {
    found = found || (each == task && StatusAt(chunk, index) == pb::OK);
  });
  return found;
}

}  // namespace

std::optional<LedgerRow> ParseRow(const JournalRow& row, Instant now) {
  LedgerRow parsed;
  parsed.sequence = row.sequence;
  parsed.batch = row.batch;
  parsed.arrived = now;
  if (row.is_frame) {
    const Message message = Decode(Channel::kResults, row.bytes);
    const Wire* wire = std::get_if<Wire>(&message);
    if (wire == nullptr || !(wire->envelope->has_results() || wire->envelope->has_output()) ||
        BatchOf(*wire->envelope) != row.batch) {
      return std::nullopt;
    }
    parsed.envelope = wire->envelope;
    return parsed;
  }
  auto record = std::make_shared<pb::LedgerRecord>();
  if (!record->ParseFromArray(row.bytes.bytes.data(), static_cast<int>(row.bytes.bytes.size())) ||
      record->fact_case() == pb::LedgerRecord::FACT_NOT_SET) {
    return std::nullopt;
  }
  parsed.record = std::move(record);
  return parsed;
}

uint64_t Commit::BytesOf(const Wire& wire) { return wire.frame.bytes.size() + kRowBytes; }

uint64_t Commit::WriteFrame(uint32_t batch, const Wire& wire, Instant now, Outbox& outbox) {
  const uint64_t bytes = BytesOf(wire);
  waiting_.push_back({++written_, batch, now, wire.envelope, nullptr, bytes});
  held_bytes_ += bytes;
  outbox.Send(PeerId{Channel::kJournal}, JournalWrite{written_, batch, {}, wire.frame});
  return written_;
}

uint64_t Commit::WriteRecord(uint32_t batch, pb::LedgerRecord record, Instant now, Outbox& outbox) {
  auto shared = std::make_shared<const pb::LedgerRecord>(std::move(record));
  waiting_.push_back({++written_, batch, now, nullptr, shared, kRowBytes});
  held_bytes_ += kRowBytes;
  outbox.Send(PeerId{Channel::kJournal},
              JournalWrite{written_, batch, shared->SerializeAsString(), {}});
  return written_;
}

bool Commit::HoldsOk(uint32_t batch, uint64_t task) const {
  return std::ranges::any_of(waiting_, [batch, task](const LedgerRow& row) {
    return row.batch == batch && row.envelope != nullptr && row.envelope->has_results() &&
           HasOk(row.envelope->results(), task);
  });
}

std::optional<LedgerRow> Commit::TakeDurable(uint64_t through) {
  FANMILL_CHECK(through <= written_, "durable is only what was written");
  if (waiting_.empty() || waiting_.front().sequence > through) return std::nullopt;
  LedgerRow row = std::move(waiting_.front());
  waiting_.pop_front();
  durable_ = row.sequence;
  held_bytes_ -= row.bytes;
  return row;
}

}  // namespace fanmill
