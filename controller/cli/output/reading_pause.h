// ReadingPause: when results are read, while the output is full.
//
// As long as none are, the sink fills up, so that no more tasks are handed out, until the one for
// which all others wait has ended. Whether its result is among those that were not read cannot be
// seen: what is there is read as soon as nothing runs any more. Pure.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_READING_PAUSE_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_READING_PAUSE_H_

#include <cstdint>
#include <optional>

#include "lib/core/instant.h"

namespace fanmill::cli {

class ReadingPause {
 public:
  // Where it cannot be seen what runs, or of which batch, a little is read so often.
  static constexpr Duration kReadOnAfter = Seconds(30);

  // What the controller knows of the batch.
  struct Seen {
    bool runs = false;   // something may be running
    uint64_t ended = 0;  // tasks
  };

  // The end of a task was read.
  void OnTaken() { ++taken_; }
  // The output is not full, or not any longer.
  void OnRoom() { since_.reset(), read_until_ = 0; }
  // The output is full. Nothing was seen: the controller did not answer.
  void OnFull(Instant now, std::optional<Seen> seen);

  // Whether one more may be read, though the output is full.
  bool ReadsOn() const { return taken_ < read_until_; }

 private:
  uint64_t taken_ = 0;
  uint64_t read_until_ = 0;       // so many
  std::optional<Instant> since_;  // it pauses, or last read a little
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_READING_PAUSE_H_
