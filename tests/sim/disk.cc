#include "tests/sim/disk.h"

#include <algorithm>

#include "lib/core/check.h"

namespace fanmill::sim {
namespace {

constexpr uint64_t kRowBytes = 64;  // what a row costs beside its bytes

uint64_t BytesOf(const JournalRow& row) { return row.bytes.bytes.size() + kRowBytes; }

}  // namespace

void Disk::Write(const JournalWrite& write) {
  FANMILL_CHECK(write.sequence == rows_.size() + 1, "journal sequences must be contiguous");
  const bool is_frame = write.frame.owner != nullptr;
  rows_.push_back(JournalRow{write.sequence, write.batch, is_frame,
                             is_frame ? write.frame : Frame::Own(write.record)});
  bytes_ += BytesOf(rows_.back());
}

void Disk::Forget(uint32_t batch) {
  for (JournalRow& row : rows_) {
    if (row.batch != batch) continue;
    bytes_ -= BytesOf(row);
    row.batch = 0;  // nobody reads it any more
    row.bytes = {};
    bytes_ += BytesOf(row);
  }
}

// Never less than a quarter, nor enough above it for its owner to be content: R68.
uint64_t Disk::Room(uint64_t bytes_max) const {
  return std::max(bytes_max - std::min(bytes_, bytes_max), bytes_max / 4 - 1);
}

uint64_t Disk::Sync() {
  durable_ = rows_.size();
  return durable_;
}

void Disk::Crash(Random& random) {
  const uint64_t undurable = rows_.size() - durable_;
  rows_.resize(durable_ + (undurable == 0 ? 0 : random.Uniform(undurable + 1)));
  bytes_ = 0;
  for (const JournalRow& row : rows_) bytes_ += BytesOf(row);
  durable_ = rows_.size();
}

std::vector<JournalRow> Disk::Durable() const {
  return {rows_.begin(), rows_.begin() + static_cast<int64_t>(durable_)};
}

JournalRows Disk::Read(const JournalRead& read) const {
  JournalRows answer{read.token, {}, read.from};
  uint64_t bytes = 0;
  for (uint64_t sequence = std::max<uint64_t>(read.from, 1); sequence <= durable_; ++sequence) {
    const JournalRow& row = rows_[sequence - 1];
    if (row.batch != read.batch) {
      answer.next = sequence + 1;
      continue;
    }
    if (!answer.rows.empty() && bytes + row.bytes.bytes.size() > read.max_bytes) break;
    bytes += row.bytes.bytes.size();
    answer.rows.push_back(row);
    answer.next = sequence + 1;
  }
  return answer;
}

}  // namespace fanmill::sim
