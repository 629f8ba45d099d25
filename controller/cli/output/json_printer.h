// JsonPrinter: each task as one JSON object on one line of stdout. An output of any size becomes
// one string, of which only a piece is in memory.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_JSON_PRINTER_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_JSON_PRINTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "controller/cli/output/stage.h"
#include "controller/cli/output/task_words.h"
#include "controller/cli/output/text_store.h"

namespace fanmill::cli {

class JsonPrinter final : public Stage {
 public:
  static constexpr uint64_t kPartsInMemoryBytesMax = 8 << 20;

  // `words` outlives it. `directory`: of the file for larger outputs, until their task has ended.
  JsonPrinter(const TaskWords& words, std::string directory)
      : words_(words), store_(std::move(directory), kPartsInMemoryBytesMax) {}

  absl::Status Take(const client::Result& result, const std::string* payload) override;
  absl::Status Flush() override;

 private:
  struct Stream {
    const char* key;
    std::vector<TextStore::Text> parts = {};  // of the task that is coming
  };

  absl::Status PrintStream(Stream& stream, const std::string& rest);

  const TaskWords& words_;
  TextStore store_;
  Stream out_{"stdout"};
  Stream err_{"stderr"};
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_JSON_PRINTER_H_
