// TextStore: texts that wait, in memory up to a limit, and beyond it in a nameless file.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_STORE_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_STORE_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/io/spool_file.h"

namespace fanmill::cli {

class TextStore {
 public:
  struct Text {
    std::string bytes;  // unless it is in the file:
    SpoolSpan span;
  };

  // The file, if it comes to one, is in `directory`.
  TextStore(std::string directory, uint64_t memory_bytes_max)
      : memory_bytes_max_(memory_bytes_max), spool_(std::move(directory)) {}

  // kUnavailable: there is no more room in memory, and the file could not take it.
  absl::StatusOr<Text> Put(std::string bytes);
  // Gives the text back and up, once.
  absl::StatusOr<std::string> Take(Text text);

  uint64_t memory_bytes() const { return memory_bytes_; }
  uint64_t disk_bytes() const { return spool_.disk_bytes(); }

 private:
  uint64_t memory_bytes_max_;
  uint64_t memory_bytes_ = 0;
  SpoolFile spool_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_STORE_H_
