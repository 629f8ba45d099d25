// ResultPrinter: results to stdout and stderr, as the tasks wrote them or as lines of JSON.
#ifndef FANMILL_CONTROLLER_CLI_RESULT_PRINTER_H_
#define FANMILL_CONTROLLER_CLI_RESULT_PRINTER_H_

#include <string>

#include "absl/status/status.h"
#include "lib/client/result_reader.h"

namespace fanmill::cli {

// One JSON object on one line, newline included. Bytes that are not UTF-8 show as U+FFFD.
std::string JsonLine(const client::Result& result);

class ResultPrinter {
 public:
  explicit ResultPrinter(bool json) : json_(json) {}

  // NobodyReads, or kUnavailable: stdout cannot be written. The same of Flush.
  absl::Status Print(client::Result& result);
  // What was printed is seen now.
  absl::Status Flush();

 private:
  absl::Status PrintRaw(const client::Result& result);

  bool json_;
  client::Result parts_;  // json: what came so far of a large output
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_RESULT_PRINTER_H_
