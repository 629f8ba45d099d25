#include "controller/cli/output/failures.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/output/one_line_command.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kErrorShownBytesMax = 160;
constexpr size_t kCommandShownBytesMax = 2000;

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
    text = "given up";
  } else {
    text = result.status;
  }
  if (result.attempt > 1 && result.status != "lost")
    absl::StrAppend(&text, ", at attempt ", result.attempt);
  const std::string_view said = LastLine(result.err);
  if (!said.empty()) absl::StrAppend(&text, ": ", Printable(said, kErrorShownBytesMax));
  return text;
}

// "3, 5-7" of ascending numbers, from 1.
std::string Numbers(const std::map<uint64_t, std::string>& tasks) {
  std::string text;
  for (auto task = tasks.begin(); task != tasks.end();) {
    const uint64_t first = task->first;
    uint64_t last = first;
    for (++task; task != tasks.end() && task->first == last + 1; ++task) ++last;
    absl::StrAppend(&text, text.empty() ? "" : ", ", first + 1);
    if (last > first) absl::StrAppend(&text, last == first + 1 ? ", " : "-", last + 1);
  }
  return text;
}

std::string Shown(const std::string& command) {
  std::string line = OneLineCommand(command);
  if (line.size() <= kCommandShownBytesMax) return line;
  return Printable(line, kCommandShownBytesMax);  // marked as cut
}

}  // namespace

void Failures::Add(const client::Result& result, const std::string& command) {
  if (full()) return;
  ++shown_;
  const std::string text = CauseOf(result);
  auto cause = std::find_if(causes_.begin(), causes_.end(),
                            [&text](const Cause& known) { return known.text == text; });
  if (cause == causes_.end()) cause = causes_.insert(cause, Cause{text, {}});
  cause->tasks[result.task] = Shown(command);
}

std::vector<FailureGroup> Failures::Groups() const {
  std::vector<FailureGroup> groups;
  for (const Cause& cause : causes_) {
    FailureGroup group;
    group.text = absl::StrCat(cause.tasks.size() == 1 ? "task " : "tasks ", Numbers(cause.tasks),
                              ": ", cause.text);
    for (const auto& [task, command] : cause.tasks) {
      if (!command.empty()) group.commands.push_back(command);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace fanmill::cli
