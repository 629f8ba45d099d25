// A disk that survives its process: what was written and not yet durable is lost at a crash, but
// for a prefix that happened to reach it. A disk of limited size tells how much room it has, and
// grows by itself before there is too little for a row.
#ifndef FANMILL_TESTS_SIM_DISK_H_
#define FANMILL_TESTS_SIM_DISK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lib/core/message.h"
#include "lib/core/random.h"

namespace fanmill::sim {

class Disk {
 public:
  // REQUIRES: the sequence follows the last one.
  void Write(const JournalWrite& write);
  // Everything written so far is durable from now on; returns through which sequence.
  uint64_t Sync();
  void Crash(Random& random);
  void Forget(uint32_t batch);  // its rows may go

  std::vector<JournalRow> Durable() const;
  JournalRows Read(const JournalRead& read) const;
  const JournalRow& Row(uint64_t sequence) const { return rows_.at(sequence - 1); }
  uint64_t durable() const { return durable_; }
  // Of a disk that holds so many bytes.
  uint64_t Room(uint64_t bytes_max) const;

 private:
  std::vector<JournalRow> rows_;  // sequence i + 1 at i
  uint64_t durable_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_DISK_H_
