#include "controller/cli/failures.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kErrorShownBytesMax = 160;

// What most often says why: the last line that is not empty.
std::string_view LastLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  const size_t newline = text.rfind('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

std::string CauseOf(const client::Result& result) {
  std::string text;
  if (result.status == "failed") {
    text = absl::StrCat("exit code ", result.code);
  } else if (result.status == "signalled") {
    const char* name = sigabbrev_np(result.code);
    text = absl::StrCat("ended by signal ", result.code,
                        name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
  } else if (result.status == "timed_out") {
    text = "stopped at its --timeout";
  } else if (result.status == "not_started") {
    text = "could not be started";
  } else if (result.status == "lost") {
    text = "given up: workers died or vanished while they ran it";
  } else {
    text = result.status;
  }
  if (result.attempt > 1) absl::StrAppend(&text, ", at attempt ", result.attempt);
  const std::string_view said = LastLine(result.err);
  if (!said.empty()) absl::StrAppend(&text, ": ", Printable(said, kErrorShownBytesMax));
  return text;
}

// "3, 5-7" of ascending numbers, from 1.
std::string Numbers(const std::vector<uint64_t>& tasks) {
  std::string text;
  for (size_t i = 0; i < tasks.size();) {
    size_t last = i;
    while (last + 1 < tasks.size() && tasks[last + 1] == tasks[last] + 1) ++last;
    absl::StrAppend(&text, text.empty() ? "" : ", ", tasks[i] + 1);
    if (last > i) absl::StrAppend(&text, last == i + 1 ? ", " : "-", tasks[last] + 1);
    i = last + 1;
  }
  return text;
}

}  // namespace

void Failures::Add(const client::Result& result) {
  if (shown_ == kFailuresShownMax) return;
  ++shown_;
  const std::string text = CauseOf(result);
  auto cause = std::find_if(causes_.begin(), causes_.end(),
                            [&text](const Cause& known) { return known.text == text; });
  if (cause == causes_.end()) cause = causes_.insert(cause, Cause{text, {}});
  cause->tasks.insert(std::upper_bound(cause->tasks.begin(), cause->tasks.end(), result.task),
                      result.task);
}

std::vector<std::string> Failures::Lines() const {
  std::vector<std::string> lines;
  for (const Cause& cause : causes_) {
    lines.push_back(absl::StrCat(cause.tasks.size() == 1 ? "task " : "tasks ", Numbers(cause.tasks),
                                 ": ", cause.text));
  }
  return lines;
}

}  // namespace fanmill::cli
