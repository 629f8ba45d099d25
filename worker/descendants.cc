#include "worker/descendants.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <optional>
#include <string>

#include "lib/core/check.h"

namespace fanmill {
namespace {

using Clock = std::chrono::steady_clock;

struct Kin {
  pid_t pid;
  pid_t parent;
};

std::optional<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  std::string text;
  char piece[4096];
  ssize_t n;
  while ((n = read(fd, piece, sizeof piece)) > 0) text.append(piece, static_cast<size_t>(n));
  close(fd);
  if (n < 0) return std::nullopt;
  return text;
}

std::vector<pid_t> NumbersIn(const std::string& folder) {
  std::vector<pid_t> numbers;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return numbers;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) numbers.push_back(number);
  }
  closedir(dir);
  return numbers;
}

struct Stat {
  char state = 'X';  // as in ps; X: gone
  pid_t parent = 0;
};

// From /proc/PID/stat: the two fields after the name, which ends at the last parenthesis and may
// hold anything.
Stat StatOf(pid_t pid) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return {};
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= text->size()) return {};
  Stat stat;
  stat.state = (*text)[name_end + 2];
  std::from_chars(text->data() + name_end + 4, text->data() + text->size(), stat.parent);
  return stat;
}

// The kernel lists children per thread; absent (nullopt) where it was built without that list.
std::optional<std::vector<pid_t>> ListedChildren(pid_t pid) {
  std::vector<pid_t> children;
  bool listed = false;
  const std::string folder = "/proc/" + std::to_string(pid) + "/task";
  for (pid_t thread : NumbersIn(folder)) {
    const auto text = ReadFile(folder + "/" + std::to_string(thread) + "/children");
    if (!text) continue;
    listed = true;
    const char* at = text->data();
    const char* const end = at + text->size();
    pid_t child = 0;
    for (auto next = std::from_chars(at, end, child); next.ec == std::errc();
         next = std::from_chars(at, end, child)) {
      children.push_back(child);
      at = std::min(next.ptr + 1, end);
    }
  }
  if (!listed) return std::nullopt;
  return children;
}

bool KernelListsChildren() {
  static const bool lists = ListedChildren(getpid()).has_value();
  return lists;
}

// For kernels without the list: everybody's parent, once per walk.
std::map<pid_t, std::vector<pid_t>> ScanChildren() {
  std::map<pid_t, std::vector<pid_t>> children;
  for (pid_t pid : NumbersIn("/proc")) children[StatOf(pid).parent].push_back(pid);
  return children;
}

// Visits all below root, each one's children being listed before it is visited itself, so that
// a visit which kills loses sight of nobody.
template <class Visit>
void Walk(pid_t root, Visit visit) {
  const bool lists = KernelListsChildren();
  const auto scanned = lists ? std::map<pid_t, std::vector<pid_t>>() : ScanChildren();
  std::vector<Kin> open;
  const auto push_children = [&](pid_t parent) {
    std::vector<pid_t> children;
    if (lists) {
      children = ListedChildren(parent).value_or(std::vector<pid_t>());
    } else if (const auto found = scanned.find(parent); found != scanned.end()) {
      children = found->second;
    }
    for (pid_t child : children) open.push_back({child, parent});
  };
  push_children(root);
  while (!open.empty()) {
    const Kin kin = open.back();
    open.pop_back();
    push_children(kin.pid);
    visit(kin);
  }
}

// The pid may have died and be another process by now: asks whose child it is while holding it, so
// that no stranger is ever killed. Invalid when it is gone.
FileDescriptor Hold(const Kin& kin) {
  FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, kin.pid, 0)));
  if (pidfd.get() < 0) return {};
  const pid_t parent = StatOf(kin.pid).parent;
  if (parent != kin.parent && parent != getpid()) return {};
  return pidfd;
}

void KillKin(const Kin& kin) {
  const FileDescriptor pidfd = Hold(kin);
  if (pidfd.get() >= 0) syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
}

// Takes in all that are dead now. False when there is no child left at all, dead or alive.
bool ReapDead(const std::function<void(pid_t, int)>& reaped) {
  while (true) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
    if (pid == 0) return true;
    if (pid < 0) return errno != ECHILD;
    if (reaped) reaped(pid, status);
  }
}

