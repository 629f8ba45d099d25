#include "lib/io/segments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "lib/core/check.h"
#include "lib/io/process.h"

namespace fanmill {

std::string Segments::PathOf(uint64_t segment) const {
  return fmt::format("{}/{:06}", directory_, segment);
}

absl::Status Segments::Failed(const char* what, const std::string& path, int error) const {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  const auto code = full              ? absl::StatusCode::kResourceExhausted
                    : error == ENOENT ? absl::StatusCode::kDataLoss
                                      : absl::StatusCode::kUnavailable;
  const char* advice = full ? "; make room on that disk"
                            : "; see that the disk works and that the file may be written";
  return absl::Status(code,
                      fmt::format("cannot {} {}: {}{}", what, path, ErrorText(error), advice));
}

// ---- Start --------------------------------------------------------------------------------------

absl::Status Segments::Recover(const std::vector<SegmentSpan>& spans) {
  std::map<uint64_t, uint64_t> ends;
  for (const SegmentSpan& span : spans) {
    uint64_t& end = ends[span.segment];
    end = std::max(end, span.offset + span.size);
  }
  for (const auto& [segment, end] : ends) {
    if (absl::Status adopted = Adopt(segment, end); !adopted.ok()) return adopted;
  }
  for (const SegmentSpan& span : spans) {
    segments_[span.segment].live += span.size;
    live_bytes_ += span.size;
  }
  return RemoveUnknown();
}

// One that is missing is no error: its bytes are found missing when they are read.
absl::Status Segments::Adopt(uint64_t number, uint64_t end) {
  Segment& segment = segments_[number];
  newest_ = std::max(newest_, number);
  segment.end = end;
  segment.file =
      FileDescriptor(open(PathOf(number).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat status = {};
  if (segment.file.get() < 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed("open", PathOf(number), errno);
  }
  if (fstat(segment.file.get(), &status) == 0 && static_cast<uint64_t>(status.st_size) > end &&
      ftruncate(segment.file.get(), static_cast<off_t>(end)) != 0) {
    return Failed("cut", PathOf(number), errno);
  }
  return absl::OkStatus();
}

absl::Status Segments::RemoveUnknown() const {
  std::error_code error;
  std::filesystem::directory_iterator files(directory_, error);
  if (error == std::errc::no_such_file_or_directory) return absl::OkStatus();
  if (error) return Failed("list", directory_, error.value());
  for (const auto& entry : files) {
    const std::string name = entry.path().filename();
    const bool known = std::any_of(segments_.begin(), segments_.end(), [&](const auto& segment) {
      return fmt::format("{:06}", segment.first) == name;
    });
    if (!known && unlink(entry.path().c_str()) != 0) return Failed("remove", entry.path(), errno);
  }
  return absl::OkStatus();
}

// ---- Writing ------------------------------------------------------------------------------------

absl::StatusOr<Segments::Segment*> Segments::Writable() {
  if (const auto newest = segments_.find(newest_); newest != segments_.end()) {
    Segment& segment = newest->second;
    if (segment.file.get() >= 0 && segment.end < kSegmentBytesMax) return &segment;
  }
  if (mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) {
    return Failed("make", directory_, errno);
  }
  const std::string path = PathOf(newest_ + 1);
  FileDescriptor file(
      open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0) return Failed("make", path, errno);
  directory_unsynced_ = true;
  Segment& segment = segments_[++newest_];
  segment.file = std::move(file);
  return &segment;
}

absl::StatusOr<SegmentSpan> Segments::Append(std::string_view bytes) {
  const absl::StatusOr<Segment*> writable = Writable();
  if (!writable.ok()) return writable.status();
  Segment& segment = **writable;
  if (!WriteAllAt(segment.file.get(), bytes, segment.end)) {
    const int error = errno;
    (void)!ftruncate(segment.file.get(), static_cast<off_t>(segment.end));
    return Failed("write", PathOf(newest_), error);
  }
  const SegmentSpan span{newest_, segment.end, bytes.size()};
  segment.end += bytes.size();
  segment.live += bytes.size();
  segment.unsynced = true;
  live_bytes_ += bytes.size();
  appended_.push_back(span);
  return span;
}

absl::Status Segments::Sync() {
  for (auto& [number, segment] : segments_) {
    if (!std::exchange(segment.unsynced, false)) continue;
    if (fdatasync(segment.file.get()) != 0) {
      return absl::UnavailableError(Failed("sync", PathOf(number), errno).message());
    }
  }
  if (!std::exchange(directory_unsynced_, false)) return absl::OkStatus();
  const std::string parent = std::filesystem::path(directory_).parent_path();
  for (const std::string& path : {directory_, parent.empty() ? "." : parent}) {
    const FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 || fsync(folder.get()) != 0) {
      return absl::UnavailableError(Failed("sync", path, errno).message());
    }
  }
  return absl::OkStatus();
}

void Segments::Settle() {
  appended_.clear();
  for (const SegmentSpan& span : std::exchange(dropped_, {})) {
    live_bytes_ -= span.size;
    Segment& segment = segments_[span.segment];
    segment.live -= span.size;
    if (segment.live > 0) {
      PunchOut(segment, span);
      continue;
    }
    // Also the newest: what comes next begins another.
    unlink(PathOf(span.segment).c_str());
    segments_.erase(span.segment);
  }
}

void Segments::Rollback() {
  dropped_.clear();
  std::reverse(appended_.begin(), appended_.end());
  for (const SegmentSpan& span : std::exchange(appended_, {})) {
    Segment& segment = segments_[span.segment];
    segment.end = span.offset;
    segment.live -= span.size;
    live_bytes_ -= span.size;
    (void)!ftruncate(segment.file.get(), static_cast<off_t>(segment.end));
  }
}

// So that its room is free at once. Where the file system cannot, it is when the file goes.
void Segments::PunchOut(Segment& segment, const SegmentSpan& span) const {
  if (segment.file.get() < 0) return;
  (void)fallocate(segment.file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(span.offset), static_cast<off_t>(span.size));
}

// ---- Reading ------------------------------------------------------------------------------------

absl::StatusOr<std::string> Segments::Read(const SegmentSpan& span) const {
  const auto found = segments_.find(span.segment);
  if (found == segments_.end() || found->second.file.get() < 0) {
    return Failed("read", PathOf(span.segment), ENOENT);
  }
  std::string bytes(span.size, '\0');
  if (ReadAllAt(found->second.file.get(), bytes, span.offset)) return bytes;
  return errno == 0 ? absl::DataLossError(PathOf(span.segment) + " is too short")
                    : Failed("read", PathOf(span.segment), errno);
}

}  // namespace fanmill
