#include "sink/reads.h"

#include <algorithm>
#include <string>
#include <utility>

namespace fanmill {
namespace {

// What a task without a row of its own counts for, so that no reader waits for ever more of them.
constexpr uint64_t kContinuedBytes = 4;

pb::TerminalRow* LastOf(pb::ReadReply& reply) {
  return reply.rows_size() == 0 ? nullptr : reply.mutable_rows(reply.rows_size() - 1);
}

}  // namespace

bool Reads::Reader::Asks(const pb::ReadRequest& request) const {
  return request.request() == reply.request() && request.batch() == reply.batch() &&
         request.cursor() == cursor;
}

void Reads::Ask(PeerId from, const pb::ReadRequest& request, const Scene& scene) {
  if (const auto found = readers_.find(from.id);
      found != readers_.end() && found->second.Asks(request)) {
    scene.counts.Add("R79");
    found->second.asked = scene.now;
    return;
  }
  if (request.release()) Release(request, scene);
  Reader reader;
  reader.connection = from.id;
  reader.cursor = request.cursor();
  reader.releases = request.release();
  reader.asked = scene.now;
  reader.bytes_max = request.max_bytes() == 0 ? limits_.reply_bytes
                                              : std::min(request.max_bytes(), limits_.reply_bytes);
  const uint64_t wait_max = static_cast<uint64_t>(limits_.wait.count());
  const auto wait = Micros(static_cast<int64_t>(std::min(request.wait_us(), wait_max)));
  reader.deadline = scene.now + wait;
  reader.at = Cursor::Unpack(request.cursor());
  if (reader.at.sequence == 0) reader.at = {1, 0};  // from the start
  reader.reply.set_batch(request.batch());
  reader.reply.set_request(request.request());
  if (readers_.size() >= limits_.readers && !readers_.contains(from.id)) {
    scene.counts.Add("reader_refused");
    return Answer(reader, scene);
  }
  Reader& kept = readers_[from.id] = std::move(reader);
  if (Continue(kept, scene)) readers_.erase(from.id);
}

// R105
void Reads::Release(const pb::ReadRequest& request, const Scene& scene) {
  if (scene.batches.Find(request.batch()) == nullptr) return;
  std::vector<uint64_t> rows = releases_[request.batch()].AskedFrom(request.cursor());
  if (rows.empty()) return;
  scene.counts.Add("R105");
  scene.counts.Add("released_rows", rows.size());
  scene.outbox.Send(PeerId{Channel::kJournal}, JournalForget{request.batch(), std::move(rows)});
}

Releases* Reads::ReleasesOf(const Reader& reader) {
  return reader.releases ? &releases_[reader.reply.batch()] : nullptr;
}

void Reads::Advance(const Scene& scene) {
  ForgetSilent(scene);
  for (auto at = readers_.begin(); at != readers_.end();) {
    at = Continue(at->second, scene) ? readers_.erase(at) : std::next(at);
  }
}

// R79
void Reads::ForgetSilent(const Scene& scene) {
  const size_t gone = absl::erase_if(readers_, [&](const auto& entry) {
    return scene.now - entry.second.asked >= limits_.silence;
  });
  if (gone > 0) scene.counts.Add("reader_gone", gone);
}

// True when the reader got its answer.
bool Reads::Continue(Reader& reader, const Scene& scene) {
  if (reader.token != 0) return false;
  const Batch* batch = scene.batches.Find(reader.reply.batch());
  if (batch == nullptr) {
    if (scene.now < reader.deadline) return false;
    reader.reply.set_error("the sink has never heard of batch " +
                           std::to_string(reader.reply.batch()) +
                           ": see `fanmill list` for those it has");
    Answer(reader, scene);
    return true;
  }
  if (batch->forgotten) {  // R68
    const std::string name = "batch " + std::to_string(reader.reply.batch());
    reader.reply.clear_rows();
    reader.reply.set_error(name +
                           " ended and its results were dropped to make room: read results "
                           "while newer batches run; `fanmill report` still tells how it went");
    Answer(reader, scene);
    return true;
  }
  const auto released = releases_.find(reader.reply.batch());
  if (released != releases_.end() && reader.at.sequence <= released->second.gone() &&
      !reader.releases) {  // R105
    reader.reply.set_error("the results of batch " + std::to_string(reader.reply.batch()) +
                           " were given to its own reader and let go");
    Answer(reader, scene);
    return true;
  }
  const BatchFold& fold = batch->fold;
  const Turn turn = Render(reader, fold, scene);
  if (turn == Turn::kFetching) return false;
  if (turn == Turn::kWaiting) {
    if (fold.closed()) {
      *reader.reply.mutable_closed() = fold.Closed();
    } else if (reader.reply.rows_size() == 0 && scene.now < reader.deadline) {
      return false;
    }
  }
  Answer(reader, scene);
  return true;
}

Reads::Turn Reads::Render(Reader& reader, const BatchFold& fold, const Scene& scene) {
  while (reader.bytes < reader.bytes_max) {
    if (reader.at.sequence > fold.last_terminal_row()) return Turn::kWaiting;
    if (reader.page.empty()) {
      if (reader.page_end > reader.at.sequence) reader.at = {reader.page_end, 0};
      if (reader.at.sequence > fold.last_terminal_row()) return Turn::kWaiting;
      Fetch(reader, reader.at.sequence, 0, scene);
      return Turn::kFetching;
    }
    const OpenRow& row = reader.page.front();
    if (row.row.sequence != reader.at.sequence) reader.at = {row.row.sequence, 0};
    if (!RenderRow(reader, row, fold, scene)) {
      return reader.token != 0 ? Turn::kFetching : Turn::kFull;
    }
    if (Releases* releases = ReleasesOf(reader)) releases->Passed(row.row, fold);
    reader.at = {row.row.sequence + 1, 0};
    reader.page.pop_front();
  }
  return reader.at.sequence > fold.last_terminal_row() ? Turn::kWaiting : Turn::kFull;
}

// True when the row is through.
bool Reads::RenderRow(Reader& reader, const OpenRow& row, const BatchFold& fold,
                      const Scene& scene) {
  const std::vector<RowItem> items = ItemsOf(row.row, fold);
  for (; reader.at.item < items.size(); ++reader.at.item) {
    if (reader.bytes >= reader.bytes_max) return false;
    const RowItem& item = items[reader.at.item];
    if (pb::TerminalRow* last = LastOf(reader.reply); last && Continues(*last, item, row)) {
      last->set_more(last->more() + 1);
      reader.bytes += kContinuedBytes;
      continue;
    }
    const OpenRow* source = nullptr;
    if (item.source == row.row.sequence) {
      source = &row;
    } else if (item.source != 0 && item.source != reader.source_missing) {
      const bool at_hand =
          reader.source_row.has_value() && reader.source_row->row.sequence == item.source;
      if (!at_hand) {
        Fetch(reader, item.source, item.source, scene);
        return false;
      }
      source = &*reader.source_row;
    }
    pb::TerminalRow rendered = RenderItem(item, row.row, source);
    reader.bytes += rendered.ByteSizeLong() + 4;
    *reader.reply.add_rows() = std::move(rendered);
    if (Releases* releases = ReleasesOf(reader); releases != nullptr && source != &row) {
      releases->Used(item);
    }
  }
  return true;
}

void Reads::Fetch(Reader& reader, uint64_t from, uint64_t source, const Scene& scene) {
  reader.token = ++last_token_;
  reader.source = source;
  scene.outbox.Send(PeerId{Channel::kJournal}, JournalRead{reader.token, reader.reply.batch(), from,
                                                           source == 0 ? limits_.page_bytes : 1});
}

void Reads::OnRows(const JournalRows& rows, const Scene& scene) {
  const auto asked = std::find_if(readers_.begin(), readers_.end(), [&](const auto& entry) {
    return entry.second.token == rows.token;
  });
  if (asked == readers_.end()) return;  // its reader asked something else meanwhile
  Reader& reader = asked->second;
  reader.token = 0;
  if (reader.source != 0) {
    TakeSource(reader, rows, scene);
  } else {
    TakePage(reader, rows, scene);
  }
  if (Continue(reader, scene)) readers_.erase(asked);
}

void Reads::TakePage(Reader& reader, const JournalRows& rows, const Scene& scene) {
  for (const JournalRow& row : rows.rows) {
    if (row.sequence < reader.at.sequence || row.sequence > scene.durable) continue;
    std::optional<LedgerRow> parsed = ParseRow(row, scene.now);
    if (parsed.has_value()) {
      reader.page.emplace_back(*std::move(parsed));
    } else {
      scene.counts.Add("bad_row");
    }
  }
  reader.page_end = std::min(rows.next, scene.durable + 1);
  if (!rows.rows.empty() || reader.page_end > reader.at.sequence) return;
  // The journal has nothing where the fold knows of rows: better to go on than to ask for ever.
  scene.counts.Add("journal_gap");
  reader.page_end = scene.durable + 1;
}

void Reads::TakeSource(Reader& reader, const JournalRows& rows, const Scene& scene) {
  for (const JournalRow& row : rows.rows) {
    if (row.sequence != reader.source) continue;
    std::optional<LedgerRow> parsed = ParseRow(row, scene.now);
    if (!parsed.has_value()) break;
    reader.source_row.emplace(*std::move(parsed));
    return;
  }
  scene.counts.Add("journal_gap");
  reader.source_missing = reader.source;
}

void Reads::Answer(Reader& reader, const Scene& scene) {
  reader.reply.set_next(reader.at.Pack());
  if (Releases* releases = ReleasesOf(reader)) releases->Answered(reader.at.Pack());
  pb::Envelope envelope = NewEnvelope(scene.self);
  *envelope.mutable_read_reply() = std::move(reader.reply);
  scene.outbox.Send(PeerId{Channel::kFacts, reader.connection}, std::move(envelope));
}

Instant Reads::NextDeadline() const {
  Instant next = kNever;
  for (const auto& [connection, reader] : readers_) {
    next = std::min(next, reader.asked + limits_.silence);
    if (reader.token == 0) next = std::min(next, reader.deadline);
  }
  return next;
}

}  // namespace fanmill
