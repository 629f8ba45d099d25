// What a reader gets of one ledger row, item by item: for each task whose end the row brought, the
// parts of its large outputs, then the end itself. The items of a durable row never change, so a
// cursor may stop between two of them and be continued after a restart.
#ifndef FANMILL_SINK_ROW_ITEMS_H_
#define FANMILL_SINK_ROW_ITEMS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "sink/batch_fold.h"
#include "sink/commit.h"
#include "sink/result_columns.h"

namespace fanmill {

struct RowItem {
  uint64_t task = 0;
  uint32_t stream = 0;  // 1, 2: a part of that output; 0: the end of the task
  uint64_t source = 0;  // the row that has the bytes; 0: nowhere are any
  uint32_t index = 0;   // of the task in that row
};

// A row at hand, ready to be read task by task.
struct OpenRow {
  explicit OpenRow(LedgerRow parsed) : row(std::move(parsed)) {
    if (row.envelope != nullptr && row.envelope->has_results()) {
      bytes.emplace(row.envelope->results());
    }
  }
  LedgerRow row;
  std::optional<ResultBytes> bytes;  // when it has results
};

std::vector<RowItem> ItemsOf(const LedgerRow& row, const BatchFold& fold);

// Whether the end of the task behind those of `last` reads the same: a plain OK, with no byte of
// output. Then it needs no row of its own. `row`: the one that it is an item of, and its source.
bool Continues(const pb::TerminalRow& last, const RowItem& item, const OpenRow& row);

// The item as a reader sees it. `row`: the row that it is an item of. `source`: the row
// item.source; null: there is none, or it cannot be read any more.
pb::TerminalRow RenderItem(const RowItem& item, const LedgerRow& row, const OpenRow* source);

}  // namespace fanmill

#endif  // FANMILL_SINK_ROW_ITEMS_H_
