#include "lib/io/database.h"

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"

namespace fanmill {
namespace {

std::string NameOf(sqlite3* database) {
  const char* name = sqlite3_db_filename(database, "main");
  return name == nullptr ? "" : name;
}

absl::StatusCode CodeOf(int error) {
  switch (error & 0xff) {
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

const char* AdviceFor(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kResourceExhausted:
      return "; make room on that disk";
    case absl::StatusCode::kDataLoss:
      return "; the file is damaged: put it aside (nothing in it is used any more) and start again";
    default:
      return "; see that the disk works and that the file may be written";
  }
}

}  // namespace

absl::Status DatabaseError(sqlite3* database, std::string_view what) {
  const absl::StatusCode code = CodeOf(sqlite3_extended_errcode(database));
  return absl::Status(code, absl::StrCat("cannot ", std::string(what), " ", NameOf(database), ": ",
                                         sqlite3_errmsg(database), AdviceFor(code)));
}

Statement& Statement::Bind(int parameter, uint64_t value) {
  FANMILL_CHECK(sqlite3_bind_int64(statement_.get(), parameter, static_cast<int64_t>(value)) ==
                SQLITE_OK);
  return *this;
}

Statement& Statement::Bind(int parameter, std::string_view blob) {
  const char* bytes = blob.empty() ? "" : blob.data();  // a null pointer would be NULL
  FANMILL_CHECK(sqlite3_bind_blob64(statement_.get(), parameter, bytes, blob.size(),
                                    SQLITE_STATIC) == SQLITE_OK);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  const absl::Status status =
      result == SQLITE_DONE ? absl::OkStatus() : DatabaseError(database_, "use");
  Reset();
  if (!status.ok()) return status;
  return false;
}

absl::Status Statement::Run() {
  const absl::StatusOr<bool> row = Step();
  FANMILL_CHECK(!row.ok() || !*row, "a statement had a row that nobody takes");
  return row.status();
}

void Statement::Reset() { sqlite3_reset(statement_.get()); }

uint64_t Statement::Number(int column) const {
  return static_cast<uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

absl::StatusOr<Database> Database::Open(const std::string& file, bool synchronous) {
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
  const int result = sqlite3_open_v2(file.c_str(), &opened, flags, nullptr);
  Database database(opened);
  if (result != SQLITE_OK) {
    return absl::UnavailableError(
        absl::StrCat("cannot open ", file, ": ", sqlite3_errmsg(opened),
                     "; see that the folder is there and that it and the file may be written"));
  }
  // WAL: one fsync for each commit, of what is new alone.
  const std::string level = synchronous ? "FULL" : "OFF";
  for (const std::string& pragma :
       {std::string("locking_mode=EXCLUSIVE"), std::string("journal_mode=WAL"),
        "synchronous=" + level, std::string("cache_size=-8192")}) {
    if (absl::Status set = database.Run("PRAGMA " + pragma); !set.ok()) return set;
  }
  return database;
}

absl::Status Database::Run(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  return DatabaseError(database_.get(), "use");
}

absl::StatusOr<Statement> Database::Prepare(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(database_.get(), sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
  if (result != SQLITE_OK) return DatabaseError(database_.get(), "use");
  return Statement(database_.get(), statement);
}

}  // namespace fanmill
