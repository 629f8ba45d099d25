#include "controller/cli/result_printer.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/stdout.h"

namespace fanmill::cli {

std::string JsonLine(const client::Result& result) {
  nlohmann::ordered_json line;
  line["task"] = result.task + 1;
  line["status"] = result.status;
  line["code"] = result.code;
  line["run_s"] = static_cast<double>(result.run.count()) / 1e6;
  line["worker"] = result.worker;
  line["attempt"] = result.attempt;
  if (!result.value.empty()) line["value"] = result.value;
  line["stdout"] = result.out;
  line["stderr"] = result.err;
  if (result.dropped > 0) line["dropped_bytes"] = result.dropped;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

absl::Status ResultPrinter::Print(client::Result& result) {
  if (!json_) return PrintRaw(result);
  if (result.part) {
    (result.is_stderr ? parts_.err : parts_.out) += result.text;
    return absl::OkStatus();
  }
  if (result.out.empty()) result.out = std::move(parts_.out);
  if (result.err.empty()) result.err = std::move(parts_.err);
  parts_ = {};
  return WriteStdout(JsonLine(result));
}

absl::Status ResultPrinter::PrintRaw(const client::Result& result) {
  // That is Fanmill's word and no output; it stands among the failures, once for each cause.
  if (result.status == "not_started") return absl::OkStatus();
  const std::string& out = result.part && !result.is_stderr ? result.text : result.out;
  const std::string& err = result.part && result.is_stderr ? result.text : result.err;
  if (absl::Status written = WriteStdout(out); !written.ok()) return written;
  if (!err.empty()) {
    // On one terminal, a task's stdout is seen before its stderr.
    if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
    std::fwrite(err.data(), 1, err.size(), stderr);
  }
  if (result.dropped > 0) {
    Say(absl::StrCat("task ", result.task + 1, ": ", result.dropped,
                     " bytes of its output were not kept: beyond the limit, or no room on disk"));
  }
  return absl::OkStatus();
}

absl::Status ResultPrinter::Flush() { return FlushStdout(); }

}  // namespace fanmill::cli
