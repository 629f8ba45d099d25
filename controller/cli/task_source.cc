#include "controller/cli/task_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/line_reader.h"
#include "lib/core/duration_text.h"
#include "lib/core/printable.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr Duration kPauseOfWriter = Millis(20);  // what it wrote before goes out meanwhile
constexpr size_t kValueShownBytesMax = 40;
constexpr size_t kMicrosDigitsMax = 15;

absl::StatusOr<FileDescriptor> OpenFile(const std::string& path) {
  const auto failed = [&path](const std::string& why) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", why));
  };
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(ErrorText(errno));
  struct stat status = {};
  if (fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return failed("it is a directory, and each line of a file is one task");
  }
  return file;
}

}  // namespace

absl::StatusOr<std::string> SleepValue(std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() <= kMicrosDigitsMax) return std::string(text);
  if (!digits && !text.empty() && std::string_view("smh").find(text.back()) != text.npos) {
    if (const std::optional<Duration> duration = ParseDuration(text)) {
      return absl::StrCat(duration->count());
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", Printable(text, kValueShownBytesMax),
                   "' is not how long to sleep: --handler sleep takes "
                   "microseconds (1500), or a duration (50ms, 1.5s, 2m)"));
}

absl::StatusOr<TaskSource> TaskSource::Open(const BatchOptions& options) {
  TaskSource source;
  source.sleep_ = options.handler == "sleep";
  if (!options.array.empty()) {
    absl::StatusOr<ArrayRange> range = ParseArray(options.array);
    if (!range.ok()) return range.status();
    source.range_ = *range;
    return source;
  }
  if (options.file.empty() || options.file == "-") {
    source.name_ = "stdin";
    if (isatty(STDIN_FILENO) != 0) {
      Say("reading tasks from the terminal, one per line; Ctrl-D ends them");
    }
    return source;
  }
  absl::StatusOr<FileDescriptor> file = OpenFile(options.file);
  if (!file.ok()) return file.status();
  source.file_ = *std::move(file);
  source.name_ = options.file;
  return source;
}

absl::Status TaskSource::AddTo(client::BatchWriter& writer,
                               const std::function<bool()>& interrupted) {
  if (range_.has_value()) return writer.AddRange(range_->first, range_->step, range_->count);
  absl::Status added = AddLines(writer, interrupted);
  if (added.ok() && writer.added() == 0) {
    Say(absl::StrCat("there are no tasks: ", name_, " has no lines"));
  }
  return added;
}

absl::Status TaskSource::AddLines(client::BatchWriter& writer,
                                  const std::function<bool()>& interrupted) {
  LineReader lines(file_.get() < 0 ? STDIN_FILENO : file_.get(), name_);
  std::string_view line;
  while (!interrupted()) {
    absl::StatusOr<LineReader::Got> got = lines.Next(kPauseOfWriter, line);
    if (!got.ok()) return got.status();
    if (*got == LineReader::Got::kEnd) return absl::OkStatus();
    absl::Status added;
    if (*got == LineReader::Got::kNothingYet) {
      added = writer.Flush();
    } else if (!sleep_) {
      added = writer.Add(line);
    } else {
      absl::StatusOr<std::string> value = SleepValue(line);
      if (!value.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("line ", lines.lines(), " of ", name_, ": ", value.status().message()));
      }
      added = writer.Add(*value);
    }
    if (!added.ok()) return added;
  }
  return absl::CancelledError("interrupted");
}

}  // namespace fanmill::cli
