// Segments: bytes too large for a database, in append-only files beside it: DIRECTORY/000001, ...
// Whoever owns them keeps in a transaction where each lies; a file ends where the last committed
// bytes end, and goes when nothing in it is wanted any more. Not thread-safe.
//
//   Append, Append, ... --Sync--> the owner commits --> Settle: what was dropped makes room
//                             +-> or takes it back --> Rollback: the bytes are cut off again
#ifndef FANMILL_LIB_IO_SEGMENTS_H_
#define FANMILL_LIB_IO_SEGMENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/io/file.h"

namespace fanmill {

// A file that reached this takes no more; one piece may be larger.
inline constexpr uint64_t kSegmentBytesMax = uint64_t{64} << 20;

struct SegmentSpan {
  uint64_t segment = 0;  // from 1
  uint64_t offset = 0;
  uint64_t size = 0;
};

class Segments {
 public:
  explicit Segments(std::string directory) : directory_(std::move(directory)) {}

  // What lives in them, as the owner's transactions have it; once, before anything else. Files that
  // nobody knows, and bytes behind the last known ones, are what a crash left: they go.
  absl::Status Recover(const std::vector<SegmentSpan>& spans);

  // kResourceExhausted: the disk is full. kUnavailable: it fails. Nothing was appended.
  absl::StatusOr<SegmentSpan> Append(std::string_view bytes);
  // All that was appended survives a crash of the machine. Not to be tried again after an error:
  // what was written may be gone.
  absl::Status Sync();
  // kDataLoss: the file is not there, or too short.
  absl::StatusOr<std::string> Read(const SegmentSpan& span) const;
  void Drop(const SegmentSpan& span) { dropped_.push_back(span); }

  void Settle();
  void Rollback();

  uint64_t live_bytes() const { return live_bytes_; }  // what was dropped counts until Settle

 private:
  struct Segment {
    FileDescriptor file;
    uint64_t end = 0;
    uint64_t live = 0;
    bool unsynced = false;
  };
  std::string PathOf(uint64_t segment) const;
  absl::StatusOr<Segment*> Writable();
  absl::Status Adopt(uint64_t segment, uint64_t end);
  absl::Status RemoveUnknown() const;
  absl::Status Failed(const char* what, const std::string& path, int error) const;
  void PunchOut(Segment& segment, const SegmentSpan& span) const;

  std::string directory_;
  std::map<uint64_t, Segment> segments_;
  uint64_t newest_ = 0;
  std::vector<SegmentSpan> appended_;  // since the last Settle or Rollback
  std::vector<SegmentSpan> dropped_;
  bool directory_unsynced_ = false;
  uint64_t live_bytes_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_SEGMENTS_H_
