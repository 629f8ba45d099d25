#include "controller/cli/output/text_file.h"

#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/printable.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr size_t kBufferBytesMax = 64 << 10;
constexpr size_t kPathShownBytesMax = 300;

}  // namespace

absl::Status CouldNotWrite(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  const char* what_to_do = full                                ? "; make room there"
                           : error == EROFS || error == EACCES ? "; choose a place that can be "
                                                                 "written"
                                                               : "";
  return absl::UnavailableError(absl::StrCat(
      "could not write ", Printable(path, kPathShownBytesMax), ": ", ErrorText(error), what_to_do));
}

absl::StatusOr<TextFile> TextFile::Create(std::string path, IfThere if_there) {
  const int how = if_there == IfThere::kRefuse ? O_EXCL : O_TRUNC;
  FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666));
  if (file.get() < 0) return CouldNotWrite(path, errno);
  return TextFile(std::move(path), std::move(file));
}

absl::Status TextFile::Append(std::string_view text) {
  buffer_.append(text);
  return buffer_.size() < kBufferBytesMax ? absl::OkStatus() : Flush();
}

absl::Status TextFile::Flush() {
  const bool written = WriteAll(file_.get(), buffer_);
  buffer_.clear();
  return written ? absl::OkStatus() : CouldNotWrite(path_, errno);
}

}  // namespace fanmill::cli
