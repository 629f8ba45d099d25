#include "lib/verify/row_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/io/crc32c.h"
#include "lib/io/process.h"
#include "lib/io/row_store.h"

namespace fanmill::verify {
namespace {

constexpr const char* kRows =
    "SELECT sequence, batch, is_frame, crc, bytes, 0, 0, 0 FROM rows ORDER BY sequence";
// Bytes too large for a row lie in files beside the database.
constexpr const char* kRowsAndLarge =
    "SELECT rows.sequence, batch, is_frame, crc, bytes, ifnull(segment, 0), ifnull(offset, 0),"
    " ifnull(length, 0) FROM rows LEFT JOIN large ON large.sequence = rows.sequence"
    " ORDER BY rows.sequence";

// The checksum covers the row's numbers too: its sequence (8 bytes), its batch (4), whether it is a
// message (1), the lowest byte first, then the bytes.
uint32_t SumOf(const Row& row) {
  char head[13];
  std::memcpy(head, &row.sequence, 8);
  std::memcpy(head + 8, &row.batch, 4);
  head[12] = row.is_frame ? 1 : 0;
  return Crc32c(row.bytes, Crc32c({head, sizeof head}));
}

// What was written last stands there until it is moved into the file.
uint64_t WalBytes(const std::string& file) {
  struct stat status = {};
  return stat((file + "-wal").c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

bool MayWriteBeside(const std::string& file) {
  std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (folder.empty()) folder = ".";
  return access(folder.c_str(), W_OK) == 0;
}

absl::StatusOr<uint64_t> OneNumber(const Database& database, const std::string& sql) {
  absl::StatusOr<Statement> statement = database.Prepare(sql);
  if (!statement.ok()) return statement.status();
  const absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  return *row ? statement->Number(0) : 0;
}

}  // namespace

absl::StatusOr<RowFile> RowFile::Open(const std::string& file, const std::string& what) {
  struct stat status = {};
  if (stat(file.c_str(), &status) != 0) {
    const std::string text = absl::StrCat("cannot read ", file, ": ", ErrorText(errno));
    return errno == ENOENT || errno == ENOTDIR ? absl::NotFoundError(text)
                                               : absl::UnavailableError(text);
  }
  const bool alone = WalBytes(file) == 0;
  absl::StatusOr<Database> reader = Database::OpenToRead(file, alone);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<Database> watch = Database::OpenToRead(file, alone);
  if (!watch.ok()) return watch.status();
  RowFile opened(file, alone, *std::move(reader), *std::move(watch));
  absl::Status kind = opened.CheckKind(what);
  if (absl::IsUnavailable(kind) && !alone && !MayWriteBeside(file)) {
    return absl::UnavailableError(
        absl::StrCat("cannot read ", file, ": what was written last stands in ", file,
                     "-wal, which only those can read who may write to its directory; try as the "
                     "user of the daemons, or copy the directory and verify the copy"));
  }
  if (!kind.ok()) return kind;
  return opened;
}

absl::Status RowFile::CheckKind(const std::string& what) {
  const absl::StatusOr<uint64_t> schema = OneNumber(reader_, "PRAGMA user_version");
  if (!schema.ok()) return schema.status();
  if (*schema > kRowStoreSchema) {
    return absl::FailedPreconditionError(
        absl::StrCat(file_, " was written by a newer Fanmill (schema ", *schema,
                     ", this one knows ", kRowStoreSchema, "): verify it with that version"));
  }
  const absl::StatusOr<bool> is_journal = HasTable("journal");
  if (!is_journal.ok()) return is_journal.status();
  if (!*is_journal) {
    // Killed before it wrote anything.
    if (*schema == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(file_, " is no journal of Fanmill"));
  }
  absl::StatusOr<Statement> kind = reader_.Prepare("SELECT what FROM journal");
  if (!kind.ok()) return kind.status();
  const absl::StatusOr<bool> row = kind->Step();
  if (!row.ok()) return row.status();
  const std::string kept = *row ? kind->Blob(0) : "";
  if (kept == what) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(file_, " is a ", kept, " and no ", what));
}

absl::StatusOr<bool> RowFile::HasTable(const std::string& name) {
  const absl::StatusOr<uint64_t> count =
      OneNumber(reader_, absl::StrCat("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND "
                                      "name = '",
                                      name, "'"));
  if (!count.ok()) return count.status();
  return *count > 0;
}

absl::StatusOr<std::string> RowFile::Version() {
  if (alone_) {
    struct stat status = {};
    if (stat(file_.c_str(), &status) != 0) {
      return absl::UnavailableError(absl::StrCat("cannot read ", file_, ": ", ErrorText(errno)));
    }
    return fmt::format("{} {} {}.{:09} {}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec, WalBytes(file_));
  }
  const absl::StatusOr<uint64_t> version = OneNumber(watch_, "PRAGMA data_version");
  if (!version.ok()) return version.status();
  return absl::StrCat(*version);
}

absl::Status RowFile::Pin() {
  absl::StatusOr<std::string> version = Version();
  if (!version.ok()) return version.status();
  pinned_ = *std::move(version);
  if (alone_ && WalBytes(file_) > 0) {  // since it was opened
    return absl::AbortedError(absl::StrCat(file_, " is being written"));
  }
  if (absl::Status begun = reader_.Run("BEGIN"); !begun.ok()) return begun;
  return OneNumber(reader_, "SELECT count(*) FROM sqlite_schema").status();  // the first read pins
}

absl::Status RowFile::Unpin() { return reader_.Run("COMMIT"); }

absl::StatusOr<uint64_t> RowFile::Last() {
  const absl::StatusOr<bool> is_journal = HasTable("journal");
  if (!is_journal.ok()) return is_journal.status();
  if (!*is_journal) return 0;
  return OneNumber(reader_, "SELECT last FROM journal");
}

absl::Status RowFile::ReadRows(absl::FunctionRef<void(const Row&)> visit) {
  const absl::StatusOr<bool> has_rows = HasTable("rows");
  if (!has_rows.ok()) return has_rows.status();
  if (!*has_rows) return absl::OkStatus();
  const absl::StatusOr<bool> has_large = HasTable("large");
  if (!has_large.ok()) return has_large.status();
  absl::StatusOr<Statement> read = reader_.Prepare(*has_large ? kRowsAndLarge : kRows);
  if (!read.ok()) return read.status();
  while (true) {
    const absl::StatusOr<bool> more = read->Step();
    if (!more.ok()) return more.status();
    if (!*more) break;
    Row row;
    row.sequence = read->Number(0);
    row.batch = static_cast<uint32_t>(read->Number(1));
    row.is_frame = read->Number(2) != 0;
    std::string bytes = read->Blob(4);
    const bool is_large = read->Number(5) != 0;
    if (is_large) {
      absl::StatusOr<std::string> large =
          LargeBytes(read->Number(5), read->Number(6), read->Number(7));
      if (!large.ok()) return large.status();
      bytes += *large;
    }
    row.bytes = bytes;
    row.sound =
        read->Number(1) <= UINT32_MAX && read->Number(2) <= 1 && read->Number(3) == SumOf(row);
    if (!row.sound && is_large) {
      const absl::StatusOr<bool> is_there = IsThereNow(row.sequence);
      if (!is_there.ok()) return is_there.status();
      if (!*is_there) return absl::AbortedError(absl::StrCat(file_, ": a row was forgotten"));
    }
    visit(row);
  }
  if (!alone_) return absl::OkStatus();
  const absl::StatusOr<std::string> version = Version();
  if (!version.ok()) return version.status();
  return *version == pinned_ ? absl::OkStatus()
                             : absl::AbortedError(absl::StrCat(file_, " is being written"));
}

// What is not there is shorter than it should be, and so the row damaged.
absl::StatusOr<std::string> RowFile::LargeBytes(uint64_t segment, uint64_t offset,
                                                uint64_t length) {
  if (segment != segment_) {
    const std::string path = fmt::format("{}-large/{:06}", file_, segment);
    segment_file_ = FileDescriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (segment_file_.get() < 0 && errno != ENOENT) {
      return absl::UnavailableError(absl::StrCat("cannot read ", path, ": ", ErrorText(errno)));
    }
    segment_ = segment;
  }
  std::string bytes;
  struct stat status = {};
  if (segment_file_.get() < 0 || fstat(segment_file_.get(), &status) != 0) return bytes;
  const auto size = static_cast<uint64_t>(status.st_size);
  if (offset > size || length > size - offset) return bytes;
  bytes.resize(length);
  for (uint64_t done = 0; done < length;) {
    const ssize_t got = pread(segment_file_.get(), bytes.data() + done, length - done,
                              static_cast<off_t>(offset + done));
    if (got < 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot read ", file_, "-large: ", ErrorText(errno)));
    }
    if (got == 0) break;
    done += static_cast<uint64_t>(got);
  }
  return bytes;
}

// A forgotten row's bytes go with it, though they are still pinned.
absl::StatusOr<bool> RowFile::IsThereNow(uint64_t sequence) {
  const absl::StatusOr<uint64_t> count =
      OneNumber(watch_, absl::StrCat("SELECT count(*) FROM rows WHERE sequence = ", sequence));
  if (!count.ok()) return count.status();
  return *count > 0;
}

}  // namespace fanmill::verify
