#include "lib/io/spool_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "lib/core/check.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

// Holes are whole blocks; no usual file system has larger ones.
constexpr uint64_t kBlockBytes = 4096;
// Many small releases cost one call.
constexpr uint64_t kPunchBytesMin = 1 << 20;

uint64_t RoundDown(uint64_t offset) { return offset / kBlockBytes * kBlockBytes; }
uint64_t RoundUp(uint64_t offset) { return RoundDown(offset + kBlockBytes - 1); }

// Without a name from the beginning, where the file system can do that.
FileDescriptor OpenUnnamed(const std::string& directory) {
  FileDescriptor file(open(directory.c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() >= 0) return file;
  std::string name = directory + "/.fanmill-spool-XXXXXX";
  FileDescriptor named(mkostemp(name.data(), O_CLOEXEC));
  if (named.get() >= 0) unlink(name.c_str());
  return named;
}

}  // namespace

absl::StatusOr<SpoolSpan> SpoolFile::Append(std::string_view bytes) {
  if (file_.get() < 0 && !bytes.empty()) {
    if (absl::Status created = Create(); !created.ok()) return created;
  }
  if (!WriteAllAt(file_.get(), bytes, end_)) {
    const int error = errno;
    (void)!ftruncate(file_.get(), static_cast<off_t>(end_));  // the part that was written
    return Failed("write", error);
  }
  const SpoolSpan span{end_, bytes.size()};
  end_ += bytes.size();
  live_bytes_ += bytes.size();
  return span;
}

absl::StatusOr<std::string> SpoolFile::Read(SpoolSpan span) const {
  FANMILL_CHECK(span.offset + span.size <= end_, "read beyond what was appended");
  std::string bytes(span.size, '\0');
  if (!ReadAllAt(file_.get(), bytes, span.offset)) return Failed("read", errno == 0 ? EIO : errno);
  return bytes;
}

void SpoolFile::Release(SpoolSpan span) {
  FANMILL_CHECK(span.size <= live_bytes_ && span.offset + span.size <= end_,
                "released what was not appended");
  live_bytes_ -= span.size;
  if (live_bytes_ == 0) {
    if (end_ > 0 && ftruncate(file_.get(), 0) != 0) can_punch_ = false;  // overwritten then
    released_.Clear();
    end_ = punched_bytes_ = waiting_bytes_ = 0;
    return;
  }
  if (!can_punch_ || span.size == 0) return;
  released_.Add(span.offset, span.offset + span.size);
  waiting_bytes_ += span.size;
  if (waiting_bytes_ >= kPunchBytesMin) PunchHoles();
}

// What is left of a run at its two ends waits for its neighbours.
void SpoolFile::PunchHoles() {
  waiting_bytes_ = 0;
  std::vector<SpoolSpan> holes;
  for (const auto& [begin, end] : released_.ranges()) {
    const uint64_t from = RoundUp(begin);
    const uint64_t to = RoundDown(end);
    if (from < to) holes.push_back({from, to - from});
  }
  for (const SpoolSpan& hole : holes) {
    if (fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(hole.offset), static_cast<off_t>(hole.size)) != 0) {
      if (errno == EINTR) continue;  // the next time
      can_punch_ = false;
      released_.Clear();
      return;
    }
    punched_bytes_ += hole.size;
    released_.Remove(hole.offset, hole.offset + hole.size);
  }
}

absl::Status SpoolFile::Create() {
  FileDescriptor file = OpenUnnamed(directory_);
  if (file.get() < 0) return Failed("make", errno);
  file_ = std::move(file);
  return absl::OkStatus();
}

absl::Status SpoolFile::Failed(const char* what, int error) const {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  const char* what_to_do = full             ? "; make room there"
                           : error == EROFS ? "; choose a place that can be written"
                                            : "";
  return absl::UnavailableError(fmt::format("could not {} a file for waiting outputs in {}: {}{}",
                                            what, directory_, ErrorText(error), what_to_do));
}

}  // namespace fanmill
