#include "lib/verify/prove.h"

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/verify/proving.h"
#include "lib/verify/row_file.h"

namespace fanmill::verify {
namespace {

// How often an instant is tried in which nobody writes; it takes less than a millisecond.
constexpr int kInstantsTriedMax = 2000;
// How often the files may change too much while they are read.
constexpr int kReadingsMax = 5;

struct Files {
  RowFile book;
  RowFile manifest;
  RowFile ledger;
  std::array<RowFile*, 3> all() { return {&book, &manifest, &ledger}; }
};

absl::StatusOr<Files> Open(const States& states) {
  absl::StatusOr<RowFile> book = RowFile::Open(states.controller + "/controller/book.db", "book");
  if (!book.ok()) return book.status();
  absl::StatusOr<RowFile> manifest =
      RowFile::Open(states.ventilator + "/ventilator/manifest.db", "manifest");
  if (!manifest.ok()) return manifest.status();
  absl::StatusOr<RowFile> ledger = RowFile::Open(states.sink + "/sink/ledger.db", "ledger");
  if (!ledger.ok()) return ledger.status();
  return Files{*std::move(book), *std::move(manifest), *std::move(ledger)};
}

absl::StatusOr<std::string> Versions(Files& files) {
  std::string versions;
  for (RowFile* file : files.all()) {
    const absl::StatusOr<std::string> version = file->Version();
    if (!version.ok()) return version.status();
    absl::StrAppend(&versions, *version, ";");
  }
  return versions;
}

// Pins all three as of one instant: nobody wrote while it was done. Each file has things of which
// the cause stands in another one, so whatever the order, one pinned too early would be missed.
absl::Status PinTogether(Files& files) {
  for (int tried = 0; tried < kInstantsTriedMax; ++tried) {
    const absl::StatusOr<std::string> before = Versions(files);
    if (!before.ok()) return before.status();
    for (RowFile* file : files.all()) {
      if (absl::Status pinned = file->Pin(); !pinned.ok()) return pinned;
    }
    const absl::StatusOr<std::string> after = Versions(files);
    if (!after.ok()) return after.status();
    if (*before == *after) return absl::OkStatus();
    for (RowFile* file : files.all()) {
      if (absl::Status unpinned = file->Unpin(); !unpinned.ok()) return unpinned;
    }
  }
  return absl::UnavailableError(
      "the files are written without a moment's rest, so that they cannot be read as of one "
      "instant; try again when less goes on");
}

absl::Status Read(RowFile& rows, File file, Proving& proving) {
  absl::Status read = rows.ReadRows([&](const Row& row) { proving.Take(file, row); });
  if (!read.ok()) return read;
  const absl::StatusOr<uint64_t> last = rows.Last();
  if (last.ok()) proving.End(file, *last);
  return last.status();
}

absl::Status ReadAll(Files& files, Proving& proving) {
  if (absl::Status read = Read(files.book, File::kBook, proving); !read.ok()) return read;
  if (absl::Status read = Read(files.manifest, File::kManifest, proving); !read.ok()) return read;
  return Read(files.ledger, File::kLedger, proving);
}

absl::StatusOr<Proofs> ProveOnce(const States& states, const Wanted& wanted) {
  absl::StatusOr<Files> files = Open(states);
  if (!files.ok()) return files.status();
  if (absl::Status pinned = PinTogether(*files); !pinned.ok()) return pinned;
  Proving proving(wanted);
  if (absl::Status read = ReadAll(*files, proving); !read.ok()) return read;
  for (const uint32_t batch : wanted.batches) {
    if (proving.Knows(batch)) continue;
    return absl::NotFoundError(absl::StrCat("there is no batch ", batch, " in ", states.controller,
                                            "; fanmill verify all shows those there are"));
  }
  return proving.Conclude();
}

}  // namespace

absl::StatusOr<Proofs> Prove(const States& states, const Wanted& wanted) {
  absl::StatusOr<Proofs> proofs = ProveOnce(states, wanted);
  for (int tried = 1; tried < kReadingsMax && absl::IsAborted(proofs.status()); ++tried) {
    proofs = ProveOnce(states, wanted);
  }
  if (!absl::IsAborted(proofs.status())) return proofs;
  return absl::UnavailableError(
      absl::StrCat(std::string(proofs.status().message()), " each time it is read; try again"));
}

}  // namespace fanmill::verify
