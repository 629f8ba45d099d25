#include "controller/run/sudden_death.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fanmill::cli {
namespace {

constexpr size_t kTasksNamedMax = 10;

std::string CauseOf(int status) {
  if (!WIFSIGNALED(status)) return "one of its own processes was killed";
  const char* name = sigabbrev_np(WTERMSIG(status));
  return absl::StrCat("killed by signal ", WTERMSIG(status),
                      name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
}

// "tasks 2, 7 and 9 more", from 1.
std::string Ran(const SlotTable& table) {
  std::vector<uint64_t> tasks;
  for (const SlotEntry& entry : table.Started()) tasks.push_back(entry.task + 1);
  if (tasks.empty()) return "no task";
  std::sort(tasks.begin(), tasks.end());
  const size_t named = std::min(tasks.size(), kTasksNamedMax);
  return absl::StrCat(
      tasks.size() == 1 ? "task " : "tasks ",
      absl::StrJoin(tasks.begin(), tasks.begin() + static_cast<ptrdiff_t>(named), ", "),
      named < tasks.size() ? absl::StrCat(" and ", tasks.size() - named, " more") : "");
}

}  // namespace

std::string WordsOfDeath(const Death& death, const SlotTable& table) {
  const bool guardian_died =
      WIFEXITED(death.status) && WEXITSTATUS(death.status) == kGuardianDiedCode;
  if (!WIFSIGNALED(death.status) && !guardian_died) return "";
  return absl::StrCat(
      CauseOf(death.status), " while ", Ran(table),
      " ran: by one of these, from outside, or because memory ran out; ",
      death.left_over == 0
          ? "nothing of them is left"
          : absl::StrCat(death.left_over, " of their processes could not be killed"));
}

}  // namespace fanmill::cli
