#include "controller/cli/output/joblog.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "controller/cli/output/one_line_command.h"

namespace fanmill::cli {
namespace {

constexpr char kColumns[] =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
constexpr int kSigTerm = 15;

double InSeconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

// What GNU parallel logs in such a case; readers of the log ask whether both are 0.
std::pair<int, int> ExitvalAndSignal(const client::Result& result) {
  if (result.ok()) return {0, 0};
  if (result.status == "failed") return {result.code, 0};
  if (result.status == "signalled") return {0, result.code};
  if (result.status == "timed_out") return {-1, kSigTerm};
  if (result.status == "not_started") return {127, 0};  // as of a shell that finds no program
  return {-1, 0};
}

}  // namespace

Duration Joblog::SystemCalendar() {
  return std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
}

absl::StatusOr<std::unique_ptr<Joblog>> Joblog::Open(const std::string& path,
                                                     const TaskWords& words, Calendar now) {
  absl::StatusOr<TextFile> file = TextFile::Create(path, TextFile::IfThere::kEmptyIt);
  if (!file.ok()) return file.status();
  std::unique_ptr<Joblog> log(new Joblog(words, *std::move(file), std::move(now)));
  absl::Status begun = log->file_.Append(kColumns);
  if (begun.ok()) begun = log->Flush();
  if (!begun.ok()) return begun;
  return log;
}

absl::Status Joblog::Take(const client::Result& result, const std::string* payload) {
  if (result.part) {
    part_bytes_ += result.text.size();
    return absl::OkStatus();
  }
  const uint64_t received = std::exchange(part_bytes_, 0) + result.out.size() + result.err.size();
  // A result does not tell when its task began. It is told of soon after its end, so that this is
  // late by the time it was under way, and by as long as reading paused.
  const double started = InSeconds(now_() - result.run);
  const auto [exitval, signal] = ExitvalAndSignal(result);
  return file_.Append(absl::StrFormat(
      "%d\t%s\t%.3f\t%10.3f\t%d\t%d\t%d\t%d\t%s\n", result.task + 1,
      words_.host ? words_.host(result.worker) : ":", started, InSeconds(result.run),
      0,  // no files are sent
      received, exitval, signal, OneLineCommand(words_.CommandOf(result.task, payload))));
}

}  // namespace fanmill::cli
