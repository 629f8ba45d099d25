#include "controller/cli/stdout.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/progress.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

absl::Status OutputError(int error) {
  if (error == EPIPE) return NobodyReads();
  return absl::UnavailableError(absl::StrCat("cannot write the output: ", ErrorText(error)));
}

std::atomic<bool> unflushed{false};  // something was written and not flushed since

// Into a pipe one may wait for long; and nothing there is in the way of the line.
std::unique_lock<std::mutex> AboveProgressWherePrinted() {
  static const bool terminal = isatty(STDOUT_FILENO) != 0;
  return terminal ? AboveProgress() : std::unique_lock<std::mutex>();
}

}  // namespace

absl::Status NobodyReads() { return absl::AbortedError("nobody reads the output any more"); }

absl::Status WriteStdout(const std::string& bytes) {
  if (bytes.empty()) return absl::OkStatus();
  const auto above = AboveProgressWherePrinted();
  unflushed = true;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
  return written ? absl::OkStatus() : OutputError(errno);
}

absl::Status FlushStdout() {
  if (!unflushed.exchange(false)) return absl::OkStatus();  // or the line would flicker
  const auto above = AboveProgressWherePrinted();
  return std::fflush(stdout) == 0 ? absl::OkStatus() : OutputError(errno);
}

absl::Status WriteStderr(const std::string& bytes) {
  const auto above = AboveProgress();
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stderr) == bytes.size();
  return written ? absl::OkStatus() : OutputError(errno);
}

int PrintOut(const std::string& text) {
  absl::Status printed = WriteStdout(text);
  if (printed.ok()) printed = FlushStdout();
  return printed.ok() ? kExitOk : Complain(printed);
}

}  // namespace fanmill::cli
