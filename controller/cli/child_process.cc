#include "controller/cli/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/core/check.h"
#include "lib/io/clock.h"
#include "lib/io/file.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr Duration kLookEvery = Millis(2);

// In the child, between fork and exec: only what is safe there. Returns the errno of a failure.
int BecomeProgram(char* const* argv, const char* log_path, pid_t parent) {
  const int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (log < 0 || nothing < 0) return errno;
  if (dup2(nothing, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
      dup2(log, STDERR_FILENO) < 0) {
    return errno;
  }
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);  // it died before we asked to be told
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  execv(argv[0], argv);
  return errno;
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(const std::vector<std::string>& argv,
                                                 const std::string& log_path) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot start ", argv[0], ": ", ErrorText(errno)));
  }
  const FileDescriptor out(ends[0]);
  FileDescriptor in(ends[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    const int error = BecomeProgram(words.data(), log_path.c_str(), parent);
    const ssize_t told = write(in.get(), &error, sizeof(error));
    _exit(told == sizeof(error) ? 127 : 126);
  }
  int error = errno;
  in = FileDescriptor();
  // The pipe closes by itself when the program begins.
  if (pid > 0 && read(out.get(), &error, sizeof(error)) != sizeof(error)) {
    return ChildProcess(pid, argv[0].substr(argv[0].rfind('/') + 1), log_path);
  }
  if (pid > 0) waitpid(pid, nullptr, 0);
  return absl::UnavailableError(absl::StrCat("cannot start ", argv[0], ": ", ErrorText(error)));
}

ChildProcess::ChildProcess(pid_t pid, std::string name, std::string log_path)
    : pid_(pid), name_(std::move(name)), log_path_(std::move(log_path)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      name_(std::move(other.name_)),
      log_path_(std::move(other.log_path_)),
      status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(name_, other.name_);
  std::swap(log_path_, other.log_path_);
  std::swap(status_, other.status_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0 || !Running()) return;
  Signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ChildProcess::Running() {
  if (status_.has_value()) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return true;
  status_ = status;
  return false;
}

bool ChildProcess::WaitUntilEnded(Duration timeout) {
  const Instant deadline = After(Now(), timeout);
  while (Running()) {
    if (Now() >= deadline) return false;
    WaitFor(kLookEvery);
  }
  return true;
}

void ChildProcess::Signal(int number) {
  if (Running()) kill(pid_, number);
}

std::string ChildProcess::EndText() const {
  FANMILL_CHECK(status_.has_value());
  if (WIFEXITED(*status_)) return absl::StrCat("exit code ", WEXITSTATUS(*status_));
  const char* name = sigabbrev_np(WTERMSIG(*status_));
  return absl::StrCat("signal ", WTERMSIG(*status_),
                      name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"));
}

int ChildProcess::exit_code() const {
  FANMILL_CHECK(status_.has_value());
  return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : 128 + WTERMSIG(*status_);
}

std::string ChildProcess::LastLines(size_t lines_max) const {
  std::ifstream log(log_path_);
  std::deque<std::string> lines;
  for (std::string line; std::getline(log, line);) {
    lines.push_back(std::move(line));
    if (lines.size() > lines_max) lines.pop_front();
  }
  return absl::StrJoin(lines, "\n");
}

}  // namespace fanmill::cli
