// Reads: results by cursor. A reader gets exactly one end for each task, in ledger order, with what
// the task wrote; late and failed attempts that are nobody's end are passed over. The rows come
// from the journal, so an answer may take several turns; a reader that is up to date waits for news
// as long as it asked to.
//
//   asked --> fetching <--> rendering --full, or nothing more at hand--> answered
//     +--nothing yet--> waiting --news, or its time is up-----------------^
#ifndef FANMILL_SINK_READS_H_
#define FANMILL_SINK_READS_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "lib/core/message.h"
#include "lib/core/wire.h"
#include "sink/batches.h"
#include "sink/counts.h"
#include "sink/releases.h"
#include "sink/row_items.h"

namespace fanmill {

// A place in a batch's results: before that item of that row.
struct Cursor {
  static constexpr int kItemBits = 28;  // 4096 tasks with two streams of 16384 parts each
  uint64_t sequence = 0;
  uint64_t item = 0;

  uint64_t Pack() const { return (sequence << kItemBits) | item; }
  static Cursor Unpack(uint64_t packed) {
    return {packed >> kItemBits, packed & ((uint64_t{1} << kItemBits) - 1)};
  }
};

struct ReadLimits {
  uint64_t readers = 1024;  // with a question open; one more is answered with nothing
  uint64_t reply_bytes = 4 << 20;
  uint64_t page_bytes = 64 << 10;  // of rows asked of the journal at once
  Duration wait = Seconds(30);
  Duration silence = Seconds(60);  // longer than `wait`: who does not repeat a question is gone
};

class Reads {
 public:
  // What an answer depends on, as it stands now.
  struct Scene {
    Instant now;
    const Batches& batches;
    uint64_t durable;  // rows above it are not folded yet
    const Identity& self;
    Counts& counts;
    Outbox& outbox;
  };

  explicit Reads(ReadLimits limits) : limits_(limits) {}

  // A connection has one question at a time: a new one replaces the old. The same one, said again
  // by a reader that got no answer yet, changes nothing.  R79
  void Ask(PeerId from, const pb::ReadRequest& request, const Scene& scene);
  void OnRows(const JournalRows& rows, const Scene& scene);
  void Forget(PeerId reader) { readers_.erase(reader.id); }
  // Goes on with everybody for whom there is news, or whose time is up.
  void Advance(const Scene& scene);

  Instant NextDeadline() const;
  uint64_t open() const { return readers_.size(); }

 private:
  struct Reader {
    bool Asks(const pb::ReadRequest& request) const;

    uint64_t connection = 0;
    uint64_t cursor = 0;    // as it was asked
    bool releases = false;  // R105
    Instant asked{};        // last
    uint64_t bytes_max = 0;
    Instant deadline{};
    Cursor at;
    pb::ReadReply reply;
    uint64_t bytes = 0;
    uint64_t token = 0;                 // of the question to the journal; 0: none is open
    uint64_t source = 0;                // the one row it is about; 0: a page of rows
    std::deque<OpenRow> page;           // rows at hand, from at.sequence on
    uint64_t page_end = 0;              // below it, what is not in the page is not there
    std::optional<OpenRow> source_row;  // the last fetched
    uint64_t source_missing = 0;        // the last that was not there
  };
  enum class Turn { kFetching, kWaiting, kFull };

  void ForgetSilent(const Scene& scene);
  void Release(const pb::ReadRequest& request, const Scene& scene);
  Releases* ReleasesOf(const Reader& reader);
  bool Continue(Reader& reader, const Scene& scene);
  Turn Render(Reader& reader, const BatchFold& fold, const Scene& scene);
  bool RenderRow(Reader& reader, const OpenRow& row, const BatchFold& fold, const Scene& scene);
  void Fetch(Reader& reader, uint64_t from, uint64_t source, const Scene& scene);
  void TakePage(Reader& reader, const JournalRows& rows, const Scene& scene);
  void TakeSource(Reader& reader, const JournalRows& rows, const Scene& scene);
  void Answer(Reader& reader, const Scene& scene);

  ReadLimits limits_;
  uint64_t last_token_ = 0;
  absl::btree_map<uint64_t, Reader> readers_;     // by connection
  absl::btree_map<uint32_t, Releases> releases_;  // by batch; of those that have a reader who does
};

}  // namespace fanmill

#endif  // FANMILL_SINK_READS_H_
