#include "worker/kin.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace fanmill {
namespace {

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

// Of one walk, where parents go on dying.
constexpr int kRoundsMax = 64;

// The fields of /proc/PID/stat behind the name, counted as proc(5) does.
constexpr int kStateField = 3;
constexpr int kParentField = 4;
constexpr int kBeganField = 22;

}  // namespace

// The name, which may hold anything, ends at the last parenthesis.
Stat StatOf(pid_t pid) {
  const auto text = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return {};
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= text->size()) return {};
  Stat stat;
  stat.state = (*text)[name_end + 2];
  const char* const end = text->data() + text->size();
  const char* at = text->data() + name_end + 2;
  for (int field = kStateField; at < end; ++field) {
    if (field == kParentField) std::from_chars(at, end, stat.parent);
    if (field == kBeganField) std::from_chars(at, end, stat.began);
    if (field == kBeganField) break;
    at = std::find(at, end, ' ') + 1;
  }
  return stat;
}

std::optional<std::string> EnvironmentOf(pid_t pid) {
  return ReadFile("/proc/" + std::to_string(pid) + "/environ");
}

void WalkKin(pid_t root, const std::function<void(const Kin&)>& visit) {
  const bool lists = KernelListsChildren();
  const auto scanned = lists ? std::map<pid_t, std::vector<pid_t>>() : ScanChildren();
  std::vector<Kin> open;
  std::set<pid_t> seen;
  const auto push_children = [&](pid_t parent) {
    std::vector<pid_t> children;
    if (lists) {
      children = ListedChildren(parent).value_or(std::vector<pid_t>());
    } else if (const auto found = scanned.find(parent); found != scanned.end()) {
      children = found->second;
    }
    for (pid_t child : children) {
      if (seen.insert(child).second) open.push_back({child, parent});
    }
  };
  // Again while there are new ones: whose parent died before its children were looked at has become
  // a child of the root.
  push_children(root);
  for (int round = 0; !open.empty() && round < kRoundsMax; ++round, push_children(root)) {
    while (!open.empty()) {
      const Kin kin = open.back();
      open.pop_back();
      push_children(kin.pid);
      visit(kin);
    }
  }
}

FileDescriptor HoldKin(const Kin& kin) {
  FileDescriptor pidfd(static_cast<int>(syscall(SYS_pidfd_open, kin.pid, 0)));
  if (pidfd.get() < 0) return FileDescriptor();
  const pid_t parent = StatOf(kin.pid).parent;
  if (parent != kin.parent && parent != getpid()) return FileDescriptor();
  return pidfd;
}

}  // namespace fanmill
