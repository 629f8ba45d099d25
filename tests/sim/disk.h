// A disk that survives its process: what was written and not yet durable is lost at a crash, but
// for a prefix that happened to reach it.
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

  std::vector<JournalRow> Durable() const;
  JournalRows Read(const JournalRead& read) const;
  const JournalRow& Row(uint64_t sequence) const { return rows_.at(sequence - 1); }
  uint64_t durable() const { return durable_; }

 private:
  std::vector<JournalRow> rows_;  // sequence i + 1 at i
  uint64_t durable_ = 0;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_DISK_H_
