#include "lib/io/database.h"

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"

namespace fanmill {
namespace {

// Whoever else uses a file keeps it for moments only: to read it, or to look what a crash left.
constexpr int kOthersPatienceMillis = 10'000;

std::string NameOf(sqlite3* database) {
  const char* name = sqlite3_db_filename(database, "main");
  return name == nullptr ? "" : name;
}

absl::StatusCode CodeOf(int error) {
  if (error == SQLITE_IOERR_SHMSIZE) return absl::StatusCode::kResourceExhausted;
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

const char* AdviceFor(int error) {
  if ((error & 0xff) == SQLITE_BUSY) return "; some other program has it for itself: end that one";
  switch (CodeOf(error)) {
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
  const int error = sqlite3_extended_errcode(database);
  return absl::Status(CodeOf(error),
                      absl::StrCat("cannot ", std::string(what), " ", NameOf(database), ": ",
                                   sqlite3_errmsg(database), AdviceFor(error)));
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

absl::StatusOr<Database> Database::OpenFile(const std::string& name, int flags,
                                            const std::string& advice) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(name.c_str(), &opened,
                                     flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(opened);
  if (result != SQLITE_OK) {
    return absl::UnavailableError(
        absl::StrCat("cannot open ", name, ": ", sqlite3_errmsg(opened), advice));
  }
  sqlite3_busy_timeout(opened, kOthersPatienceMillis);
  return database;
}

absl::StatusOr<Database> Database::Open(const std::string& file, bool synchronous) {
  absl::StatusOr<Database> database =
      OpenFile(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW,
               "; see that the folder is there and that it and the file may be written");
  if (!database.ok()) return database;
  // WAL: one fsync for each commit, of what is new alone. The state directory's lock sees to it
  // that nobody else writes; others may read meanwhile.
  const std::string level = synchronous ? "FULL" : "OFF";
  for (const std::string& pragma :
       {std::string("journal_mode=WAL"), "synchronous=" + level, std::string("cache_size=-8192")}) {
    if (absl::Status set = database->Run("PRAGMA " + pragma); !set.ok()) return set;
  }
  return database;
}

absl::StatusOr<Database> Database::OpenToRead(const std::string& file, bool alone) {
  const char* advice = "; see that it is there and may be read";
  if (!alone) return OpenFile(file, SQLITE_OPEN_READONLY, advice);
  std::string uri = "file:";
  for (const char letter : file) {
    const bool means_something = letter == '?' || letter == '#' || letter == '%';
    absl::StrAppend(
        &uri, means_something ? absl::StrCat("%", absl::Hex(letter)) : std::string(1, letter));
  }
  return OpenFile(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, advice);
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
