// RowFile: reads the rows of one journal, and nothing else: the only place that knows how they lie
// in the file. It never writes, nor keeps the writer from writing; a file of a daemon that was
// killed it reads as the daemon would. Not thread-safe.
#ifndef FANMILL_LIB_VERIFY_ROW_FILE_H_
#define FANMILL_LIB_VERIFY_ROW_FILE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/io/database.h"
#include "lib/io/file.h"
#include "lib/verify/row.h"

namespace fanmill::verify {

class RowFile {
 public:
  // `what`: whose rows they are ("ledger"). kNotFound: there is no such file. Any other error: it
  // cannot be read, and why.
  static absl::StatusOr<RowFile> Open(const std::string& file, const std::string& what);

  // Another text once something was written.
  absl::StatusOr<std::string> Version();
  // From now on it is read as of this instant. kAborted: as for ReadRows.
  absl::Status Pin();
  absl::Status Unpin();

  // Of the last row that was ever written. REQUIRES: pinned.
  absl::StatusOr<uint64_t> Last();
  // In ascending order. REQUIRES: pinned. kAborted: it has changed so much meanwhile that what was
  // pinned cannot be read to its end; to be tried again from Open on.
  absl::Status ReadRows(absl::FunctionRef<void(const Row&)> visit);

 private:
  RowFile(std::string file, bool alone, Database reader, Database watch)
      : file_(std::move(file)),
        alone_(alone),
        reader_(std::move(reader)),
        watch_(std::move(watch)) {}
  absl::Status CheckKind(const std::string& what);
  absl::StatusOr<bool> HasTable(const std::string& name);
  absl::StatusOr<std::string> LargeBytes(uint64_t segment, uint64_t offset, uint64_t length);
  absl::StatusOr<bool> IsThereNow(uint64_t sequence);

  std::string file_;
  bool alone_;  // nobody writes it, and all of it stands in the file itself
  Database reader_;
  Database watch_;  // sees what happens beside what is pinned
  std::string pinned_;
  uint64_t segment_ = 0;  // the one that is open
  FileDescriptor segment_file_;
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_ROW_FILE_H_
