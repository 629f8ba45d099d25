#include "lib/io/row_store.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/io/crc32c.h"

namespace fanmill {
namespace {

// A row's cost beside its bytes.
constexpr uint64_t kRowBytes = 64;
// "Fmil", in the header of the file.
constexpr int kApplicationId = 0x466d696c;

enum : size_t {
  kWrite,
  kForgetAll,
  kForgetOne,
  kSizeOfAll,
  kSizeOfOne,
  kReadAll,
  kReadBatch,
  kSetLast,
  kWriteLarge,
  kReadLarge,
  kLargeOfBatch,
  kForgetLarge
};
constexpr const char* kSql[] = {
    "INSERT INTO rows(sequence, batch, is_frame, crc, bytes) VALUES(?1, ?2, ?3, ?4, ?5)",
    "DELETE FROM rows WHERE batch = ?1",
    "DELETE FROM rows WHERE sequence = ?1 AND batch = ?2",
    "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM rows WHERE batch = ?1",
    "SELECT count(*), ifnull(sum(length(bytes)), 0) FROM rows WHERE sequence = ?1 AND batch = ?2",
    "SELECT sequence, batch, is_frame, crc, bytes FROM rows WHERE sequence >= ?1 ORDER BY sequence",
    "SELECT sequence, batch, is_frame, crc, bytes FROM rows INDEXED BY of_batch "
    "WHERE batch = ?2 AND sequence >= ?1 ORDER BY sequence",
    "UPDATE journal SET last = ?1",
    "INSERT INTO large(sequence, segment, offset, length) VALUES(?1, ?2, ?3, ?4)",
    "SELECT sequence, segment, offset, length FROM large WHERE sequence = ?1",
    "SELECT sequence, segment, offset, length FROM large CROSS JOIN rows USING(sequence)"
    " WHERE batch = ?1",
    "DELETE FROM large WHERE sequence = ?1",
};

// What came with the schema of that number. A row of `large` says where the bytes of a row of
// `rows` lie that has none itself.
constexpr const char* kSchema1 =
    "CREATE TABLE journal(what TEXT NOT NULL, last INTEGER NOT NULL);"
    "CREATE TABLE rows(sequence INTEGER PRIMARY KEY, batch INTEGER NOT NULL,"
    " is_frame INTEGER NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX of_batch ON rows(batch, sequence);";
constexpr const char* kSchema2 =
    "CREATE TABLE large(sequence INTEGER PRIMARY KEY, segment INTEGER NOT NULL,"
    " offset INTEGER NOT NULL, length INTEGER NOT NULL);";

// Of all that a row says, so that a flipped number is found as well.
uint32_t SumOf(uint64_t sequence, uint32_t batch, bool is_frame, std::string_view bytes) {
  char head[13];
  std::memcpy(head, &sequence, 8);
  std::memcpy(head + 8, &batch, 4);
  head[12] = is_frame ? 1 : 0;
  return Crc32c(bytes, Crc32c({head, sizeof head}));
}

absl::Status FirstOf(std::initializer_list<absl::Status> statuses) {
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RowStore> RowStore::Open(const std::string& file, const std::string& what,
                                        Durability durability) {
  absl::StatusOr<Database> database = Database::Open(file, durability == Durability::kFull);
  if (!database.ok()) return database.status();
  RowStore store(*std::move(database), file, durability);
  if (absl::Status kind = store.CheckKind(file, what); !kind.ok()) return kind;
  if (absl::Status prepared = store.Prepare(); !prepared.ok()) return prepared;
  if (absl::Status recovered = store.RecoverSegments(); !recovered.ok()) return recovered;
  return store;
}

// Makes the tables in a fresh file.
absl::Status RowStore::CheckKind(const std::string& file, const std::string& what) {
  absl::StatusOr<Statement> version = database_.Prepare("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (absl::StatusOr<bool> row = version->Step(); !row.ok()) return row.status();
  const uint64_t schema = version->Number(0);
  version->Reset();
  if (schema > kRowStoreSchema) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, " was written by a newer Fanmill (schema ", schema, ", this one knows ",
                     kRowStoreSchema, "): start the newer version, or use another --state"));
  }
  if (schema == 0) {
    return database_.Run(absl::StrCat("BEGIN; PRAGMA application_id = ", kApplicationId,
                                      "; PRAGMA user_version = ", kRowStoreSchema, ";", kSchema1,
                                      kSchema2, "INSERT INTO journal VALUES('", what,
                                      "', 0); COMMIT"));
  }
  absl::StatusOr<Statement> kind = database_.Prepare("SELECT what FROM journal");
  if (!kind.ok()) return kind.status();
  const absl::StatusOr<bool> row = kind->Step();
  if (!row.ok()) return row.status();
  const std::string kept = *row ? kind->Blob(0) : "";
  kind->Reset();
  if (kept != what) {
    return absl::FailedPreconditionError(absl::StrCat(file, " is a ", kept, " and no ", what,
                                                      ": give each part a --state of its own"));
  }
  if (schema == kRowStoreSchema) return absl::OkStatus();
  return database_.Run(
      absl::StrCat("BEGIN; PRAGMA user_version = ", kRowStoreSchema, ";", kSchema2, "COMMIT"));
}

absl::Status RowStore::Prepare() {
  for (const char* sql : kSql) {
    absl::StatusOr<Statement> statement = database_.Prepare(sql);
    if (!statement.ok()) return statement.status();
    statements_.push_back(*std::move(statement));
  }
  absl::StatusOr<Statement> totals = database_.Prepare(
      "SELECT (SELECT last FROM journal), (SELECT count(*) FROM rows),"
      " (SELECT ifnull(sum(length(bytes)), 0) FROM rows),"
      " (SELECT ifnull(sum(length), 0) FROM large)");
  if (!totals.ok()) return totals.status();
  if (absl::StatusOr<bool> row = totals->Step(); !row.ok()) return row.status();
  last_ = totals->Number(0);
  bytes_ = totals->Number(1) * kRowBytes + totals->Number(2) + totals->Number(3);
  return absl::OkStatus();
}

absl::Status RowStore::RecoverSegments() {
  absl::StatusOr<Statement> all = database_.Prepare("SELECT segment, offset, length FROM large");
  if (!all.ok()) return all.status();
  std::vector<SegmentSpan> spans;
  while (true) {
    const absl::StatusOr<bool> row = all->Step();
    if (!row.ok()) return row.status();
    if (!*row) break;
    spans.push_back({all->Number(0), all->Number(1), all->Number(2)});
  }
  return segments_.Recover(spans);
}

absl::Status RowStore::Begin() {
  last_before_ = last_;
  bytes_before_ = bytes_;
  return database_.Run("BEGIN IMMEDIATE");
}

absl::Status RowStore::Commit() {
  if (durability_ == Durability::kFull) {
    if (absl::Status synced = segments_.Sync(); !synced.ok()) return synced;
  }
  absl::Status committed =
      FirstOf({statements_[kSetLast].Bind(1, last_).Run(), database_.Run("COMMIT")});
  if (committed.ok()) segments_.Settle();
  return committed;
}

void RowStore::Rollback() {
  last_ = last_before_;
  bytes_ = bytes_before_;
  (void)database_.Run("ROLLBACK");  // SQLite has done so already after some errors
  segments_.Rollback();
}

absl::Status RowStore::Write(uint64_t sequence, uint32_t batch, bool is_frame,
                             std::string_view bytes) {
  last_ = sequence;
  bytes_ += bytes.size() + kRowBytes;
  statements_[kWrite]
      .Bind(1, sequence)
      .Bind(2, batch)
      .Bind(3, is_frame ? 1 : 0)
      .Bind(4, SumOf(sequence, batch, is_frame, bytes));
  if (bytes.size() <= kRowInlineBytesMax) return statements_[kWrite].Bind(5, bytes).Run();
  const absl::StatusOr<SegmentSpan> span = segments_.Append(bytes);
  if (!span.ok()) return span.status();
  absl::Status written = statements_[kWriteLarge]
                             .Bind(1, sequence)
                             .Bind(2, span->segment)
                             .Bind(3, span->offset)
                             .Bind(4, span->size)
                             .Run();
  if (!written.ok()) return written;
  return statements_[kWrite].Bind(5, "").Run();
}

absl::Status RowStore::Forget(uint32_t batch, const std::vector<uint64_t>& rows) {
  const auto drop = [this](Statement& size, Statement& forget) -> absl::Status {
    if (absl::StatusOr<bool> row = size.Step(); !row.ok()) return row.status();
    const uint64_t freed = size.Number(0) * kRowBytes + size.Number(1);
    size.Reset();
    bytes_ -= std::min(freed, bytes_);
    return forget.Run();
  };
  if (rows.empty()) {
    if (absl::Status dropped = DropLarge(statements_[kLargeOfBatch].Bind(1, batch));
        !dropped.ok()) {
      return dropped;
    }
    return drop(statements_[kSizeOfAll].Bind(1, batch), statements_[kForgetAll].Bind(1, batch));
  }
  for (const uint64_t row : rows) {
    if (absl::Status dropped = DropLarge(statements_[kReadLarge].Bind(1, row)); !dropped.ok()) {
      return dropped;
    }
    absl::Status dropped = drop(statements_[kSizeOfOne].Bind(1, row).Bind(2, batch),
                                statements_[kForgetOne].Bind(1, row).Bind(2, batch));
    if (!dropped.ok()) return dropped;
  }
  return absl::OkStatus();
}

absl::Status RowStore::DropLarge(Statement& of) {
  while (true) {
    const absl::StatusOr<bool> row = of.Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    const SegmentSpan span{of.Number(1), of.Number(2), of.Number(3)};
    if (absl::Status gone = statements_[kForgetLarge].Bind(1, of.Number(0)).Run(); !gone.ok()) {
      of.Reset();
      return gone;
    }
    segments_.Drop(span);
    bytes_ -= std::min(span.size, bytes_);
  }
}

absl::StatusOr<std::optional<std::string>> RowStore::LargeBytes(uint64_t sequence) {
  Statement& read = statements_[kReadLarge].Bind(1, sequence);
  const absl::StatusOr<bool> row = read.Step();
  if (!row.ok()) return row.status();
  if (!*row) return std::string();
  const SegmentSpan span{read.Number(1), read.Number(2), read.Number(3)};
  read.Reset();
  absl::StatusOr<std::string> bytes = segments_.Read(span);
  if (absl::IsDataLoss(bytes.status())) return std::nullopt;
  if (!bytes.ok()) return bytes.status();
  return *std::move(bytes);
}

absl::StatusOr<RowStore::Page> RowStore::Read(uint32_t batch, uint64_t from, uint64_t bytes_max) {
  Statement& read = statements_[batch == 0 ? kReadAll : kReadBatch];
  read.Bind(1, from);
  if (batch != 0) read.Bind(2, batch);
  Page page;
  for (uint64_t bytes = 0;;) {
    const absl::StatusOr<bool> more = read.Step();
    if (!more.ok()) return more.status();
    if (!*more) return page;
    const uint64_t sequence = read.Number(0);
    std::optional<std::string> text = read.Blob(4);
    if (text->empty()) {
      absl::StatusOr<std::optional<std::string>> large = LargeBytes(sequence);
      if (!large.ok()) {
        read.Reset();
        return large.status();
      }
      text = *std::move(large);
    }
    bytes += text.value_or("").size() + kRowBytes;
    if (!page.rows.empty() && bytes > bytes_max) {
      page.next = sequence;
      break;
    }
    const auto owner = static_cast<uint32_t>(read.Number(1));
    const bool is_frame = read.Number(2) != 0;
    if (!text.has_value() || SumOf(sequence, owner, is_frame, *text) != read.Number(3)) {
      ++page.damaged;
      continue;
    }
    page.rows.push_back({sequence, owner, is_frame, Frame::Own(*std::move(text))});
  }
  read.Reset();
  return page;
}

}  // namespace fanmill
