#include "controller/cli/result_printer.h"

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

absl::Status StdoutError(int error) {
  if (error == EPIPE) return NobodyReads();
  return absl::UnavailableError(absl::StrCat("cannot write the output: ", ErrorText(error)));
}

absl::Status WriteStdout(const std::string& bytes) {
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
  return written ? absl::OkStatus() : StdoutError(errno);
}

}  // namespace

absl::Status NobodyReads() { return absl::AbortedError("nobody reads the output any more"); }

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
                     " bytes of its output were beyond the limit and not kept"));
  }
  return absl::OkStatus();
}

absl::Status ResultPrinter::Flush() {
  return std::fflush(stdout) == 0 ? absl::OkStatus() : StdoutError(errno);
}

}  // namespace fanmill::cli
