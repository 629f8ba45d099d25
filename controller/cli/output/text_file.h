// TextFile: a file that is written from its beginning, through a buffer.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_FILE_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/io/file.h"

namespace fanmill::cli {

// "could not write PATH: no space left on device; make room there", kUnavailable.
absl::Status CouldNotWrite(const std::string& path, int error);

class TextFile {
 public:
  enum class IfThere { kEmptyIt, kRefuse };

  static absl::StatusOr<TextFile> Create(std::string path, IfThere if_there);

  absl::Status Append(std::string_view text);
  absl::Status Flush();

 private:
  TextFile(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  FileDescriptor file_;
  std::string buffer_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_TEXT_FILE_H_
