// Database: the little of SQLite that a journal needs. Errors are sentences that name the file.
#ifndef FANMILL_LIB_IO_DATABASE_H_
#define FANMILL_LIB_IO_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fanmill {

// A statement, prepared once and run many times. Columns and parameters count from 0 and 1, as in
// SQLite.
class Statement {
 public:
  Statement& Bind(int parameter, uint64_t value);
  Statement& Bind(int parameter, std::string_view blob);  // which outlives Step
  // True: there is a row. False: it is through, and ready to be run again.
  absl::StatusOr<bool> Step();
  // Runs one that has no rows.
  absl::Status Run();
  void Reset();

  uint64_t Number(int column) const;
  std::string Blob(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement, sqlite3_finalize) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
};

// To be used by one thread at a time.
class Database {
 public:
  // Makes the file where it is missing. `synchronous`: whether a commit waits for the disk.
  static absl::StatusOr<Database> Open(const std::string& file, bool synchronous);
  // Writes nothing into the file. `alone`: nobody else has it open, and it was closed in order (it
  // has no -wal), so that nothing beside it is needed; else SQLite may have to make a -shm there.
  static absl::StatusOr<Database> OpenToRead(const std::string& file, bool alone);

  absl::Status Run(const std::string& sql);
  absl::StatusOr<Statement> Prepare(const std::string& sql) const;

 private:
  explicit Database(sqlite3* database) : database_(database, sqlite3_close) {}
  static absl::StatusOr<Database> OpenFile(const std::string& name, int flags,
                                           const std::string& advice);

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
};

// kResourceExhausted: the disk is full, and what was to be written is not. kDataLoss: the file is
// damaged. kUnavailable: the disk fails, or the file is somebody else's.
absl::Status DatabaseError(sqlite3* database, std::string_view what);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_DATABASE_H_
