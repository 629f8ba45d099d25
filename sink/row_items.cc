#include "sink/row_items.h"

#include "lib/core/task_set.h"

namespace fanmill {
namespace {

void AddParts(const BatchFold& fold, uint64_t task, uint64_t chunk, std::vector<RowItem>& items) {
  for (const uint32_t stream : {1u, 2u}) {
    const std::vector<uint64_t>* rows = fold.parts().Claimed(task, chunk, stream);
    if (rows == nullptr) continue;
    for (const uint64_t source : *rows) items.push_back({task, stream, source, 0});
  }
}

std::vector<RowItem> ItemsOfResults(uint64_t sequence, const pb::ResultChunk& chunk,
                                    const BatchFold& fold) {
  std::vector<RowItem> items;
  ForEachTask(chunk.tasks(), [&](uint64_t index, uint64_t task) {
    if (StatusAt(chunk, index) != pb::OK || !fold.IsFirst(sequence, index)) return;
    if (chunk.large_size() > 0) AddParts(fold, task, chunk.chunk(), items);
    items.push_back({task, 0, sequence, static_cast<uint32_t>(index)});
  });
  return items;
}

std::vector<RowItem> ItemsOfFailure(uint64_t sequence, const pb::AttemptFailure& failure,
                                    const BatchFold& fold) {
  std::vector<RowItem> items;
  if (!fold.IsFirst(sequence, 0)) return items;
  const FailedAttempt* known =
      fold.attempts().Find({failure.task(), failure.epoch(), failure.attempt()});
  RowItem end{failure.task(), 0, 0, 0};
  if (known != nullptr) {
    AddParts(fold, failure.task(), known->chunk, items);
    end.source = known->sequence;
    end.index = known->index;
  }
  items.push_back(end);
  return items;
}

void RenderEnd(const RowItem& item, const OpenRow& source, pb::TerminalRow& end) {
  const pb::ResultChunk& chunk = source.row.envelope->results();
  end.set_status(StatusAt(chunk, item.index));
  end.set_code(CodeAt(chunk, item.index));
  end.set_epoch(ChunkEpoch(chunk.chunk()));
  end.set_attempt(AttemptAt(chunk, item.index));
  end.set_run_us(RunAt(chunk, item.index));
  end.set_worker(chunk.worker());
  end.set_value(std::string(source.bytes->value(item.index)));
  end.set_stdout_bytes(std::string(source.bytes->out(item.index)));
  end.set_stderr_bytes(std::string(source.bytes->err(item.index)));
  uint64_t dropped = 0;
  for (const pb::LargeOutput& large : chunk.large()) {
    if (large.task() == item.task) dropped += large.dropped();
  }
  end.set_dropped(dropped);
}

bool IsPlain(const pb::TerminalRow& end) {
  return !end.part() && end.status() == pb::OK && end.value().empty() &&
         end.stdout_bytes().empty() && end.stderr_bytes().empty() && end.dropped() == 0;
}

}  // namespace

bool Continues(const pb::TerminalRow& last, const RowItem& item, const OpenRow& row) {
  if (!row.bytes.has_value() || item.source != row.row.sequence || item.stream != 0 ||
      item.task != last.task() + last.more() + 1 || !IsPlain(last)) {
    return false;
  }
  const pb::ResultChunk& chunk = row.row.envelope->results();
  const uint32_t i = item.index;
  return StatusAt(chunk, i) == pb::OK && chunk.large_size() == 0 && row.bytes->IsEmpty(i) &&
         AttemptAt(chunk, i) == last.attempt() && RunAt(chunk, i) == last.run_us() &&
         CodeAt(chunk, i) == last.code() && chunk.worker() == last.worker() &&
         ChunkEpoch(chunk.chunk()) == last.epoch();
}

std::vector<RowItem> ItemsOf(const LedgerRow& row, const BatchFold& fold) {
  if (row.envelope != nullptr && row.envelope->has_results()) {
    return ItemsOfResults(row.sequence, row.envelope->results(), fold);
  }
  if (row.record != nullptr && row.record->has_final_failed()) {
    return ItemsOfFailure(row.sequence, row.record->final_failed(), fold);
  }
  return {};
}

pb::TerminalRow RenderItem(const RowItem& item, const LedgerRow& row, const OpenRow* source) {
  pb::TerminalRow rendered;
  rendered.set_task(item.task);
  if (item.stream != 0) {
    rendered.set_part(true);
    rendered.set_stream(item.stream);
    if (source != nullptr && source->row.envelope != nullptr) {
      rendered.set_bytes(source->row.envelope->output().bytes());
    }
    return rendered;
  }
  if (source != nullptr && source->bytes.has_value()) {
    RenderEnd(item, *source, rendered);
  } else if (row.record != nullptr) {
    const pb::AttemptFailure& failure = row.record->final_failed();
    rendered.set_status(failure.status());
    rendered.set_code(failure.code());
    rendered.set_epoch(failure.epoch());
    rendered.set_attempt(failure.attempt());
    rendered.set_stderr_bytes(failure.cause());
  }
  return rendered;
}

}  // namespace fanmill
