#include "tests/sim/disk.h"

#include <algorithm>

#include "lib/core/check.h"

namespace fanmill::sim {

void Disk::Write(const JournalWrite& write) {
  FANMILL_CHECK(write.sequence == rows_.size() + 1, "journal sequences must be contiguous");
  const bool is_frame = write.frame.owner != nullptr;
  rows_.push_back(JournalRow{write.sequence, write.batch, is_frame,
                             is_frame ? write.frame : Frame::Own(write.record)});
}

uint64_t Disk::Sync() {
  durable_ = rows_.size();
  return durable_;
}

void Disk::Crash(Random& random) {
  const uint64_t undurable = rows_.size() - durable_;
  rows_.resize(durable_ + (undurable == 0 ? 0 : random.Uniform(undurable + 1)));
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
