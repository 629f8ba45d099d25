// RowStore: the rows of one journal in a SQLite file. A row is found damaged by its checksum
// (SQLite alone gives back a flipped bit without a word), and the last one that was ever committed
// is remembered apart, so that a file which lost its end says so. Large rows lie in segments beside
// the file (FILE-large/), which a database would be slow with. Not thread-safe.
#ifndef FANMILL_LIB_IO_ROW_STORE_H_
#define FANMILL_LIB_IO_ROW_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/core/local.h"
#include "lib/io/database.h"
#include "lib/io/segments.h"

namespace fanmill {

enum class Durability {
  kFull,  // a commit survives a crash of the machine
  kOs,    // of the process alone
};

// The schema that this version writes; a file of a newer one is refused.
inline constexpr uint64_t kRowStoreSchema = 2;
// A row above this goes into a segment.
inline constexpr uint64_t kRowInlineBytesMax = 64 << 10;

class RowStore {
 public:
  // `what`: whose rows these are ("ledger"); a file of another kind is refused.
  static absl::StatusOr<RowStore> Open(const std::string& file, const std::string& what,
                                       Durability durability);

  // One transaction. After an error of Commit nothing since Begin is there.
  absl::Status Begin();
  absl::Status Commit();
  void Rollback();

  absl::Status Write(uint64_t sequence, uint32_t batch, bool is_frame, std::string_view bytes);
  // All rows of the batch, or those named.
  absl::Status Forget(uint32_t batch, const std::vector<uint64_t>& rows);

  struct Page {
    std::vector<JournalRow> rows;
    uint64_t next = 0;     // read on from here; 0: there are no more
    uint64_t damaged = 0;  // rows that are not what was written: left out
  };
  // In order from `from` on, until so many bytes; a larger row comes alone. batch 0: of all.
  absl::StatusOr<Page> Read(uint32_t batch, uint64_t from, uint64_t bytes_max);

  uint64_t last() const { return last_; }    // sequence of the last row ever written
  uint64_t bytes() const { return bytes_; }  // of all rows, what they cost beside included

 private:
  RowStore(Database database, const std::string& file, Durability durability)
      : database_(std::move(database)), segments_(file + "-large"), durability_(durability) {}
  absl::Status CheckKind(const std::string& file, const std::string& what);
  absl::Status Prepare();
  absl::Status RecoverSegments();
  absl::Status DropLarge(Statement& of);
  // Nothing: its segment has lost it.
  absl::StatusOr<std::optional<std::string>> LargeBytes(uint64_t sequence);

  Database database_;
  Segments segments_;
  Durability durability_;
  std::vector<Statement> statements_;
  uint64_t last_ = 0;
  uint64_t bytes_ = 0;
  uint64_t last_before_ = 0;  // the transaction
  uint64_t bytes_before_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_ROW_STORE_H_
