#include "controller/cli/stdout.h"

#include <cerrno>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

absl::Status StdoutError(int error) {
  if (error == EPIPE) return NobodyReads();
  return absl::UnavailableError(absl::StrCat("cannot write the output: ", ErrorText(error)));
}

}  // namespace

absl::Status NobodyReads() { return absl::AbortedError("nobody reads the output any more"); }

absl::Status WriteStdout(const std::string& bytes) {
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size();
  return written ? absl::OkStatus() : StdoutError(errno);
}

absl::Status FlushStdout() {
  return std::fflush(stdout) == 0 ? absl::OkStatus() : StdoutError(errno);
}

int PrintOut(const std::string& text) {
  absl::Status printed = WriteStdout(text);
  if (printed.ok()) printed = FlushStdout();
  return printed.ok() ? kExitOk : Complain(printed);
}

}  // namespace fanmill::cli