void WaitAMillisecond() { poll(nullptr, 0, 1); }

enum class Marked { kNo, kYes, kUnclear };

// Unclear: alive, and without any environment. It may be in the middle of an exec.
Marked HasAll(pid_t pid, const std::vector<std::string>& marks) {
  const auto environment = ReadFile("/proc/" + std::to_string(pid) + "/environ");
  if (!environment) return Marked::kNo;
  if (environment->empty()) {
    const char state = StatOf(pid).state;
    return state == 'Z' || state == 'X' ? Marked::kNo : Marked::kUnclear;
  }
  const std::string nul(1, '\0');
  const std::string entries = nul + *environment + nul;
  const bool all = std::ranges::all_of(marks, [&](const std::string& mark) {
    return entries.find(nul + mark + nul) != std::string::npos;
  });
  return all ? Marked::kYes : Marked::kNo;
}

// How often in a row the unclear are looked at again, a millisecond apart, before they are taken
// for processes that really have no environment.
constexpr int kUnclearLooksMax = 20;

}  // namespace

void BecomeSubreaper() { FANMILL_CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0); }

std::vector<pid_t> Descendants(pid_t root) {
  std::vector<pid_t> found;
  Walk(root, [&](const Kin& kin) { found.push_back(kin.pid); });
  return found;
}

int KillAllDescendants(const std::function<void(pid_t, int)>& reaped) {
  const auto give_up = Clock::now() + kKillTimeMax;
  while (true) {
    Walk(getpid(), KillKin);
    if (!ReapDead(reaped)) return 0;
    if (Clock::now() > give_up) return static_cast<int>(Descendants(getpid()).size());
    WaitAMillisecond();
  }
}

void HeldProcesses::AddDescendants(pid_t root) {
  Walk(root, [this](const Kin& kin) {
    if (pidfds_.size() >= kHeldMax) return;
    FileDescriptor pidfd = Hold(kin);
    if (pidfd.get() >= 0) pidfds_.push_back(std::move(pidfd));
  });
}

void HeldProcesses::Add(HeldProcesses other) {
  for (FileDescriptor& pidfd : other.pidfds_) pidfds_.push_back(std::move(pidfd));
}

int HeldProcesses::KillLiving() {
  std::erase_if(pidfds_, [](const FileDescriptor& pidfd) {
    pollfd dead{pidfd.get(), POLLIN, 0};
    if (poll(&dead, 1, 0) > 0) return true;
    syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
    return false;
  });
  return static_cast<int>(pidfds_.size());
}

Sweep::Sweep(std::vector<std::string> marks) : marks_(std::move(marks)) {}

bool Sweep::Pass() {
  if (give_up_ == Clock::time_point()) give_up_ = Clock::now() + kKillTimeMax;
  return (marks_.empty() ? PassAll() : PassMarked()) || Clock::now() > give_up_;
}

bool Sweep::PassAll() {
  left_ = 0;
  Walk(getpid(), [this](const Kin& kin) {
    ++left_;
    KillKin(kin);
  });
  if (ReapDead({})) return false;
  left_ = 0;
  return true;
}

bool Sweep::PassMarked() {
  int unclear = 0;
  left_ = held_.KillLiving();
  Walk(getpid(), [&](const Kin& kin) {
    const Marked marked = HasAll(kin.pid, marks_);
    if (marked == Marked::kUnclear) ++unclear;
    if (marked != Marked::kYes) return;
    ++left_;
    KillKin(kin);
  });
  unclear_looks_ = left_ == 0 && unclear > 0 ? unclear_looks_ + 1 : 0;
  return left_ == 0 && (unclear == 0 || unclear_looks_ > kUnclearLooksMax);
}

void ReapAdopted(const std::function<bool(pid_t)>& is_task) {
  while (true) {
    siginfo_t dead{};
    if (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) != 0 || dead.si_pid == 0) return;
    if (is_task(dead.si_pid)) return;  // first in the queue: whoever waits for it comes before us
    waitpid(dead.si_pid, nullptr, WNOHANG);
  }
}

}  // namespace fanmill
