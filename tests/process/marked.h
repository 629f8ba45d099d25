// Finds processes by a mark in their environment, whoever their parent is by now.
#ifndef FANMILL_TESTS_PROCESS_MARKED_H_
#define FANMILL_TESTS_PROCESS_MARKED_H_

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace fanmill {

inline constexpr std::chrono::seconds kPatience{20};

// True as soon as the condition holds; false when it does not within kPatience.
template <class Condition>
bool WaitUntil(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    poll(nullptr, 0, 1);
  }
  return true;
}

// What a file of /proc says; empty when the process is gone. By hand: a stream throws when that
// happens while it reads.
inline std::string ReadProc(const std::string& path) {
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char piece[4096];
  ssize_t n = 0;
  while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0) {
    text.append(piece, static_cast<size_t>(n));
  }
  if (fd >= 0) close(fd);
  return text;
}

// Dead, though perhaps nobody has reaped it yet.
inline bool IsDead(pid_t pid) {
  const std::string stat = ReadProc("/proc/" + std::to_string(pid) + "/stat");
  return stat.empty() || stat.substr(stat.rfind(')')).starts_with(") Z");
}

// Stopped, or waiting for a child it shares its memory with (vfork) that is.
inline bool StandsStill(pid_t pid) {
  const std::string stat = ReadProc("/proc/" + std::to_string(pid) + "/stat");
  const std::string state = stat.substr(std::min(stat.size(), stat.rfind(')')));
  return state.starts_with(") T") || state.starts_with(") D");
}

// One mark per test; what still bears it at the end is killed.
class Mark {
 public:
  explicit Mark(const std::string& name = "FANMILL_TEST_MARK") {
    static int made = 0;
    entry_ = name + "=" + std::to_string(getpid()) + "." + std::to_string(++made);
  }
  ~Mark() {
    for (pid_t pid : Bearers()) kill(pid, SIGKILL);
  }

  const std::string& entry() const { return entry_; }

  std::vector<pid_t> Bearers() const {
    std::vector<pid_t> bearers;
    for (const auto& folder : std::filesystem::directory_iterator("/proc")) {
      const std::string name = folder.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      const std::string environment = ReadProc(folder.path() / "environ");
      if (environment.find(entry_ + '\0') != std::string::npos) bearers.push_back(std::stoi(name));
    }
    return bearers;
  }

 private:
  std::string entry_;
};

}  // namespace fanmill

#endif  // FANMILL_TESTS_PROCESS_MARKED_H_
