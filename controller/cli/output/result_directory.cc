#include "controller/cli/output/result_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "controller/cli/output/task_json.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr uint64_t kTasksPerFolder = 1000;
constexpr size_t kPathShownBytesMax = 300;

std::string FolderOf(uint64_t task) {
  return absl::StrFormat("%03d", (task + 1) / kTasksPerFolder);
}

absl::Status Refused(const std::string& path, const char* why) {
  return absl::InvalidArgumentError(
      absl::StrCat("--results ", Printable(path, kPathShownBytesMax), ": ", why));
}

absl::Status MakeEmptyDirectory(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    return Refused(path, "there is something of that name that is no directory");
  }
  if (!fs::exists(status)) fs::create_directories(path, error);
  if (error) return CouldNotWrite(path, error.value());
  const bool empty = fs::is_empty(path, error);
  if (error) return CouldNotWrite(path, error.value());
  if (empty) return absl::OkStatus();
  return Refused(path,
                 "the directory is not empty, and results of another run are never overwritten: "
                 "remove it, or name another");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResultDirectory>> ResultDirectory::Open(const std::string& path,
                                                                       const TaskWords& words) {
  if (absl::Status made = MakeEmptyDirectory(path); !made.ok()) return made;
  absl::StatusOr<TextFile> index =
      TextFile::Create(absl::StrCat(path, "/index.jsonl"), TextFile::IfThere::kRefuse);
  if (!index.ok()) return index.status();
  return std::unique_ptr<ResultDirectory>(new ResultDirectory(path, words, *std::move(index)));
}

absl::Status ResultDirectory::Take(const client::Result& result, const std::string* payload) {
  if (out_.get() < 0 || task_ != result.task) {
    if (absl::Status opened = OpenFiles(result.task); !opened.ok()) return opened;
  }
  if (result.part) return Write(result.is_stderr, result.text);
  absl::Status written = Write(false, result.out);
  if (written.ok()) written = Write(true, result.err);
  if (!written.ok()) return written;
  out_ = FileDescriptor();
  err_ = FileDescriptor();
  std::string line =
      absl::StrCat(JsonHead(result, payload, words_), ",\"stdout\":\"", NameOf(result.task, ".out"),
                   "\",\"stderr\":\"", NameOf(result.task, ".err"), "\"");
  if (result.dropped > 0) absl::StrAppend(&line, ",\"dropped_bytes\":", result.dropped);
  return index_.Append(line + "}\n");
}

absl::Status ResultDirectory::OpenFiles(uint64_t task) {
  task_ = task;
  if (const std::string folder = FolderOf(task); folder != folder_) {
    const std::string path = absl::StrCat(path_, "/", folder);
    if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) return CouldNotWrite(path, errno);
    folder_ = folder;
  }
  for (const bool is_stderr : {false, true}) {
    const std::string path = absl::StrCat(path_, "/", NameOf(task, is_stderr ? ".err" : ".out"));
    FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.get() < 0) return CouldNotWrite(path, errno);
    (is_stderr ? err_ : out_) = std::move(file);
  }
  return absl::OkStatus();
}

absl::Status ResultDirectory::Write(bool to_stderr, std::string_view text) {
  if (WriteAll((to_stderr ? err_ : out_).get(), text)) return absl::OkStatus();
  return CouldNotWrite(absl::StrCat(path_, "/", NameOf(task_, to_stderr ? ".err" : ".out")), errno);
}

std::string ResultDirectory::NameOf(uint64_t task, const char* extension) const {
  return absl::StrFormat("%s/%06d%s", FolderOf(task), task + 1, extension);
}

}  // namespace fanmill::cli
